"""Actions of the house and actions of VIMA-Bench: six numbers here, two float32 poses there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from instar.robot import Floats

Pose = NDArray[np.float32]


def poses_of(action: Floats) -> dict[str, Pose]:
    """`action` (6,) as the simulator takes it: positions (2,) and quaternions xyzw (4,), float32.

    A turn by `yaw` is (0, 0, sin(yaw / 2), cos(yaw / 2)) whatever its size, so that a turn by 300 degrees gives the
    same bits as in the benchmark's own evaluation; it is not first brought between -180 and 180 degrees.
    """
    return {
        "pose0_position": action[0:2].astype(np.float32),
        "pose0_rotation": _quaternion(float(action[2])),
        "pose1_position": action[3:5].astype(np.float32),
        "pose1_rotation": _quaternion(float(action[5])),
    }


def action_of(poses: Mapping[str, NDArray[np.generic]]) -> Floats:
    """The action (6,) whose `poses_of` are these, bit for bit where they are turns about z."""
    start, end = (np.asarray(poses[f"pose{k}_position"], dtype=np.float64) for k in (0, 1))
    turns = [_yaw(np.asarray(poses[f"pose{k}_rotation"], dtype=np.float32)) for k in (0, 1)]
    return np.array([*start, turns[0], *end, turns[1]])


def _quaternion(yaw: float) -> Pose:
    return np.array([0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2)], dtype=np.float32)


def _yaw(quaternion: Pose) -> float:
    """The turn about z, in [-2 pi, 2 pi], in the middle of all that round to `quaternion`.

    A float32 sine is one of a narrow band of angles, a float32 cosine one of another; the turn that was rounded lies in
    both.
    """
    z, w = float(quaternion[2]), float(quaternion[3])
    guess = np.arctan2(z, w)
    sines, cosines = _band(z), _band(w)
    low, high = guess - _REACH, guess + _REACH
    if abs(w) > 1e-6:
        edges = guess + (sines - np.sin(guess)) / np.cos(guess)
        low, high = max(low, edges.min()), min(high, edges.max())
    if abs(z) > 1e-6:
        edges = guess - (cosines - np.cos(guess)) / np.sin(guess)
        low, high = max(low, edges.min()), min(high, edges.max())
    return float(low + high) if low <= high else 2 * float(guess)


_REACH = 1e-7  # radians; a float32 near 1 is within 6e-8


def _band(value: float) -> Floats:
    """The numbers (2,) between which everything rounds to the float32 `value`."""
    there = np.float32(value)
    below, above = np.nextafter(there, np.float32(-2)), np.nextafter(there, np.float32(2))
    return np.array([(float(below) + value) / 2, (value + float(above)) / 2])
