"""VIMA-Bench itself: tasks, pictures and physics from the user's own installation, one child process per simulator."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final

import numpy as np
from typing_extensions import Doc

from instar.demo import Instruction, Observation
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, SimulatorError
from instar.findings import Finding
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.apart import program
from instar.simulators.apart.expert import Expert
from instar.simulators.apart.interpreter import interpreter
from instar.simulators.apart.program import Answer, Array
from instar.simulators.apart.standby import Standby, afresh
from instar.simulators.names import meant
from instar.simulators.vima import world
from instar.simulators.vima.actions import action_of, poses_of
from instar.simulators.vima.diary import Diary
from instar.simulators.vima.examination import examine
from instar.simulators.vima.observing import Names, instruction_in, names_in, observation_in
from instar.simulators.vima.partitions import PARTITIONS, tasks_at

VARIABLE: Final = "INSTAR_VIMA_PYTHON"  # the interpreter, where the option names none
CHECKOUT: Final = "INSTAR_VIMA_CHECKOUT"


@dataclass
class VimaBench:
    """The benchmark's own world, in a child process of its own interpreter: old pins there never meet ours."""

    LOCAL: ClassVar = ("python", "checkout", "patience")  # where and how fast, not what
    python: Annotated[str, Doc("interpreter that has VIMA-Bench; if empty, the variable INSTAR_VIMA_PYTHON")] = ""
    checkout: Annotated[
        str, Doc("VIMABench folder, where it is not installed; or the variable INSTAR_VIMA_CHECKOUT")
    ] = ""
    patience: Annotated[float, Doc("seconds of silence after which the child process is given up")] = 120.0
    robot: Robot = field(default=VIMA, init=False, repr=False)
    _standby: Standby = field(init=False, repr=False, compare=False)
    _playing: str = field(default="", init=False, repr=False, compare=False)  # the episode in play
    _names: Names = field(default=(), init=False, repr=False, compare=False)
    _over: bool = field(default=False, init=False, repr=False, compare=False)
    _diary: Diary | None = field(default=None, init=False, repr=False, compare=False)
    _advised: "Advice | None" = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._standby = Standby("VIMA-Bench", "vima", command(self.python, self.checkout))

    def __reduce__(self) -> tuple[type["VimaBench"], tuple[Any, ...]]:
        return afresh(self)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene, which depends on the task's suite and name and on the seed alone.

        Raises SimulatorError for a task that there is not, and where the child process is lost.
        """
        require(task)
        order = {"do": "reset", "partition": PARTITIONS[task.suite], "task": task.name, "seed": seed}
        self._playing, self._over, self._advised = "", False, None
        answer = self._ask(order)
        self._playing = f"{task.suite}/{task.name}/{seed}"
        self._names = names_in(answer.header["objects"])
        instruction, observation = instruction_in(answer), observation_in(answer, self._names)
        self._diary = Diary(task, instruction)
        self._diary.note(observation, answer.header)
        return instruction, observation

    def step(self, action: Floats) -> Transition:
        """Pick and place, or sweep; places outside the workspace are moved to its edge, and the reason says so."""
        self._require_play()
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (VIMA.actions.dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {VIMA.actions.dim} finite numbers; got {action.tolist()}")
        inside, moved = inward(action)
        advised, self._advised = self._advised, None
        followed = advised is not None and np.array_equal(advised.action, action)
        answer = self._ask({"do": "step"}, advised.poses if advised and followed else poses_of(inside))
        told = answer.header
        self._over = bool(told["success"] or told["failure"])
        reasons = [moved, "the arm did not get there" if told["stuck"] else ""]
        reason = "" if told["success"] else "; ".join(part for part in reasons if part)
        observation = observation_in(answer, self._names)
        assert self._diary is not None
        self._diary.note(observation, told, inside)
        return Transition(observation, self._over, bool(told["success"]), reason)

    def expert(self) -> Policy:
        """The benchmark's scripted oracle for the episode in play."""
        return Expert(self)

    def advice(self) -> Floats:
        """What the oracle does next, (6,). Raises SimulatorError when there is nothing left to do."""
        self._require_play()
        poses = self._ask({"do": "advise"}).arrays
        self._advised = Advice(action_of(poses), poses)
        return self._advised.action.copy()

    def scene(self) -> dict[str, Any]:
        """The truth about the episode so far, in the layout of `instar.simulators.tabletop.scenes`."""
        if not self._playing or self._diary is None:
            raise SimulatorError("no episode in play; reset VIMA-Bench to a task and a seed first")
        return self._diary.scene(self._ask({"do": "describe"}).header)

    @property
    def greeting(self) -> Mapping[str, Any]:
        """What the child says of itself: versions of what it runs on, and the tasks by partition."""
        return self._ask({"do": "greet"}).header

    def prepare(self) -> None:
        """Make sure that an episode could be played. Raises SimulatorError that names what is missing."""
        self._standby.prepare(self.patience)

    def examine(self) -> list[Finding]:
        """What the interpreter lacks, for `instar doctor vima`."""
        order = command(self.python, self.checkout)
        return list(examine(order[0], checkout_of(self.checkout), order, self.patience))

    def close(self) -> None:
        """End the child process."""
        self._playing = ""
        self._standby.close()

    def _require_play(self) -> None:
        if self._over:
            raise SimulatorError("the episode is over; reset VIMA-Bench before the next step")
        if not self._playing:
            raise SimulatorError("no episode in play; reset VIMA-Bench to a task and a seed first")

    def _ask(self, order: dict[str, Any], arrays: Mapping[str, Array] | None = None) -> Answer:
        """The child's answer; a child that is lost takes its episode with it."""
        try:
            return self._standby.ask(self.patience, order, arrays)
        except SimulatorError:
            self._playing = ""
            raise


@dataclass(frozen=True, eq=False)
class Advice:
    """What the oracle said: as six numbers, and in its own, whose quaternions may be a bit off unit length."""

    action: Floats
    poses: Mapping[str, Array]


def command(python: str, checkout: str) -> list[str]:
    """What to run. Raises ConfigError, in one line, for an interpreter or a checkout that is not there."""
    found = interpreter(python, VARIABLE, "vima", "VIMA-Bench")
    return program.command(found, Path(world.__file__), {"checkout": checkout_of(checkout)})


def checkout_of(chosen: str) -> str:
    """The folder of the checkout; empty where none is named. Raises ConfigError for one that is no checkout."""
    folder = chosen or os.environ.get(CHECKOUT, "")
    if folder and not (Path(folder).expanduser() / "vima_bench" / "__init__.py").is_file():
        raise ConfigError(f"{folder}: no checkout of VIMABench; it has no vima_bench/__init__.py")
    return str(Path(folder).expanduser().absolute()) if folder else ""


def require(task: Task) -> None:
    """Raise SimulatorError, saying what was probably meant, unless VIMA-Bench has `task`."""
    if task.suite not in PARTITIONS:
        raise SimulatorError(f"VIMA-Bench has no suite {task.suite!r}{meant(task.suite, list(PARTITIONS))}")
    known = tasks_at(task.suite)
    if task.name not in known:
        raise SimulatorError(f"VIMA-Bench has no task {task.name!r} in {task.suite}{meant(task.name, known)}")


def inward(action: Floats) -> tuple[Floats, str]:
    """`action` with its places inside the workspace, and in words what was moved; turns go round and have no limit."""
    inside = action.copy()
    for k in (0, 1, 3, 4):
        inside[k] = np.clip(action[k], VIMA.actions.low[k], VIMA.actions.high[k])
    moved = [
        f"{name} {there:.3f} m is outside the table and was moved to {here:.3f} m"
        for name, there, here in zip(VIMA.actions.names, action, inside, strict=True)
        if there != here
    ]
    return inside, "; ".join(moved)
