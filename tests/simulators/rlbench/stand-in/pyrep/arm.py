"""An arm whose hand is where its first three joints take it, and is turned by its last."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pyrep.errors import ConfigurationPathError, IKError

Numbers = NDArray[np.float64]

SECONDS = 0.05
START = np.array([0.0, 0.175, 0.0, -0.873, 0.0, 1.221, 0.785])
HAND = np.array([0.25, 0.0, 1.4])
LENGTH = 0.3  # metres that the hand goes for a radian
FASTEST = 2.0  # rad/s, under a control loop


class Arm:
    def __init__(self) -> None:
        self.loop = True
        self.joints, self.speeds, self.targets = START.copy(), np.zeros(7), START.copy()

    def set_control_loop_enabled(self, value: object) -> None:
        self.loop = bool(value)

    def set_motor_locked_at_zero_velocity(self, value: object) -> None:
        assert value

    def set_joint_positions(self, positions: Numbers, *, disable_dynamics: bool = False) -> None:
        assert disable_dynamics
        self.joints, self.targets = np.array(positions, float), np.array(positions, float)

    def set_joint_target_velocities(self, velocities: Numbers) -> None:
        self.speeds = np.array(velocities, float)

    def set_joint_target_positions(self, positions: Numbers) -> None:
        self.targets = np.array(positions, float)

    def get_joint_positions(self) -> list[float]:
        return [float(joint) for joint in self.joints]

    def move(self) -> None:
        """One step of the simulation."""
        most = FASTEST * SECONDS
        held = np.clip(self.targets - self.joints, -most, most)
        self.joints = self.joints + (held if self.loop else self.speeds * SECONDS)

    def get_pose(self) -> Numbers:
        """Of the tip: x, y, z, then the quaternion xyzw."""
        turn = (self.joints[6] - START[6]) / 2
        return np.array([*HAND + LENGTH * (self.joints[:3] - START[:3]), 0.0, 0.0, math.sin(turn), math.cos(turn)])

    def get_path(self, position: Numbers, quaternion: Numbers, *, ignore_collisions: bool = False) -> Iterator[None]:
        """A path to step along. What is right of y = 0.4 cannot be reached, what is left of -0.4 cannot be solved."""
        assert ignore_collisions
        if position[1] > 0.4:
            raise ConfigurationPathError("Could not create path.")
        if position[1] < -0.4:
            raise IKError("IK failed. Perhaps the distance was between the tip  and target was too large.")
        goal = self.joints.copy()
        goal[:3] = START[:3] + (position - HAND) / LENGTH
        goal[6] = START[6] + 2 * math.atan2(quaternion[2], quaternion[3])
        return self._towards(goal)

    def _towards(self, goal: Numbers) -> Iterator[None]:
        self.set_joint_target_positions(goal)
        while not np.allclose(self.joints, goal):
            yield
