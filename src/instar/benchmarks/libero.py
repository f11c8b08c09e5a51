"""LIBERO as a benchmark: five suites, and the fixed beginnings of every task, as OpenVLA plays them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from typing_extensions import Doc

from instar.errors import ConfigError
from instar.plugins import Choice
from instar.simulator import Task, Trial
from instar.simulators.libero import options
from instar.simulators.libero.protocol import SETTLING, STATES, WORLD, suites, task_names
from instar.simulators.libero.simulator import require_sizes
from instar.simulators.names import chosen

SUITES = ("libero_spatial", "libero_object", "libero_goal", "libero_10")  # those that publications report


@dataclass(frozen=True)
class LiberoBenchmark:
    """So many of the fixed beginnings of every task."""

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    checkout: options.Checkout = ""
    suites: Annotated[tuple[str, ...] | str, Doc("which suites: libero_spatial, _object, _goal, _10, _90")] = SUITES
    tasks: Annotated[
        tuple[str | int, ...] | str | int, Doc("which tasks, by name or by number in the suite; all, if left out")
    ] = ""
    per_task: Annotated[int, Doc("episodes per task: its first so many beginnings")] = STATES
    seed: Annotated[int, Doc("the number of the first beginning")] = 0
    max_steps: Annotated[int, Doc("actions after which an episode is a timeout; 0 is the suite's own")] = 0
    cameras: options.Cameras = "agentview"
    height: options.Height = 256
    width: options.Width = 256
    words: options.Words = "name"
    settle: options.Settle = SETTLING
    patience: options.Patience = 300.0

    def __post_init__(self) -> None:
        require_sizes(self.height, self.width, self.settle)
        if not (self.per_task >= 1 and self.seed >= 0 and self.seed + self.per_task <= STATES):
            told = f"per_task={self.per_task}, seed={self.seed}"
            raise ConfigError(f"libero: {told}: a task has {STATES} beginnings, of numbers 0 to {STATES - 1}")
        if self.max_steps < 0:
            raise ConfigError(f"libero: max_steps={self.max_steps} is negative")
        if not self.pairs():
            raise ConfigError(f"none of the tasks {self.tasks} exists in the suites {self.suites}")

    def simulator(self) -> str:
        """LIBERO, in the interpreter and as seen as this benchmark was told."""
        names = ("python", "checkout", "cameras", "height", "width", "words", "settle", "patience")
        return str(Choice("libero", {name: getattr(self, name) for name in names if getattr(self, name) != ""}))

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play: the beginnings of one task, then the next task."""
        return [
            Trial(Task(task, suite, self.max_steps or suites()[suite].horizon), self.seed + k)
            for suite, task in self.pairs()
            for k in range(self.per_task)
        ]

    def pairs(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in LIBERO's order."""
        wanted = self._wanted()
        return [
            (suite, task)
            for suite in chosen(self.suites, tuple(suites()), "suite", WORLD)
            for number, task in enumerate(suites()[suite].tasks)
            if not wanted or task in wanted or str(number) in wanted
        ]

    def _wanted(self) -> tuple[str, ...]:
        """Names and numbers of the wanted tasks; none for all. Raises ConfigError for a name that there is not."""
        if self.tasks == "":
            return ()
        told = self.tasks if isinstance(self.tasks, tuple) else str(self.tasks).split("+")
        names = tuple(str(part).strip() for part in told)
        chosen(tuple(name for name in names if not name.isdecimal()) or task_names()[:1], task_names(), "task", WORLD)
        return names
