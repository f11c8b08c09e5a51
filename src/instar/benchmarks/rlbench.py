"""RLBench as a benchmark: the eighteen tasks of PerAct and LLARVA, twenty-five episodes each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED
from instar.errors import ConfigError
from instar.plugins import Choice
from instar.simulator import Task, Trial
from instar.simulators.names import chosen
from instar.simulators.rlbench import options
from instar.simulators.rlbench.simulator import require_options
from instar.simulators.rlbench.tasks import PERACT, SUITE, VARIATIONS, WORLD

# Actions after which publications stop: LLARVA's speeds of joints, PerAct's key poses.
STEPS: Final[dict[options.Control, int]] = {"joint_velocity": 150, "joint_position": 150, "end_effector_pose": 25}


@dataclass(frozen=True)
class RLBenchBenchmark:
    """So many episodes of every task, from seeds or from stored demonstrations."""

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = tuple(PERACT)
    per_task: Annotated[int, Doc("episodes per task")] = 25
    seed: Annotated[int, Doc(f"the first seed, or demonstration; -1: {FIRST_SEED}, or 0 with starts=demos")] = -1
    max_steps: Annotated[int, Doc("actions after which an episode is a timeout; 0: 150, or 25 of poses")] = 0
    control: options.Controlled = "joint_velocity"
    starts: options.Starts = "seeds"
    dataset: options.Dataset = ""
    variation: options.Variation = -1
    cameras: options.Cameras = "front"
    size: options.Size = 128
    renderer: options.Renderer = "opengl"
    wordings: options.Wordings = "first"
    headless: options.Headless = True
    patience: options.Patience = 300.0

    def __post_init__(self) -> None:
        require_options(self.size, self.starts, self.dataset, self.variation)
        if self.per_task < 1 or self.max_steps < 0 or self.seed < -1:
            told = f"per_task={self.per_task}, max_steps={self.max_steps}, seed={self.seed}"
            raise ConfigError(f"rlbench: {told}: per_task is at least one, and nothing is negative")
        for task in self._tasks():
            if self.variation >= VARIATIONS[task]:
                last = VARIATIONS[task] - 1
                raise ConfigError(f"rlbench: variation={self.variation}: those of {task} are numbered from 0 to {last}")

    def simulator(self) -> str:
        """RLBench, in the interpreter and as seen as this benchmark was told."""
        names = ("python", "control", "starts", "dataset", "variation", "cameras", "size", "renderer", "wordings")
        told = {name: getattr(self, name) for name in (*names, "headless", "patience")}
        return str(Choice("rlbench", {name: value for name, value in told.items() if value != ""}))

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play: the seeds of one task, then the next task."""
        most = self.max_steps or STEPS[self.control]
        first = self.seed if self.seed >= 0 else 0 if self.starts == "demos" else FIRST_SEED
        return [Trial(Task(task, SUITE, most), first + k) for task in self._tasks() for k in range(self.per_task)]

    def _tasks(self) -> tuple[str, ...]:
        return chosen(self.tasks, tuple(VARIATIONS), "task", WORLD)
