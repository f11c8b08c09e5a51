"""VIMA-Bench as a benchmark: LLaRA's protocol, 42 pairs of level and task, played on the real simulator."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED, require_episodes, trials
from instar.simulator import Trial
from instar.simulators.names import chosen
from instar.simulators.vima.partitions import TASKS

WORLD: Final = "VIMA-Bench"
ALL: Final = tuple(dict.fromkeys(task for tasks in TASKS.values() for task in tasks))


@dataclass(frozen=True)
class VimaBenchmark:
    """So many episodes of every task at every level, each with its own seed."""

    LOCAL: ClassVar = ("python", "checkout", "patience")  # where and how fast, not what
    python: Annotated[str, Doc("interpreter that has VIMA-Bench; if empty, the variable INSTAR_VIMA_PYTHON")] = ""
    checkout: Annotated[
        str, Doc("VIMABench folder, where it is not installed; or the variable INSTAR_VIMA_CHECKOUT")
    ] = ""
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = ALL
    suites: Annotated[tuple[str, ...] | str, Doc("which levels, as a list or one+another")] = tuple(TASKS)
    per_task: Annotated[int, Doc("episodes per task and level")] = 20
    seed: Annotated[int, Doc("the first seed")] = FIRST_SEED
    max_steps: Annotated[int, Doc("actions after which an unfinished episode is a timeout")] = 8  # LLaRA's
    patience: Annotated[float, Doc("seconds of silence after which the simulator's process is given up")] = 120.0

    def __post_init__(self) -> None:
        require_episodes(self)

    def simulator(self) -> str:
        """The real one, in the interpreter that this benchmark was told."""
        options = {"python": self.python, "checkout": self.checkout}
        told = [f"{name}={json.dumps(value)}" for name, value in options.items() if value]
        return f"vima:{','.join([*told, f'patience={self.patience}'])}"

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play, in LLaRA's order."""
        return trials(self)

    def pairs(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in order; tasks that a level does not have are left out."""
        tasks, suites = chosen(self.tasks, ALL, "task", WORLD), chosen(self.suites, tuple(TASKS), "suite", WORLD)
        return [(suite, task) for suite in suites for task in TASKS[suite] if task in tasks]
