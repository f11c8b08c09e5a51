"""What a task is made of: things, words, and a rule that judges and knows what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from instar.simulators.arm.kinematics import Pose
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.things import Thing
from instar.simulators.arm.world import World

FAST: Final = 0.4  # metres a second of a hand that touches nothing
SLOW: Final = 0.2  # ... and of one that pushes or pulls
STILL: Final = 0.03  # metres a second below which a thing counts as lying
OFF: Final = -0.03  # metres: what is lower has left the table


@dataclass(frozen=True, eq=False)
class Goal:
    """Advice: where the hand should get to, open or closed. It may take many steps."""

    pose: Pose
    opened: bool
    pace: float = FAST  # metres a second


@dataclass(frozen=True)
class Verdict:
    """How things stand after a step."""

    success: bool = False
    failure: str = ""  # why it failed, in words; empty while it has not

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.success or bool(self.failure)


class Rule(Protocol):
    """Success and failure of one episode, by the state of the world."""

    def judge(self, world: World) -> Verdict:
        """How things stand now."""
        ...

    def advise(self, world: World) -> Goal:
        """What the scripted expert strives for in this state of the world, however that came about."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """One episode before its first step."""

    text: str
    things: tuple[Thing, ...]
    rule: Rule


class Family(Protocol):
    """One kind of problem, in every suite."""

    @property
    def name(self) -> str:
        """RLBench's name of the task, where it has one like it."""
        ...

    @property
    def allowance(self) -> float:
        """Seconds that a policy may take: about twice what the expert needs."""
        ...

    def problem(self, palette: Palette) -> Problem:
        """A fresh problem. Raises NoRoomError where the draw does not fit on the table."""
        ...


class NoRoomError(Exception):
    """The draw does not fit on the table; draw again."""


def fallen(world: World, things: Sequence[Thing]) -> str:
    """What has left the table, in words; empty where everything is there."""
    for thing in things:
        if thing.loose and world.place(thing.name)[2] < OFF:
            return f"the {thing.called} fell off the table"
    return ""
