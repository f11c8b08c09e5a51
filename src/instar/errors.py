"""What can go wrong that is not our mistake, as one small tree.

    InstarError
    +-- ConfigError      an option or a combination of options that cannot work
    +-- PluginError      no such plugin, a plugin that will not load, an unknown plugin option
    +-- DataError        a file, a folder or an episode that is not what it should be
    +-- MismatchError    two things that must agree (robot, camera, units, recipe) and do not
    +-- ReplyError       a model's reply that its grammar cannot read
    +-- SimulatorError   a simulator that failed; never a failure of the policy

A message says what, where, and what to do. The command line prints it on one line and exits with 2; anything outside
this tree is a bug and keeps its traceback.
"""


class InstarError(Exception):
    """Root of everything the user or the world can do wrong."""


class ConfigError(InstarError):
    """An option, or a combination of options, that cannot work."""


class PluginError(InstarError):
    """A plugin that does not exist, does not load, or does not know an option."""


class DataError(InstarError):
    """A file, a folder or an episode that is not what it should be."""


class MismatchError(InstarError):
    """Two things that must agree and do not; every disagreement is named."""


class SimulatorError(InstarError):
    """A simulator that failed or was asked for something it cannot do."""


class ReplyError(InstarError):
    """A reply that its grammar cannot read: where it stopped making sense and what was expected there."""

    def __init__(self, reply: str, position: int, expected: str) -> None:
        self.reply = reply
        self.position = position
        self.expected = expected
        seen = reply[position : position + 20]
        found = repr(seen) if seen else "the end of the reply"
        super().__init__(f"reply unreadable at character {position}: expected {expected}, found {found}")

    def __reduce__(self) -> tuple[type["ReplyError"], tuple[str, int, str]]:
        # Exceptions pickle by their message alone; ours crosses process borders whole.
        return (ReplyError, (self.reply, self.position, self.expected))
