"""LIBERO: a Panda arm at 130 tasks from the user's own installation, one child process per simulator."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from instar.demo import Image, Instruction, Observation
from instar.demos import unpickle
from instar.errors import ConfigError, SimulatorError
from instar.findings import Finding
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.apart import program
from instar.simulators.apart.interpreter import interpreter
from instar.simulators.apart.program import Answer, Array
from instar.simulators.apart.standby import Standby, afresh
from instar.simulators.libero import options, world
from instar.simulators.libero.examination import examine
from instar.simulators.libero.protocol import (
    ACTIONS,
    CAMERAS,
    SEED,
    SETTLING,
    WAITING,
    WORLD,
    require,
    robot,
    state_of,
    theirs,
    told_by_name,
    upright,
)
from instar.simulators.names import chosen


@dataclass
class Libero:
    """LIBERO's own world, in a child process of its own interpreter; a seed is the number of a fixed beginning.

    The robot is the one of LIBERO's recorded demonstrations as `--demos hdf5` reads them.
    """

    LOCAL: ClassVar = options.LOCAL
    python: options.Python = ""
    checkout: options.Checkout = ""
    cameras: options.Cameras = "agentview"
    height: options.Height = 256
    width: options.Width = 256
    words: options.Words = "name"
    settle: options.Settle = SETTLING
    patience: options.Patience = 300.0
    robot: Robot = field(init=False, repr=False, compare=False)
    _standby: Standby = field(init=False, repr=False, compare=False)
    _states: tuple[str, Floats] | None = field(default=None, init=False, repr=False, compare=False)  # of one task
    _playing: bool = field(default=False, init=False, repr=False, compare=False)
    _over: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require_sizes(self.height, self.width, self.settle)
        self.robot = robot(chosen(self.cameras, tuple(CAMERAS), "camera", WORLD), self.height, self.width)
        self._standby = Standby(WORLD, "libero", self._command())

    def __reduce__(self) -> tuple[type["Libero"], tuple[Any, ...]]:
        return afresh(self)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene to the fixed beginning of this number, counted round, and wait until things lie still.

        Raises SimulatorError for a task that there is not, and where the child process is lost.
        """
        require(task.suite, task.name)
        self._playing, self._over = False, False
        states = self._beginnings(task)
        order = {"do": "reset", "suite": task.suite, "task": task.name, "seed": SEED, "settle": self.settle}
        answer = self._ask({**order, "waiting": list(WAITING)}, {"state": states[seed % len(states)]})
        self._playing = True
        told = told_by_name(task.name) if self.words == "name" else str(answer.header["language"])
        return Instruction(told), self._observation(answer)

    def step(self, action: Floats) -> Transition:
        """Move by shares of the controller's greatest motion; the gripper opens from one half on, and closes below."""
        if self._over or not self._playing:
            why = "the episode is over" if self._over else "no episode in play"
            raise SimulatorError(f"{why}; reset LIBERO to a task and a beginning first")
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (ACTIONS.dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {ACTIONS.dim} finite numbers; got {action.tolist()}")
        answer = self._ask({"do": "step"}, {"action": theirs(action)})
        self._over = bool(answer.header["success"])
        return Transition(self._observation(answer), self._over, self._over)

    def expert(self) -> Policy | None:
        """None: LIBERO has demonstrations, which people recorded, and no scripted policy."""
        return None

    @property
    def greeting(self) -> Mapping[str, Any]:
        """What the child says of itself: versions of what it runs on, and where LIBERO's files are."""
        return self._ask({"do": "greet"}).header

    def prepare(self) -> None:
        """Make sure that an episode could be played. Raises SimulatorError that names what is missing."""
        self._standby.prepare(self.patience)

    def examine(self) -> list[Finding]:
        """What the interpreter lacks, for `instar doctor libero`."""
        return list(examine(checkout_of(self.checkout), self._command(), self.patience))

    def close(self) -> None:
        """End the child process."""
        self._playing = False
        self._standby.close()

    def _command(self) -> list[str]:
        python = interpreter(self.python, options.VARIABLE, "libero", WORLD)
        told = {
            "checkout": checkout_of(self.checkout),
            "cameras": [CAMERAS[seen.name] for seen in self.robot.cameras],
            "height": self.height,
            "width": self.width,
        }
        return program.command(python, Path(world.__file__), told)

    def _beginnings(self, task: Task) -> Floats:
        """The fixed beginnings (50, D) of a task. Their pickle is read and not run."""
        name = f"{task.suite}/{task.name}"
        if self._states is None or self._states[0] != name:
            told = self._ask({"do": "states", "suite": task.suite, "task": task.name}).arrays["pickle"]
            states = np.asarray(unpickle.loads(told.tobytes(), f"LIBERO's beginnings of {name}"), dtype=np.float64)
            if states.ndim != 2 or not len(states):
                raise SimulatorError(f"LIBERO's beginnings of {name} are no table of numbers: {states.shape}")
            self._states = name, states
        return self._states[1]

    def _ask(self, order: Mapping[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """The child's answer; a child that is lost takes its episode with it."""
        try:
            return self._standby.ask(self.patience, order, arrays)
        except SimulatorError:
            self._playing = False
            raise

    def _observation(self, answer: Answer) -> Observation:
        images = {seen.name: Image.of(self._pixels(answer, CAMERAS[seen.name])) for seen in self.robot.cameras}
        parts = (np.asarray(answer.arrays[name], dtype=np.float64) for name in ("place", "turn", "fingers"))
        return Observation(images, state_of(*parts))

    def _pixels(self, answer: Answer, name: str) -> Any:
        pixels = answer.arrays.get(f"rgb/{name}")
        if pixels is None or pixels.shape != (self.height, self.width, 3) or pixels.dtype != np.uint8:
            there = "nothing" if pixels is None else f"{pixels.shape} {pixels.dtype}"
            raise SimulatorError(f"LIBERO should have sent a picture of {name!r}; it sent {there}")
        return upright(np.asarray(pixels, dtype=np.uint8))


def checkout_of(chosen: str) -> str:
    """The folder of the clone; empty where none is named. Raises ConfigError for one that is no clone of LIBERO."""
    folder = chosen or os.environ.get(options.CHECKOUT, "")
    if folder and not (Path(folder).expanduser() / "libero" / "libero" / "__init__.py").is_file():
        raise ConfigError(f"{folder}: no clone of LIBERO; it has no libero/libero/__init__.py")
    return str(Path(folder).expanduser().absolute()) if folder else ""


def require_sizes(height: int, width: int, settle: int) -> None:
    """Raise ConfigError for pictures and waits that there cannot be."""
    if min(height, width) < 16 or max(height, width) > 2048:
        raise ConfigError(f"libero: height={height}, width={width}: pictures have 16 to 2048 pixels a side")
    if not 0 <= settle <= 100:
        raise ConfigError(f"libero: settle={settle}: the arm waits 0 to 100 steps")
