"""Demonstrations without a download: the arm's scripted expert plays them as they are asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import metadata
from typing import Annotated, Final

import numpy as np
from typing_extensions import Doc

from instar.demo import Episode, Instruction, Observation
from instar.demos.played import Rounds, play
from instar.errors import ConfigError, PluginError
from instar.files import digest
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Simulator, Task, Transition, repeated
from instar.simulators.arm import WORLD_VERSION, Arm
from instar.simulators.arm.cameras import HEIGHT, WIDTH
from instar.simulators.arm.control import USUAL_HZ, Control
from instar.simulators.arm.engine import EXTRA
from instar.simulators.arm.palette import SEEN
from instar.simulators.arm.selection import TASKS, steps_of, suites_of, tasks_of
from instar.simulators.arm.simulator import generator

MOST_ASTRAY: Final = 0.5
# Standard deviations of what a hand that goes astray does besides: in the units of the actions, without the gripper.
_SPREADS: Final[dict[Control, tuple[float, ...]]] = {
    "end_effector_delta": (0.025, 0.025, 0.025, 0.05, 0.05, 0.1),
    "joint_velocity": (0.2,) * 7,
    "joint_position": (0.04,) * 7,
    "key_pose": (0.025, 0.025, 0.025, 0.05, 0.05, 0.1),
}


@dataclass(frozen=True)
class ArmDemos:
    """Episodes of the scripted expert, interleaved over tasks; the same id is the same episode everywhere."""

    episodes: Annotated[int, Doc("how many episodes, over all tasks")] = 400
    tasks: Annotated[
        tuple[str, ...] | str, Doc("which tasks, as a list or one+another; another*3 comes three times as often")
    ] = TASKS
    suite: Annotated[str, Doc("seen, or unseen: the colours and sizes that are kept for evaluations")] = SEEN
    seed: Annotated[int, Doc("the first seed of every task")] = 0
    control: Annotated[Control, Doc("what one action is")] = "end_effector_delta"
    hz: Annotated[float, Doc("steps a second")] = USUAL_HZ
    height: Annotated[int, Doc("pixels of a picture from top to bottom")] = HEIGHT
    width: Annotated[int, Doc("pixels of a picture from left to right")] = WIDTH
    cameras: Annotated[str, Doc("which cameras there are: front, wrist, or both as front+wrist")] = "front+wrist"
    astray: Annotated[
        float, Doc("share of steps in which the hand goes astray, so that episodes show how to get back")
    ] = 0.0

    def __post_init__(self) -> None:
        suites_of((self.suite,))
        if not 0 <= self.astray <= MOST_ASTRAY:
            raise ConfigError(f"arm: astray={self.astray} must be from 0 to {MOST_ASTRAY}")
        assert self._arm.robot
        assert self._rounds

    def ids(self) -> Sequence[str]:
        """Ids `arm/<suite>/<task>/<seed>`, one task after another and round again."""
        return self._rounds.ids()

    def episode(self, id: str) -> Episode:
        """The expert at play. Raises DataError for a foreign id, and for the rare seed the expert does not solve."""
        task, seed = self._rounds.parsed(id)
        arm = self._arm
        world: Simulator = Astray(arm, self.astray, generator("astray", id)) if self.astray else arm
        most = round(steps_of(task, self.hz, self.control) * (1 + 2 * self.astray))  # whoever goes astray needs longer
        return play(id, Task(task, self.suite), world, seed, most)

    def fingerprint(self) -> str:
        """Of the options, of the world's rules and of MuJoCo, whose versions differ in the last bits."""
        names = list(self._rounds.tasks)
        return digest({"world": WORLD_VERSION, "tasks": names, "suite": self.suite, "seed": self.seed} | {
            "episodes": self.episodes, "control": self.control, "hz": self.hz, "mujoco": _version(),
            "size": [self.height, self.width], "cameras": self.cameras, "astray": self.astray,
        })  # fmt: skip

    @property
    def _arm(self) -> Arm:
        return Arm(self.control, self.hz, self.height, self.width, self.cameras)

    @cached_property
    def _rounds(self) -> Rounds:
        often = repeated(self.tasks)
        names = tuple(name for name in tasks_of(tuple(often)) for _ in range(often[name]))
        # The same seed by other commands is another episode: all may be trained on together.
        rate = [] if self.hz == USUAL_HZ else [f"{self.hz:g}hz"]
        control = [] if self.control == "end_effector_delta" else [self.control]
        astray = [f"astray{self.astray:g}"] if self.astray else []
        return Rounds(f"{'-'.join(['arm', *control, *rate, *astray])}/{self.suite}", names, self.episodes, self.seed)


@dataclass
class Astray:
    """The arm in a world that is not perfect: now and then the hand goes elsewhere than the action says.

    The expert sees where it got to and goes on from there. So episodes show how to get back, with true actions, which
    those of a flawless world never do.
    """

    arm: Arm
    share: float  # of the steps
    rng: np.random.Generator
    robot: Robot = field(init=False)

    def __post_init__(self) -> None:
        self.robot = self.arm.robot

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene, as it is set anywhere."""
        return self.arm.reset(task, seed)

    def step(self, action: Floats) -> Transition:
        """Do something like the action; the gripper does as it is told."""
        spread = np.array([*_SPREADS[self.arm.control], 0.0])
        if self.rng.random() < self.share:
            action = action + spread * self.rng.normal(size=len(spread))
        return self.arm.step(action)

    def expert(self) -> Policy:
        """The scripted expert for the episode in play."""
        return self.arm.expert()

    def close(self) -> None:
        """Forget the episode in play."""
        self.arm.close()


def _version() -> str:
    try:
        return metadata.version("mujoco")
    except metadata.PackageNotFoundError as error:
        raise PluginError(f"the arm needs the module 'mujoco'; install it with: {EXTRA}") from error
