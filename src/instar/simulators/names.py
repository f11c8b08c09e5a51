"""Names that a simulator knows, as a user chooses them, and what to say of one that it does not know."""

import difflib
from collections.abc import Sequence

from instar.errors import ConfigError


def meant(name: str, known: Sequence[str]) -> str:
    """What to say after an unknown name: the likeliest known one, and all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known)
    return f"; did you mean {close[0]!r}? There are: {listed}" if close else f"; there are: {listed}"


def chosen(choice: str | Sequence[str], known: Sequence[str], what: str, world: str) -> tuple[str, ...]:
    """The names in a sequence or in "one+another", each once; `what` they are in which `world`.

    Raises ConfigError for one that is not known, and for none at all.
    """
    names = tuple(part.strip() for part in choice.split("+")) if isinstance(choice, str) else tuple(choice)
    for name in names:
        if name not in known:
            raise ConfigError(f"{world} has no {what} {name!r}{meant(name, known)}")
    if not names:
        raise ConfigError(f"no {what} of {world} is chosen; there are: {', '.join(known)}")
    return tuple(dict.fromkeys(names))
