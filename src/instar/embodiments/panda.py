"""Franka Emika's Panda: seven joints and a gripper of two fingers. Limits after Franka's own documentation."""

import math
from typing import Final

from instar.robot import ActionSpace

JOINTS: Final = tuple(f"joint_{k}" for k in range(1, 8))
JOINTS_LOW: Final = (-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973)  # rad
JOINTS_HIGH: Final = (2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973)  # rad
JOINTS_SPEED: Final = (2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61)  # rad/s
REACH: Final = 0.855  # metres from the base's axis
STRIDE: Final = 0.1  # metres that the hand moves in one step at most, along each axis
TURN: Final = 0.5  # rad that it turns in one step at most

# In all of them the gripper is 1 open and 0 closed.
JOINT_VELOCITY: Final = ActionSpace(
    names=(*JOINTS, "gripper"),
    units=("rad/s",) * 7 + ("1",),
    frame="base",
    mode="delta",
    low=(*(-speed for speed in JOINTS_SPEED), 0.0),
    high=(*JOINTS_SPEED, 1.0),
)
JOINT_POSITION: Final = ActionSpace(
    names=(*JOINTS, "gripper"),
    units=("rad",) * 7 + ("1",),
    frame="base",
    mode="absolute",
    low=(*JOINTS_LOW, 0.0),
    high=(*JOINTS_HIGH, 1.0),
)
END_EFFECTOR_POSE: Final = ActionSpace(
    names=("x", "y", "z", "qx", "qy", "qz", "qw", "gripper"),
    units=("m", "m", "m", "1", "1", "1", "1", "1"),
    frame="base",
    mode="absolute",
    low=(-REACH, -REACH, -REACH, -1.0, -1.0, -1.0, -1.0, 0.0),
    high=(REACH, REACH, 2 * REACH, 1.0, 1.0, 1.0, 1.0, 1.0),
)
# The hand's motion in one step: metres, and a rotation vector about the base's axes.
END_EFFECTOR_DELTA: Final = ActionSpace(
    names=("dx", "dy", "dz", "drx", "dry", "drz", "gripper"),
    units=("m", "m", "m", "rad", "rad", "rad", "1"),
    frame="base",
    mode="delta",
    low=(*(-STRIDE,) * 3, *(-TURN,) * 3, 0.0),
    high=(*(STRIDE,) * 3, *(TURN,) * 3, 1.0),
)
# Where the hand goes before its fingers open or close: metres, and a rotation vector about the base's axes from the
# hand that points straight down. The bounds are those of a table in front of the arm.
KEY_POSE: Final = ActionSpace(
    names=("x", "y", "z", "rx", "ry", "rz", "gripper"),
    units=("m", "m", "m", "rad", "rad", "rad", "1"),
    frame="base",
    mode="absolute",
    low=(0.2, -0.5, 0.0, *(-math.pi,) * 3, 0.0),
    high=(REACH, 0.5, 0.6, *(math.pi,) * 3, 1.0),
)
