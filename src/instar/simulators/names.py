"""What to say of a name that a simulator does not know."""

import difflib
from collections.abc import Sequence


def meant(name: str, known: Sequence[str]) -> str:
    """What to say after an unknown name: the likeliest known one, and all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(known)
    return f"; did you mean {close[0]!r}? There are: {listed}" if close else f"; there are: {listed}"
