"""How long work tells how far it is: one call, whoever listens."""

import logging
import time
from collections.abc import Callable

Progress = Callable[[int, int, str], None]  # done, to do in all, a note on how it goes

logger = logging.getLogger(__name__)


def silent(done: int, total: int, note: str) -> None:
    """Listen to nothing."""


class Clock:
    """Names the stages of long work in the progress line and remembers how long each took."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._begun: dict[str, float] = {}

    def stage(self, name: str) -> Progress:
        """Begin a stage; what it tells is passed on under its name."""
        logger.info("%s", name)
        self._begun[name] = time.monotonic()
        return lambda done, total, note: self._progress(done, total, f"{name} {note}".rstrip())

    def minutes(self) -> dict[str, float]:
        """Minutes spent in each stage."""
        ends = [*list(self._begun.values())[1:], time.monotonic()]
        return {name: (end - begun) / 60 for (name, begun), end in zip(self._begun.items(), ends, strict=True)}
