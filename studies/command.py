"""What the command of a study does around its work: options, progress, errors in a line, a section of the results."""

import sys
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

import tyro

from instar.console import errors
from instar.console import progress as shown
from instar.errors import InstarError
from instar.progress import Progress
from studies.pages import RESULTS, write_section

EVERY: Final = 30.0  # seconds between two lines of progress where no terminal shows it


class Settings(Protocol):
    """What every study's options have."""

    @property
    def write(self) -> bool:
        """Whether the results page is to have it."""


S = TypeVar("S", bound=Settings)
R = TypeVar("R")


def carry_out(
    name: str, about: str | None, study: type[S], run: Callable[[S, Progress], R], page: Callable[[S, R, str], str]
) -> int:
    """Do the study `name` as the command line says, and put what `page` makes of it into docs/results.md.

    `page` is given the command, too, for the reader; where it gives nothing, the study is not done yet and nothing is
    written. Returns the exit status.
    """
    chosen = tyro.cli(study, prog=f"python -m studies.{name}", description=about)
    try:
        if errors.is_terminal:
            with shown(quiet=False) as progress:
                found = run(chosen, progress)
        else:
            found = run(chosen, logged())
        text = page(chosen, found, " ".join([f"python -m studies.{name}", *sys.argv[1:]]))
    except InstarError as error:
        sys.stderr.write(f"studies.{name}: {error}\n")
        return 2
    if text:
        sys.stdout.write(text + "\n")
        if chosen.write:
            write_section(RESULTS, name.replace("_", " "), text)
    return 0


def logged(every: float = EVERY) -> Progress:
    """Progress as lines of a log, at most one in so many seconds."""
    last = float("-inf")

    def tell(done: int, total: int, note: str) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= every:
            last = now
            sys.stderr.write(f"{time.strftime('%H:%M:%S')} {done}/{total} {note}\n")

    return tell
