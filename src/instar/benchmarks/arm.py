"""The arm as a benchmark: tasks in the manner of RLBench's, in colours and sizes that were shown and in others."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED, require_episodes, trials
from instar.plugins import typed
from instar.simulator import Trial
from instar.simulators.arm.cameras import HEIGHT, WIDTH
from instar.simulators.arm.control import USUAL_HZ, Control
from instar.simulators.arm.palette import SUITES
from instar.simulators.arm.selection import TASKS, steps_of, suites_of, tasks_of
from instar.simulators.arm.simulator import robot_of

_OF_THE_ARM = ("control", "hz", "height", "width", "cameras")


@dataclass(frozen=True)
class ArmBenchmark:
    """So many episodes of every task in every suite, each with its own seed."""

    tasks: Annotated[tuple[str, ...] | str, Doc("which tasks, as a list or one+another")] = TASKS
    suites: Annotated[tuple[str, ...] | str, Doc("which suites, as a list or one+another")] = SUITES
    per_task: Annotated[int, Doc("episodes per task and suite")] = 10
    seed: Annotated[int, Doc("the first seed")] = FIRST_SEED
    max_steps: Annotated[int, Doc("actions after which an unfinished episode is a timeout, if not before")] = 1000
    control: Annotated[Control, Doc("what one action is")] = "end_effector_delta"
    hz: Annotated[float, Doc("steps a second")] = USUAL_HZ
    height: Annotated[int, Doc("pixels of a picture from top to bottom")] = HEIGHT
    width: Annotated[int, Doc("pixels of a picture from left to right")] = WIDTH
    cameras: Annotated[str, Doc("which cameras there are: front, wrist, or both as front+wrist")] = "front+wrist"

    def __post_init__(self) -> None:
        require_episodes(self)
        assert robot_of(self.control, self.hz, (self.height, self.width), self.cameras)

    def simulator(self) -> str:
        """The arm, with those options that are not the usual ones."""
        usual = {item.name: item.default for item in dataclasses.fields(self)}
        chosen = {name: getattr(self, name) for name in _OF_THE_ARM if getattr(self, name) != usual[name]}
        told = ",".join(f"{name}={typed(value)}" for name, value in chosen.items())
        return f"arm:{told}" if told else "arm"

    def episodes(self) -> Sequence[Trial]:
        """Every episode to play, in order; each task has a time of its own, about twice what the expert needs."""
        return [
            dataclasses.replace(
                trial,
                task=dataclasses.replace(
                    trial.task, max_steps=min(self.max_steps, steps_of(trial.task.name, self.hz, self.control))
                ),
            )
            for trial in trials(self)
        ]

    def pairs(self) -> list[tuple[str, str]]:
        """Every (suite, task) there is to play, in order."""
        tasks = tasks_of(self.tasks)
        return [(suite, task) for suite in suites_of(self.suites) for task in tasks]
