"""Meta-World as a benchmark: its fifty tasks, each with goals and things that the seed places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED
from instar.errors import ConfigError
from instar.plugins import Choice
from instar.simulator import Task, Trial
from instar.simulators.metaworld import options
from instar.simulators.metaworld.simulator import require_sizes
from instar.simulators.metaworld.tasks import SUITES, TASKS, WORLD
from instar.simulators.names import chosen


@dataclass(frozen=True)
class MetaWorldBenchmark:
    """So many episodes of every task, each with its own seed."""

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = TASKS
    suites: Annotated[tuple[str, ...] | str, Doc("which groups: easy, medium, hard, very_hard")] = tuple(SUITES)
    per_task: Annotated[int, Doc("episodes per task")] = 10
    seed: Annotated[int, Doc("the first seed")] = FIRST_SEED
    max_steps: Annotated[int, Doc("actions after which an episode is a timeout; 0 is Meta-World's 500 steps")] = 0
    cameras: options.Cameras = "corner4"
    height: options.Height = 128
    width: options.Width = 256
    fov: options.Fov = 0.0
    repeat: options.Repeat = 5
    finish: options.Finish = "plain"
    wordings: options.Wordings = "first"
    patience: options.Patience = 120.0

    def __post_init__(self) -> None:
        require_sizes(self.height, self.width, self.fov, self.repeat)
        if self.per_task < 1 or self.max_steps < 0 or self.seed < 0:
            told = f"per_task={self.per_task}, max_steps={self.max_steps}, seed={self.seed}"
            raise ConfigError(f"metaworld: {told}: per_task is at least one, and nothing is negative")
        if not self.pairs():
            raise ConfigError(f"none of the tasks {self.tasks} exists in the suites {self.suites}")

    def simulator(self) -> str:
        """Meta-World, in the interpreter and as seen as this benchmark was told."""
        names = ("python", "cameras", "height", "width", "fov", "repeat", "finish", "wordings", "patience")
        return str(Choice("metaworld", {name: getattr(self, name) for name in names if getattr(self, name) != ""}))

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play: the seeds of one task, then the next task."""
        most = self.max_steps or options.STEPS // self.repeat
        return [
            Trial(Task(task, suite, most), self.seed + k) for suite, task in self.pairs() for k in range(self.per_task)
        ]

    def pairs(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in order."""
        tasks, suites = chosen(self.tasks, TASKS, "task", WORLD), chosen(self.suites, tuple(SUITES), "suite", WORLD)
        return [(suite, task) for suite in suites for task in SUITES[suite] if task in tasks]
