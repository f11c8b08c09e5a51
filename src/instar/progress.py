"""How long work tells how far it is: one call, whoever listens."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]  # done, to do in all, a note on how it goes


def silent(done: int, total: int, note: str) -> None:
    """Listen to nothing."""
