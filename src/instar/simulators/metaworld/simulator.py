"""Meta-World: fifty tasks of a Sawyer arm from the user's own installation, one child process per simulator."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from instar.demo import Image, Instruction, Observation
from instar.errors import ConfigError, SimulatorError
from instar.findings import Finding
from instar.policy import Policy
from instar.robot import ActionSpace, Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.apart import program
from instar.simulators.apart.expert import Expert
from instar.simulators.apart.interpreter import interpreter
from instar.simulators.apart.program import Answer, Array
from instar.simulators.apart.standby import Standby, afresh
from instar.simulators.metaworld import options, world
from instar.simulators.metaworld.cameras import CAMERAS, camera, require_mounts, turned
from instar.simulators.metaworld.examination import examine
from instar.simulators.metaworld.tasks import SUITES, TASKS, WORLD, instruction
from instar.simulators.names import chosen, meant

# Meta-World moves what the hand is bound to by a hundredth of the action in each of 80 steps a second.
SPEED: Final = 0.8  # m/s, along each axis
ACTIONS: Final = ActionSpace(
    names=("x", "y", "z", "gripper"),
    units=("m/s", "m/s", "m/s", "1"),
    frame="base",
    mode="delta",
    low=(-SPEED, -SPEED, -SPEED, 0.0),
    high=(SPEED, SPEED, SPEED, 1.0),
)


@dataclass
class MetaWorld:
    """Meta-World's own world, in a child process of its own interpreter.

    An action is the velocity of the hand and the gripper, from 1 opens to 0 closes; 0.5 is Meta-World's 0, at which the
    fingers go apart slowly. The state is the hand's place in metres, and how far the gripper is open.
    """

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    cameras: options.Cameras = "corner4"
    height: options.Height = 128
    width: options.Width = 256
    fov: options.Fov = 0.0
    repeat: options.Repeat = 5
    finish: options.Finish = "plain"
    wordings: options.Wordings = "first"
    patience: options.Patience = 120.0
    robot: Robot = field(init=False, repr=False, compare=False)
    _standby: Standby = field(init=False, repr=False, compare=False)
    _playing: bool = field(default=False, init=False, repr=False, compare=False)
    _over: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_sizes(self.height, self.width, self.fov, self.repeat)
        names = chosen(self.cameras, CAMERAS, "camera", WORLD)
        seen = tuple(camera(name, self.height, self.width, self.fov) for name in names)
        self.robot = Robot("sawyer", "end effector velocity", ACTIONS, seen, state=("x", "y", "z", "gripper"))
        self._standby = Standby(WORLD, "metaworld", self._command())

    def __reduce__(self) -> tuple[type["MetaWorld"], tuple[Any, ...]]:
        return afresh(self)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene: things and goals are where the seed puts them.

        Raises SimulatorError for a task that there is not, and where the child process is lost.
        """
        require(task)
        self._playing, self._over = False, False
        answer = self._ask({"do": "reset", "task": task.name, "seed": seed})
        require_mounts(answer.header["cameras"], self.fov)
        self._playing = True
        return Instruction(instruction(task.name, seed, self.wordings)), self._observation(answer)

    def step(self, action: Floats) -> Transition:
        """Move so fast, and hold the gripper so, for `repeat` steps.

        What is faster than the arm is slowed, and the reason says so. The episode is a success as soon as Meta-World
        says so once.
        """
        self._require_play()
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (ACTIONS.dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {ACTIONS.dim} finite numbers; got {action.tolist()}")
        answer = self._ask({"do": "step"}, {"action": theirs(ACTIONS.clip(action))})
        self._over = bool(answer.header["success"])
        return Transition(self._observation(answer), self._over, self._over, "" if self._over else slowed(action))

    def expert(self) -> Policy:
        """Meta-World's scripted policy for the episode in play."""
        return Expert(self)

    def advice(self) -> Floats:
        """What the scripted policy does in the next `repeat` steps, on average, (4,)."""
        self._require_play()
        return ours(np.asarray(self._ask({"do": "advise"}).arrays["action"], dtype=np.float64))

    @property
    def greeting(self) -> Mapping[str, Any]:
        """What the child says of itself: versions of what it runs on, and the tasks that it has."""
        return self._ask({"do": "greet"}).header

    def prepare(self) -> None:
        """Make sure that an episode could be played. Raises SimulatorError that names what is missing."""
        self._standby.prepare(self.patience)

    def examine(self) -> list[Finding]:
        """What the interpreter lacks, for `instar doctor metaworld`."""
        return list(examine(self._command(), self.patience))

    def close(self) -> None:
        """End the child process."""
        self._playing = False
        self._standby.close()

    def _command(self) -> list[str]:
        told = {
            "cameras": [[seen.name, turned(seen.name)] for seen in self.robot.cameras],
            "height": self.height,
            "width": self.width,
            "fov": self.fov,
            "full": self.finish == "full",
            "repeat": self.repeat,
        }
        python = interpreter(self.python, options.VARIABLE, "metaworld", WORLD)
        return program.command(python, Path(world.__file__), told)

    def _require_play(self) -> None:
        if self._over:
            raise SimulatorError("the episode is over; reset Meta-World before the next step")
        if not self._playing:
            raise SimulatorError("no episode in play; reset Meta-World to a task and a seed first")

    def _ask(self, order: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """The child's answer; a child that is lost takes its episode with it."""
        try:
            return self._standby.ask(self.patience, order, arrays)
        except SimulatorError:
            self._playing = False
            raise

    def _observation(self, answer: Answer) -> Observation:
        images = {seen.name: Image.of(self._pixels(answer, seen.name)) for seen in self.robot.cameras}
        return Observation(images, np.array(answer.header["state"], dtype=np.float64))

    def _pixels(self, answer: Answer, name: str) -> Any:
        pixels = answer.arrays.get(f"rgb/{name}")
        if pixels is None or pixels.shape != (self.height, self.width, 3) or pixels.dtype != np.uint8:
            there = "nothing" if pixels is None else f"{pixels.shape} {pixels.dtype}"
            raise SimulatorError(f"Meta-World should have sent a picture of {name!r}; it sent {there}")
        return pixels


def require(task: Task) -> None:
    """Raise SimulatorError, saying what was probably meant, unless Meta-World has `task`."""
    if task.suite not in SUITES:
        raise SimulatorError(f"Meta-World has no suite {task.suite!r}{meant(task.suite, list(SUITES))}")
    if task.name not in SUITES[task.suite]:
        raise SimulatorError(f"Meta-World has no task {task.name!r} in {task.suite}{meant(task.name, TASKS)}")


def require_sizes(height: int, width: int, fov: float, repeat: int) -> None:
    """Raise ConfigError for pictures and actions that there cannot be."""
    if min(height, width) < 16 or max(height, width) > 2048:
        raise ConfigError(f"metaworld: height={height}, width={width}: pictures have 16 to 2048 pixels a side")
    if not 0 <= fov < 180:
        raise ConfigError(f"metaworld: fov={fov}: a field of view is between 0 and 180 degrees")
    if not 1 <= repeat <= options.STEPS:
        raise ConfigError(f"metaworld: repeat={repeat}: an action lasts 1 to {options.STEPS} steps")


def theirs(action: Floats) -> Floats:
    """Our action as Meta-World takes it: shares of the greatest speed, and the effort to close, from -1 to 1."""
    return np.array([*(action[:3] / SPEED), 1 - 2 * action[3]])


def ours(action: Floats) -> Floats:
    """Meta-World's action as ours."""
    return np.array([*(action[:3] * SPEED), (1 - action[3]) / 2])


def slowed(action: Floats) -> str:
    """In words, what of an action is more than the arm does; empty where nothing is."""
    done = ACTIONS.clip(action)
    return "; ".join(
        f"{name} {asked:.3f} {unit} is more than there is and was made {here:.3f}"
        for name, unit, asked, here in zip(ACTIONS.names, ACTIONS.units, action, done, strict=True)
        if asked != here
    )
