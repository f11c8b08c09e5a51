"""The tabletop as a benchmark: VIMA-Bench's levels and protocol on the kinematic table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED, require_episodes, trials
from instar.simulator import Trial
from instar.simulators.tabletop.look import Look
from instar.simulators.tabletop.selection import TASKS, set_at, suites_of, tasks_of
from instar.simulators.tabletop.tasks.sets import LEVELS


@dataclass(frozen=True)
class TabletopBenchmark:
    """So many episodes of every task at every level, each with its own seed."""

    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = TASKS
    suites: Annotated[tuple[str, ...] | str, Doc("which levels, as a list or one+another")] = LEVELS
    per_task: Annotated[int, Doc("episodes per task and level")] = 20
    seed: Annotated[int, Doc("the first seed")] = FIRST_SEED
    max_steps: Annotated[int, Doc("actions after which an unfinished episode is a timeout")] = 8
    look: Annotated[Look, Doc("sim, or real: another table, light and noise, and a camera that has moved")] = "sim"

    def __post_init__(self) -> None:
        require_episodes(self)

    def simulator(self) -> str:
        """The table itself, in the look that was asked for."""
        return "tabletop" if self.look == "sim" else f"tabletop:look={self.look}"

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play, in order."""
        return trials(self)

    def pairs(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in order; tasks that a level does not have are left out."""
        tasks = tasks_of(self.tasks)
        return [(suite, task) for suite in suites_of(self.suites) for task in set_at(suite, tasks)]
