"""Episodes of an arm in RLBench's layout on disk, as PerAct and LLARVA keep it; RLBench is not needed.

<folder>/<task>/all_variations/episodes/episode0/
    low_dim_obs.pkl                a Demo: joints, speeds, gripper and cameras of every step
    variation_descriptions.pkl     the instruction
    variation_number.pkl
    front_rgb/0.png ...            a folder for each camera
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from instar.demo import Episode, Image
from instar.demos.rlbench.episode import CAMERAS, DEMO, WORDS
from instar.demos.rlbench.pickling import Named, Plain, dumps
from instar.embodiments.panda import JOINT_VELOCITY, JOINTS
from instar.errors import DataError, MismatchError
from instar.files import door, write_bytes
from instar.robot import Camera, Floats
from instar.tracing import PLACE

VARIATION: Final = "variation_number.pkl"
# Denavit and Hartenberg's angles of Franka's own documentation: how each joint's axis is turned about x from the last.
_TWISTS: Final = (0.0, -np.pi / 2, np.pi / 2, np.pi / 2, -np.pi / 2, np.pi / 2, np.pi / 2)
_HAND: Final = -np.pi / 4  # radians from the flange to the hand, about z
_FLAT: Final = 1e-9  # least volume that a pinhole's map leaves of a cube
_FLIP: Final = np.diag([-1.0, -1.0, 1.0])  # the focal lengths of PyRep are negative


def write_rlbench(episodes: Iterable[Episode], folder: Path) -> int:
    """Write episodes into a new or empty `folder`; how many there were.

    The task is the part of an episode's id before its last: "arm/seen/open_drawer/000003". Raises MismatchError for a
    robot that is not commanded by joint velocities or whose state does not tell its joints and the place of its hand,
    and DataError for a folder with something in it.
    """
    with door(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise DataError(f"{folder}: not empty; choose a new folder, or remove what is in it")
    written: Counter[str] = Counter()
    for episode in episodes:
        _require(episode)
        task = episode.id.rpartition("/")[0].rpartition("/")[2] or "task"
        _write(episode, folder / task / "all_variations" / "episodes" / f"episode{written[task]}")
        written[task] += 1
    return written.total()


def _require(episode: Episode) -> None:
    robot = episode.robot
    if robot.actions != JOINT_VELOCITY:
        raise MismatchError(
            f"{episode.id}: RLBench keeps joint velocities, and this episode is of {robot.control}; "
            "choose demonstrations with control=joint_velocity"
        )
    if missing := sorted({*JOINTS, "gripper", *PLACE} - set(robot.state)):
        raise MismatchError(f"{episode.id}: the state does not tell {', '.join(missing)}, which RLBench keeps")
    if strange := sorted({camera.name for camera in robot.cameras} - set(CAMERAS)):
        raise MismatchError(f"{episode.id}: RLBench has no camera {', '.join(strange)}; it has {', '.join(CAMERAS)}")


def _write(episode: Episode, folder: Path) -> None:
    for camera in episode.robot.cameras:
        for t, step in enumerate(episode.steps):
            write_bytes(folder / f"{camera.name}_rgb" / f"{t}.png", _png(step.observation.images[camera.name]))
    observations = [_observation(episode, t) for t in range(len(episode.steps))]
    write_bytes(folder / WORDS, dumps([episode.instruction.text]))
    write_bytes(folder / VARIATION, dumps(0))
    demo = {"_observations": observations, "random_seed": None, "variation_number": 0}
    write_bytes(folder / DEMO, dumps(Named("rlbench.demo", "Demo", demo)))  # last: the reader looks for it


def _png(image: Image) -> bytes:
    return image.data if image.data.startswith(b"\x89PNG") else Image.of(image.pixels).data


def _observation(episode: Episode, t: int) -> Named:
    """What is known at step `t`; its speeds are those that led to it, the action of the step before."""
    names, state = episode.robot.state, episode.steps[t].observation.state
    joints = state[[names.index(name) for name in JOINTS]]
    place = state[[names.index(name) for name in PLACE]]
    turn = _turn(joints)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = turn, place
    empty: dict[str, Plain] = {
        f"{camera}_{kind}": None for camera in CAMERAS for kind in ("rgb", "depth", "mask", "point_cloud")
    }
    return Named(
        "rlbench.backend.observation",
        "Observation",
        {
            **empty,
            "joint_velocities": episode.action(t - 1)[: len(JOINTS)] if t else np.zeros(len(JOINTS)),
            "joint_positions": joints,
            "joint_forces": None,
            "gripper_open": float(state[names.index("gripper")]),
            "gripper_pose": np.concatenate([place, _quaternion(turn)]),
            "gripper_matrix": matrix,
            "gripper_joint_positions": None,
            "gripper_touch_forces": None,
            "task_low_dim_state": None,
            "ignore_collisions": True,
            "misc": {name: value for camera in episode.robot.cameras for name, value in _map(camera).items()},
        },
    )


def _map(camera: Camera) -> dict[str, Plain]:
    """A camera's map in two: PyRep's intrinsics, and the pose of the camera. Nothing of one that is no pinhole."""
    if camera.world_to_pixel is None:
        return {}
    matrix = np.array(camera.world_to_pixel)
    if np.linalg.det(matrix[:, :3]) < _FLAT:
        return {}
    inside, turn = _triangular(matrix[:, :3])
    away = np.linalg.solve(inside, matrix[:, 3])
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = (_FLIP @ turn).T, -turn.T @ away
    return {f"{camera.name}_camera_intrinsics": inside @ _FLIP, f"{camera.name}_camera_extrinsics": world}


def _triangular(matrix: Floats) -> tuple[Floats, Floats]:
    """An upper triangular matrix with a positive diagonal and a rotation, whose product is `matrix` (3, 3)."""
    orthogonal, upper = np.linalg.qr(matrix[::-1].T)
    inside, turn = upper.T[::-1, ::-1], orthogonal.T[::-1]
    signs = np.diag(np.sign(np.diag(inside)))
    return inside @ signs, signs @ turn


def _turn(joints: Floats) -> Floats:
    """How the hand is turned (3, 3) with the joints at (7,) radians; z points out of it, y is the way it closes."""
    turn = np.eye(3)
    for twist, joint in zip(_TWISTS, joints, strict=True):
        turn = turn @ _about_x(twist) @ _about_z(float(joint))
    return turn @ _about_z(_HAND)


def _about_x(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about_z(angle: float) -> Floats:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _quaternion(turn: Floats) -> Floats:
    """A rotation (3, 3) as (x, y, z, w), w not negative: the eigenvector that belongs to the largest eigenvalue."""
    (a, b, c), (d, e, f), (g, h, i) = turn
    matrix = np.array(
        [[a - e - i, d + b, g + c, h - f], [0, e - a - i, h + f, c - g], [0, 0, i - a - e, d - b], [0, 0, 0, a + e + i]]
    )
    found: Floats = np.linalg.eigh(matrix, UPLO="U").eigenvectors[:, -1]
    return found if found[3] >= 0 else -found
