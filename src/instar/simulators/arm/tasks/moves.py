"""What the scripted expert's plans are made of: reach a place from above, pick a thing up there, put it down there."""

from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.kinematics import Pose, down
from instar.simulators.arm.tasks.problem import FAST, Goal
from instar.simulators.arm.world import World

NEAR: Final = 0.004  # metres that count as there ...
TURNED: Final = 0.03  # ... and radians
_BELOW: Final = 0.02  # metres below its height at which the hand may already go sideways
_ASIDE: Final = 0.015  # metres beside its place at which it does not rise again ...
_ASKEW: Final = 0.15  # ... and radians


def reach(world: World, place: Floats, yaw: float, height: float, *, opened: bool) -> Goal | None:
    """The way to `place` (3,): up to `height`, across, turning to `yaw`, and straight down. None once there."""
    hand, target = world.hand, down(place, yaw)
    off = hand.off(target)
    beside, turn = float(np.hypot(*off[:2])), float(np.abs(off[3:]).max())
    if beside < NEAR and turn < TURNED:
        return Goal(target, opened) if abs(off[2]) > NEAR else None
    above = max(height, float(place[2]))
    if beside < _ASIDE and turn < _ASKEW:
        above = float(hand.place[2])  # near enough to be put right where it is
    elif hand.place[2] < above - _BELOW:
        return Goal(Pose(np.array([*hand.place[:2], above]), hand.turn), opened)  # turning could push things away
    return Goal(down(np.array([*place[:2], above]), yaw), opened)


def pick(world: World, place: Floats, yaw: float, height: float) -> Goal:
    """Take hold of what can be held at `place` (3,); whatever else is in the hand is let go first."""
    if world.grasping or not world.opened:
        return Goal(world.hand, opened=world.opened or not world.grasping)
    return reach(world, place, yaw, height, opened=True) or Goal(down(place, yaw), opened=False)


def grasp(world: World, pose: Pose, back: float) -> Goal:
    """Take hold of what can be held at `pose`, coming to it along the fingers from so many metres away."""
    if world.grasping or not world.opened:
        return Goal(world.hand, opened=world.opened or not world.grasping)
    off = world.hand.off(pose)
    ahead = float(off[:3] @ pose.turn[:, 2])
    if np.linalg.norm(off[:3] - ahead * pose.turn[:, 2]) > NEAR or np.abs(off[3:]).max() > TURNED:
        return Goal(Pose(pose.place - back * pose.turn[:, 2], pose.turn), opened=True)
    return Goal(pose, opened=abs(ahead) > NEAR)


def put(world: World, place: Floats, yaw: float, height: float) -> Goal:
    """Bring the hand with what it holds to `place` (3,) and let go there."""
    return reach(world, place, yaw, height, opened=False) or Goal(down(place, yaw), opened=True)


def lift(world: World, height: float) -> Goal:
    """Away from everything, straight up."""
    return Goal(down(np.array([*world.hand.place[:2], height]), world.hand.yaw), opened=world.opened)


def straight(world: World, place: Floats, yaw: float, pace: float = FAST) -> Goal:
    """In a straight line to `place` (3,), the hand as it is."""
    return Goal(down(place, yaw), world.opened, pace)


def quarter(yaw: float) -> float:
    """The turn in -45..45 degrees that is the same for a square."""
    return float(np.remainder(yaw + np.pi / 4, np.pi / 2) - np.pi / 4)


def half(yaw: float) -> float:
    """The turn in -90..90 degrees that is the same for two fingers."""
    return float(np.remainder(yaw + np.pi / 2, np.pi) - np.pi / 2)
