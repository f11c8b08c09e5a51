"""How LIBERO is evaluated, as data: suites, horizons, waiting, signs and pictures, after OpenVLA (Kim et al., 2024)."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from instar.demo import Pixels
from instar.edges import checked
from instar.errors import SimulatorError
from instar.files import read_yaml
from instar.robot import ActionSpace, Camera, Floats, Robot
from instar.simulators.names import meant

WORLD: Final = "LIBERO"
TABLE: Final = Path(__file__).with_name("suites.yaml")

STATES: Final = 50  # fixed beginnings of every task
SEED: Final = 0  # of the environment, whatever the beginning
SETTLING: Final = 10  # steps at the beginning in which the arm waits until things lie still
WAITING: Final = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0)  # LIBERO's own action that moves nothing and opens the gripper

# Our names, which are those of its recorded demonstrations, and robosuite's.
CAMERAS: Final[Mapping[str, str]] = {"agentview": "agentview", "eye_in_hand": "robot0_eye_in_hand"}

# As `demos.hdf5` reads LIBERO's files: shares of the controller's greatest motion, then the gripper, 1 open, 0 closed.
ACTIONS: Final = ActionSpace(
    names=("x", "y", "z", "roll", "pitch", "yaw", "gripper"),
    units=("1",) * 7,
    frame="base",
    mode="delta",
    low=(-1.0,) * 6 + (0.0,),
    high=(1.0,) * 7,
)
STATE: Final = (*(f"ee_states_{k}" for k in range(6)), *(f"gripper_states_{k}" for k in range(2)))


@dataclass(frozen=True)
class Suite:
    """Tasks that are reported together."""

    horizon: int  # steps after which an episode is a timeout
    longest: int  # steps of the longest demonstration
    tasks: tuple[str, ...]  # names of their files


@functools.cache
def suites() -> Mapping[str, Suite]:
    """Every suite by its name, in LIBERO's order."""
    return {name: checked(Suite, told, f"{TABLE}: {name}") for name, told in read_yaml(TABLE).items()}


def task_names() -> tuple[str, ...]:
    """All tasks of all suites."""
    return tuple(task for suite in suites().values() for task in suite.tasks)


def told_by_name(task: str) -> str:
    """The instruction that publications use: the name of the task's file, without the number of its scene."""
    return re.sub(r"^[A-Z_]+SCENE\d+_", "", task).replace("_", " ")


def robot(cameras: tuple[str, ...], height: int, width: int) -> Robot:
    """LIBERO's Panda as its recorded demonstrations have it, with pictures of a size. Nobody measured the cameras."""
    seen = tuple(Camera(name, height, width) for name in cameras)
    return Robot("panda", "end effector motion", ACTIONS, seen, STATE)


def theirs(action: Floats) -> Floats:
    """Our action (7,) as LIBERO takes it: motions within their bounds, and the gripper -1 to open or +1 to close."""
    return np.array([*np.clip(action[:6], -1, 1), -1.0 if action[6] >= 0.5 else 1.0])


def state_of(place: Floats, turn: Floats, fingers: Floats) -> Floats:
    """The state (8,): the end effector in metres and as a rotation vector, then where both fingers are.

    `turn` is a quaternion xyzw.
    """
    return np.concatenate([place, rotation_vector(turn), fingers])


def rotation_vector(quaternion: Floats) -> Floats:
    """Axis times angle, in radians, of a quaternion xyzw, as robosuite works it out: the angle is from 0 to 2 pi."""
    cosine = float(np.clip(quaternion[3], -1, 1))
    sine = np.sqrt(1 - cosine * cosine)
    if sine == 0:
        return np.zeros(3)
    return np.asarray(quaternion[:3] * 2 * np.arccos(cosine) / sine, dtype=np.float64)


def upright(pixels: Pixels) -> Pixels:
    """A picture of LIBERO turned by half a turn, as its demonstrations are shown to models.

    The renderer's first row is the lowest, so this is upright and the mirror image of what a camera would see.
    """
    return pixels[::-1, ::-1]


def require(suite: str, task: str) -> None:
    """Raise SimulatorError, saying what was probably meant, unless LIBERO has the task in the suite."""
    if suite not in suites():
        raise SimulatorError(f"LIBERO has no suite {suite!r}{meant(suite, list(suites()))}")
    if task not in suites()[suite].tasks:
        raise SimulatorError(f"LIBERO has no task {task!r} in {suite}{meant(task, suites()[suite].tasks)}")
