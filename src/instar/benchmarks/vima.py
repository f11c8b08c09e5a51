"""VIMA-Bench as a benchmark: LLaRA's protocol, 42 pairs of level and task, played on the real simulator."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from typing_extensions import Doc

from instar.errors import ConfigError
from instar.simulator import Task, Trial
from instar.simulators.names import meant
from instar.simulators.vima.partitions import TASKS

FIRST_SEED: Final = 200_000  # LLaRA's (Li et al., ICLR 2025): seeds 200000 to 200019, at most 8 steps
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
    max_steps: Annotated[int, Doc("actions after which an unfinished episode is a timeout")] = 8
    patience: Annotated[float, Doc("seconds of silence after which the simulator's process is given up")] = 120.0

    def __post_init__(self) -> None:
        if self.per_task < 1 or self.max_steps < 1:
            raise ConfigError(f"per_task={self.per_task}, max_steps={self.max_steps}: both must be at least one")
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed}: seeds are not negative")
        if not self._groups():
            raise ConfigError(f"none of the tasks {self.tasks} exists in the suites {self.suites}")

    def simulator(self) -> str:
        """The real one, in the interpreter that this benchmark was told."""
        options = {"python": self.python, "checkout": self.checkout}
        told = [f"{name}={json.dumps(value)}" for name, value in options.items() if value]
        return f"vima:{','.join([*told, f'patience={self.patience}'])}"

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play, in LLaRA's order."""
        return [
            Trial(Task(task, suite, self.max_steps), self.seed + k)
            for suite, task in self._groups()
            for k in range(self.per_task)
        ]

    def _groups(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in order; tasks that a level does not have are left out."""
        tasks, suites = _chosen(self.tasks, ALL, "task"), _chosen(self.suites, tuple(TASKS), "suite")
        return [(suite, task) for suite in suites for task in TASKS[suite] if task in tasks]


def _chosen(choice: str | Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in choice.split("+")) if isinstance(choice, str) else tuple(choice)
    for name in names:
        if name not in known:
            raise ConfigError(f"VIMA-Bench has no {what} {name!r}{meant(name, known)}")
    if not names:
        raise ConfigError(f"no {what} of VIMA-Bench is chosen; there are: {', '.join(known)}")
    return tuple(dict.fromkeys(names))
