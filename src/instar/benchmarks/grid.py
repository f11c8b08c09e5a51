"""Every task at every level, so often, each time with a seed of its own: the protocol of VIMA-Bench and of LLaRA."""

from collections.abc import Sequence
from typing import Final, Protocol

from instar.errors import ConfigError
from instar.simulator import Task, Trial

FIRST_SEED: Final = 200_000  # LLaRA's (Li et al., ICLR 2025): seeds 200000 to 200019; demonstrations stay below 100 000


class Grid(Protocol):
    """The options of a benchmark that is played so."""

    @property
    def tasks(self) -> tuple[str, ...] | str: ...
    @property
    def suites(self) -> tuple[str, ...] | str: ...
    @property
    def per_task(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def max_steps(self) -> int: ...

    def pairs(self) -> Sequence[tuple[str, str]]:
        """Every (suite, task) there is to play, in order; tasks that a level does not have are left out."""
        ...


def require_episodes(grid: Grid) -> None:
    """Raises ConfigError where nothing would be played."""
    if grid.per_task < 1 or grid.max_steps < 1:
        raise ConfigError(f"per_task={grid.per_task}, max_steps={grid.max_steps}: both must be at least one")
    if grid.seed < 0:
        raise ConfigError(f"seed={grid.seed}: seeds are not negative")
    if not grid.pairs():
        raise ConfigError(f"none of the tasks {grid.tasks} exists in the suites {grid.suites}")


def trials(grid: Grid) -> list[Trial]:
    """Every episode to play, in order: the seeds of one pair, then the next pair."""
    return [
        Trial(Task(task, suite, grid.max_steps), grid.seed + k)
        for suite, task in grid.pairs()
        for k in range(grid.per_task)
    ]
