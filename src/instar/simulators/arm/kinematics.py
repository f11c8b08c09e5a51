"""From joints to the hand and back: inverse kinematics by damped least squares on MuJoCo's Jacobian."""

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.embodiments.panda import JOINTS, JOINTS_HIGH, JOINTS_LOW
from instar.robot import Floats
from instar.simulators.arm import skeleton
from instar.simulators.arm.engine import Data, Model, mujoco

ROUNDS: Final = 12  # at most; three or four are usual
CLOSE: Final = 1e-5  # metres and radians that are near enough
DAMPING: Final = 1e-4  # of the least squares, at least
REST: Final = 0.05  # how much of the way home the elbow goes in a round, as far as the hand does not move by it

_DOWN: Final = np.diag([1.0, -1.0, -1.0])
_LOW, _HIGH = np.array(JOINTS_LOW), np.array(JOINTS_HIGH)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the point between the fingertips is, and how the hand is turned."""

    place: Floats  # (3,) metres, in the base's frame
    turn: Floats  # (3, 3) from the hand's axes to the base's: y is the way the fingers close, z points out of the hand

    @property
    def yaw(self) -> float:
        """By how much the hand is turned about the vertical; at 0 it closes along the base's y."""
        return float(np.arctan2(self.turn[1, 0], self.turn[0, 0]))

    def off(self, other: "Pose") -> Floats:
        """The way from here to `other`, (6,): metres, then the rotation vector in the base's frame."""
        return np.concatenate([other.place - self.place, rotation_vector(other.turn @ self.turn.T)])

    def moved(self, way: Floats) -> "Pose":
        """The pose after the motion `way` (6,), in the base's frame."""
        return Pose(self.place + way[:3], rotation(way[3:]) @ self.turn)


def down(place: Floats, yaw: float) -> Pose:
    """The hand pointing straight down."""
    return Pose(np.asarray(place, np.float64), rotation(np.array([0.0, 0.0, yaw])) @ _DOWN)


def rotation(vector: Floats) -> Floats:
    """The matrix (3, 3) of a rotation vector (3,)."""
    angle = float(np.linalg.norm(vector))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def rotation_vector(matrix: Floats) -> Floats:
    """The rotation vector (3,) of a matrix; half turns come out about either axis."""
    skew = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]]) / 2
    sine, cosine = float(np.linalg.norm(skew)), (float(np.trace(matrix)) - 1) / 2
    angle = float(np.arctan2(sine, cosine))
    if sine > 1e-9:
        return np.asarray(skew / sine * angle)
    if cosine > 0:
        return skew
    # Half a turn: the matrix is twice the axis times itself, less one.
    column = (matrix + np.eye(3))[:, np.argmax(np.diag(matrix))]
    return np.asarray(column / np.linalg.norm(column) * angle)


class Kinematics:
    """The arm alone, in a model of its own, so that working out a pose disturbs no world."""

    def __init__(self) -> None:
        """Raises PluginError where MuJoCo is not installed."""
        mj = mujoco()
        self._model: Model = mj.MjModel.from_xml_string(
            f'<mujoco><compiler angle="radian"/><default>{skeleton.defaults()}</default>'
            f"<worldbody>{skeleton.body()}</worldbody></mujoco>"
        )
        self._data: Data = mj.MjData(self._model)
        self._site = int(mj.mj_name2id(self._model, int(mj.mjtObj.mjOBJ_SITE), skeleton.GRIP))
        self._jacobian = np.zeros((6, int(self._model.nv)))

    def pose(self, joints: Floats) -> Pose:
        """The hand with the joints at (7,) radians."""
        self._set(joints)
        turn = self._data.site_xmat[self._site].reshape(3, 3)
        return Pose(self._data.site_xpos[self._site].copy(), turn.copy())

    def joints(self, pose: Pose, near: Floats) -> Floats:
        """Joints (7,) within their limits that bring the hand to `pose`, or as close as they can, starting `near`."""
        mj, joints = mujoco(), np.clip(near, _LOW, _HIGH)
        for _ in range(ROUNDS):
            off = self.pose(joints).off(pose)
            error = float(np.linalg.norm(off))
            if error < CLOSE:
                break
            mj.mj_jacSite(self._model, self._data, self._jacobian[:3], self._jacobian[3:], self._site)
            jacobian = self._jacobian[:, : len(JOINTS)]
            # The further off, the more it is damped: an arm that is sent out of reach stretches and does not leap.
            inverse = jacobian.T @ np.linalg.inv(jacobian @ jacobian.T + (DAMPING + error**2) * np.eye(6))
            home = REST * (np.array(skeleton.HOME) - joints)
            joints = np.clip(joints + inverse @ off + home - inverse @ (jacobian @ home), _LOW, _HIGH)
        return joints

    def _set(self, joints: Floats) -> None:
        mj = mujoco()
        self._data.qpos[: len(JOINTS)] = joints
        mj.mj_kinematics(self._model, self._data)
        mj.mj_comPos(self._model, self._data)


@functools.cache
def kinematics() -> Kinematics:
    """The arm's; one for each process."""
    return Kinematics()
