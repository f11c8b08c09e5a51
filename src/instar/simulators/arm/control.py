"""What an action does: from numbers in one of four spaces to where the joints go, and back for the expert."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from instar.embodiments.panda import (
    END_EFFECTOR_DELTA,
    JOINT_POSITION,
    JOINT_VELOCITY,
    JOINTS_HIGH,
    JOINTS_LOW,
    JOINTS_SPEED,
    KEY_POSE,
)
from instar.robot import ActionSpace, Floats
from instar.simulators.arm.kinematics import Pose, down, kinematics

Control = Literal["end_effector_delta", "joint_velocity", "joint_position", "key_pose"]

USUAL_HZ: Final = 5.0  # steps a second: twenty to forty of them are an episode
OPEN: Final = 0.5  # of the gripper's number, from where it opens

# What others call them, too: the words in a policy's question.
_SPACES: Final[dict[Control, tuple[str, ActionSpace]]] = {
    "end_effector_delta": ("end effector motion", END_EFFECTOR_DELTA),
    "joint_velocity": ("joint velocity", JOINT_VELOCITY),
    "joint_position": ("joint position", JOINT_POSITION),
    "key_pose": ("key pose", KEY_POSE),
}
_DOWN: Final = down(np.zeros(3), 0.0)


@dataclass(frozen=True)
class Controller:
    """One way to command the arm, so many times a second."""

    control: Control
    hz: float

    @property
    def seconds(self) -> float:
        """That one step takes; one of many parts of it, where actions are key poses."""
        return 1 / (USUAL_HZ if self.control == "key_pose" else self.hz)

    @property
    def words(self) -> str:
        """What it is called."""
        return _SPACES[self.control][0]

    @property
    def decimals(self) -> tuple[int, ...]:
        """How finely the expert commands: to a millimetre and a hundredth of a radian, joints to a thousandth.

        What is finer would be noise in the words of whoever learns from it.
        """
        return (3,) * 7 + (0,) if self.control in ("joint_velocity", "joint_position") else (3, 3, 3, 2, 2, 2, 0)

    @property
    def space(self) -> ActionSpace:
        """What an action is. Motions of the hand are bounded for a step of the usual length, and in proportion."""
        space = _SPACES[self.control][1]
        if self.control != "end_effector_delta":
            return space
        share = np.array([USUAL_HZ / self.hz] * 6 + [1.0])
        low, high = (tuple((np.array(bound) * share).tolist()) for bound in (space.low, space.high))
        return replace(space, low=low, high=high)

    def joints(self, now: Floats, action: Floats) -> Floats:
        """Where an action takes the joints (7,) that are at `now`, no faster than they can go."""
        asked = self.space.clip(action)[:-1]
        if self.control == "joint_velocity":
            return _within(now + asked * self.seconds)
        if self.control == "joint_position":
            wanted = asked
        elif self.control == "key_pose":
            wanted = kinematics().joints(posed(asked), now)
        else:
            wanted = kinematics().joints(kinematics().pose(now).moved(asked), now)
        return _within(now + self._unhurried(wanted - now))

    def action(self, now: Floats, pose: Pose, *, opened: bool) -> Floats:
        """The action that brings the hand from the joints `now` to `pose`."""
        gripper = [float(opened)]
        if self.control == "key_pose":
            return np.array([*_DOWN.off(pose), *gripper])
        if self.control == "end_effector_delta":
            return np.array([*kinematics().pose(now).off(pose), *gripper])
        wanted = now + self._unhurried(kinematics().joints(pose, now) - now)
        if self.control == "joint_position":
            return np.array([*wanted, *gripper])
        return np.array([*((wanted - now) / self.seconds), *gripper])

    def _unhurried(self, way: Floats) -> Floats:
        """The same way for all joints, shortened to what the fastest of them can do in one step."""
        share = np.abs(way) / (np.array(JOINTS_SPEED) * self.seconds)
        return np.asarray(way / max(1.0, float(share.max())))


def posed(action: Floats) -> Pose:
    """The pose of the hand that the first six numbers of a key pose say."""
    return _DOWN.moved(action[:6])


def _within(joints: Floats) -> Floats:
    return np.clip(joints, JOINTS_LOW, JOINTS_HIGH)
