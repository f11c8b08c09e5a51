"""RLBench: a Panda arm at a hundred tasks from the user's own installation, one child process per simulator."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from instar.demo import Image, Instruction, Observation
from instar.errors import ConfigError, SimulatorError
from instar.findings import Finding
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.apart import program
from instar.simulators.apart.interpreter import interpreter
from instar.simulators.apart.program import Answer, Array
from instar.simulators.apart.standby import Standby, afresh
from instar.simulators.names import chosen, meant
from instar.simulators.rlbench import options, stored, world
from instar.simulators.rlbench.examination import examine
from instar.simulators.rlbench.robot import CAMERAS, SPACES, done, robot_in, state_of
from instar.simulators.rlbench.tasks import SUITE, VARIATIONS, WORLD


@dataclass
class RLBench:
    """RLBench's own world, in a child process of its own interpreter.

    The robot is the one of its recorded demonstrations as `--demos rlbench` reads them. Its cameras are where the scene
    has them, so asking for `robot` starts the child.
    """

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
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
    _robot: Robot | None = field(default=None, init=False, repr=False, compare=False)
    _standby: Standby = field(init=False, repr=False, compare=False)
    _playing: bool = field(default=False, init=False, repr=False, compare=False)
    _over: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_options(self.size, self.starts, self.dataset, self.variation)
        chosen(self.cameras, CAMERAS, "camera", WORLD)
        self._standby = Standby(WORLD, "rlbench", self._command())

    def __reduce__(self) -> tuple[type["RLBench"], tuple[Any, ...]]:
        return afresh(self)

    @property
    def robot(self) -> Robot:
        """A Panda whose cameras are where this installation has them. Raises SimulatorError."""
        if self._robot is None:
            self.robot = self._robot_in(self._ask({"do": "greet"}))
        assert self._robot is not None
        return self._robot

    @robot.setter
    def robot(self, robot: Robot) -> None:
        self._robot = robot

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene as the seed decides; with starts=demos as the stored demonstration of this number began.

        Raises SimulatorError for a task or a demonstration that there is not, and where the child process is lost;
        DataError for a demonstration that does not say how it began.
        """
        self._playing, self._over = False, False
        self._require(task)
        order: dict[str, Any] = {"do": "reset", "task": task.name, "seed": seed, "variation": self.variation}
        arrays: dict[str, Array] = {}
        if self.starts == "demos":
            begun = self._beginning(task.name, seed)
            order["demo"], arrays["keys"] = begun.order, begun.keys
        answer = self._ask(order, arrays)
        require_variations(task.name, answer.header["count"])
        self._playing = True
        return Instruction(self._words(answer.header["words"], seed)), self._observation(answer)

    def step(self, action: Floats) -> Transition:
        """Move the arm, then the gripper, which opens where the last number is above one half and closes elsewhere.

        Joints that should go faster or further than they do are held back, and the reason says so. An action that
        RLBench refuses, as a pose that no path leads to, is the end of the episode: a failure.
        """
        self._require_play()
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (SPACES[self.control].dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {SPACES[self.control].dim} finite numbers; got {action.tolist()}")
        sent, changed = done(self.control, action)
        answer = self._ask({"do": "step"}, {"action": sent})
        told, success = answer.header, bool(answer.header["success"])
        self._over = success or bool(told["ended"])
        ended = "" if told["refused"] or not self._over else "RLBench ended the episode: what must not happen has"
        reasons = [part for part in (told["refused"], ended, changed) if part]
        return Transition(self._observation(answer), self._over, success, "" if success else "; ".join(reasons))

    def expert(self) -> Policy | None:
        """None: RLBench's own demonstrations set the scene anew, so they cannot be asked in an episode in play."""
        return None

    @property
    def greeting(self) -> Mapping[str, Any]:
        """What the child says of itself: versions of what it runs on, and the tasks that it has."""
        return self._ask({"do": "greet"}).header

    def prepare(self) -> None:
        """Make sure that an episode could be played, and find out where the cameras are.

        Raises SimulatorError that names what is missing.
        """
        self.robot = self._robot_in(self._standby.prepare(self.patience))

    def examine(self) -> list[Finding]:
        """What the interpreter lacks, for `instar doctor rlbench`."""
        return list(examine(self._command(), self.control, self.patience))

    def close(self) -> None:
        """End the child process."""
        self._playing = False
        self._standby.close()

    def _command(self) -> list[str]:
        told = {
            "control": self.control,
            "cameras": list(chosen(self.cameras, CAMERAS, "camera", WORLD)),
            "size": self.size,
            "renderer": self.renderer,
            "headless": self.headless,
        }
        python = interpreter(self.python, options.VARIABLE, "rlbench", WORLD)
        return program.command(python, Path(world.__file__), told)

    def _robot_in(self, greeting: Answer) -> Robot:
        return robot_in(self.control, chosen(self.cameras, CAMERAS, "camera", WORLD), self.size, greeting.arrays)

    @functools.cached_property
    def _known(self) -> list[str]:
        return [str(name) for name in self.greeting["tasks"]]

    def _require(self, task: Task) -> None:
        """Raise SimulatorError, saying what was probably meant, unless the installation has `task`."""
        if task.suite != SUITE:
            raise SimulatorError(f"RLBench has no suite {task.suite!r}{meant(task.suite, [SUITE])}")
        if task.name not in self._known:
            raise SimulatorError(f"this RLBench has no task {task.name!r}{meant(task.name, self._known)}")

    def _require_play(self) -> None:
        if self._over or not self._playing:
            why = "the episode is over" if self._over else "no episode in play"
            raise SimulatorError(f"{why}; reset RLBench to a task and a seed first")

    def _beginning(self, task: str, number: int) -> stored.Beginning:
        ids = stored.beginnings(Path(self.dataset).expanduser(), task)
        if number >= len(ids):
            raise SimulatorError(
                f"{self.dataset} has {len(ids)} demonstrations of {task}, of numbers 0 to {len(ids) - 1}; not {number}"
            )
        return stored.beginning(Path(self.dataset).expanduser(), ids[number])

    def _words(self, told: list[str], seed: int) -> str:
        drawn = np.random.default_rng(seed).integers(len(told)) if self.wordings == "all" else 0
        return told[int(drawn)]

    def _ask(self, order: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """The child's answer; a child that is lost takes its episode with it."""
        try:
            return self._standby.ask(self.patience, order, arrays)
        except SimulatorError:
            self._playing = False
            raise

    def _observation(self, answer: Answer) -> Observation:
        images = {seen.name: Image.of(self._pixels(answer, seen.name)) for seen in self.robot.cameras}
        return Observation(images, state_of(answer))

    def _pixels(self, answer: Answer, name: str) -> Any:
        pixels = answer.arrays.get(f"rgb/{name}")
        if pixels is None or pixels.shape != (self.size, self.size, 3) or pixels.dtype != np.uint8:
            there = "nothing" if pixels is None else f"{pixels.shape} {pixels.dtype}"
            raise SimulatorError(f"RLBench should have sent a picture of {name!r}; it sent {there}")
        return pixels


def require_variations(task: str, count: int) -> None:
    """Raise SimulatorError where a task has other variations than the one that publications speak of."""
    if VARIATIONS.get(task, count) != count:
        raise SimulatorError(
            f"{task} has {count} variations here and {VARIATIONS[task]} in RLBench 1.2 and PerAct's fork of it, so its "
            "results could not be compared; `instar doctor rlbench` says what to install"
        )


def require_options(size: int, starts: str, dataset: str, variation: int) -> None:
    """Raise ConfigError for options that cannot be, or not together."""
    if not 16 <= size <= 2048:
        raise ConfigError(f"rlbench: size={size}: pictures have 16 to 2048 pixels a side")
    if variation < -1:
        raise ConfigError(f"rlbench: variation={variation}: variations are numbered from 0; -1 lets the seed draw one")
    if starts == "seeds" and dataset:
        raise ConfigError("rlbench: dataset is for starts=demos; leave one out, or say both")
    if starts == "demos" and not dataset:
        raise ConfigError("rlbench: starts=demos begins as stored demonstrations did: say dataset=FOLDER")
    if starts == "demos" and variation != -1:
        raise ConfigError("rlbench: a stored demonstration has its own variation; leave variation out")
    if dataset and not Path(dataset).expanduser().exists():
        raise ConfigError(f"{dataset}: no such folder or zip of demonstrations")
