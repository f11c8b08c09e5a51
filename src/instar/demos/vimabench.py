"""Demonstrations of the real VIMA-Bench: its own oracle plays them as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, ClassVar

from typing_extensions import Doc

from instar.demo import Episode
from instar.demos.played import Rounds, play
from instar.errors import ConfigError
from instar.files import digest
from instar.simulator import Task, repeated
from instar.simulators.names import chosen
from instar.simulators.vima import VimaBench
from instar.simulators.vima.partitions import PARTITIONS, tasks_at

WORLD = "VIMA-Bench"


@dataclass(frozen=True)
class VimaBenchDemos:
    """Episodes of VIMA-Bench's scripted oracle, as VIMA's own data was made; those it does not solve are left out."""

    LOCAL: ClassVar = ("python", "checkout", "patience")  # where and how fast, not what
    episodes: Annotated[int, Doc("how many episodes, over all tasks")] = 300
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another*3; all, if left out")] = ""
    suite: Annotated[str, Doc("train, which VIMA's data was made from, or a level that is evaluated")] = "train"
    seed: Annotated[int, Doc("the first seed of every task")] = 0
    python: Annotated[str, Doc("interpreter that has VIMA-Bench; if empty, the variable INSTAR_VIMA_PYTHON")] = ""
    checkout: Annotated[
        str, Doc("VIMABench folder, where it is not installed; or the variable INSTAR_VIMA_CHECKOUT")
    ] = ""
    patience: Annotated[float, Doc("seconds of silence after which the simulator's process is given up")] = 120.0
    _simulator: VimaBench = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        chosen((self.suite,), tuple(PARTITIONS), "suite", WORLD)
        simulator = VimaBench(self.python, self.checkout, self.patience)  # starts its process when it is first needed
        object.__setattr__(self, "_simulator", simulator)
        assert self._rounds

    def ids(self) -> Sequence[str]:
        """Ids `vimabench/<suite>/<task>/<seed>`, one task after another and round again."""
        return self._rounds.ids()

    def episode(self, id: str) -> Episode:
        """The oracle at play. Raises DataError for a foreign id and for a seed that the oracle does not solve.

        Raises SimulatorError where the process is lost in play.
        """
        task, seed = self._rounds.parsed(id)
        return play(id, Task(task, self.suite), self._simulator, seed)

    def fingerprint(self) -> str:
        """Of what is played, not of where."""
        return digest({"world": WORLD, "tasks": list(self._rounds.tasks), "suite": self.suite, "seed": self.seed} | {
            "episodes": self.episodes
        })  # fmt: skip

    @cached_property
    def _rounds(self) -> Rounds:
        there = tasks_at(self.suite)
        often = repeated(self.tasks or there)
        asked = chosen(tuple(often), _ALL, "task", WORLD)
        names = tuple(name for name in there if name in asked for _ in range(often[name]))
        if not names:
            raise ConfigError(f"none of the tasks {self.tasks} exists in suite {self.suite!r}")
        return Rounds(f"vimabench/{self.suite}", names, self.episodes, self.seed)


_ALL = tuple(dict.fromkeys(task for suite in PARTITIONS for task in tasks_at(suite)))
