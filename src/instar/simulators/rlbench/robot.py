"""The Panda as RLBench has it: the same robot as `instar.demos.rlbench` reads from recorded demonstrations."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from instar.demos.rlbench.episode import CAMERAS, Recording
from instar.embodiments.panda import END_EFFECTOR_POSE, JOINT_POSITION, JOINT_VELOCITY, JOINTS
from instar.errors import SimulatorError
from instar.robot import ActionSpace, Floats, Robot
from instar.simulators.apart.program import Answer, Array
from instar.simulators.rlbench.options import Control
from instar.simulators.rlbench.tasks import WORLD
from instar.tracing import PLACE

__all__ = ["CAMERAS", "SPACES", "done", "robot_in", "state_of"]

SPACES: Final[Mapping[Control, ActionSpace]] = {
    "joint_velocity": JOINT_VELOCITY,
    "joint_position": JOINT_POSITION,
    "end_effector_pose": END_EFFECTOR_POSE,
}
TURN: Final = slice(3, 7)  # of a pose: the quaternion xyzw
TINY: Final = 1e-6  # a shorter quaternion has no direction


def robot_in(control: Control, cameras: Sequence[str], size: int, matrices: Mapping[str, Array]) -> Robot:
    """The robot whose cameras are where PyRep's `matrices` say."""
    told = Recording(WORLD, [{"misc": dict(matrices)}])
    seen = tuple(told.camera(name, size, size) for name in cameras)
    return Robot("panda", control.replace("_", " "), SPACES[control], seen, (*JOINTS, "gripper", *PLACE))


def state_of(answer: Answer) -> Floats:
    """Joints in radians, whether the gripper is open, and where it is in metres, (11,). Raises SimulatorError."""
    parts = [answer.arrays.get(name) for name in ("joint_positions", "gripper_open", "gripper_pose")]
    if [None if part is None else part.shape for part in parts] != [(7,), (1,), (7,)]:
        raise SimulatorError(f"{WORLD} should have sent seven joints, the gripper and its pose; it sent {parts}")
    joints, gripper, pose = (np.asarray(part, dtype=np.float64) for part in parts)
    return np.concatenate([joints, gripper, pose[:3]])


def done(control: Control, action: Floats) -> tuple[Floats, str]:
    """What is sent of an action (8,), and in words what of it was changed because the robot cannot do it.

    Joints are kept within their limits. A pose stays where it is, because RLBench refuses what is out of reach, but its
    quaternion is made as long as one, which rounding in text takes from it.
    """
    space = SPACES[control]
    clipped = space.clip(action)
    if control == "end_effector_pose":
        turn, length = action[TURN], float(np.linalg.norm(action[TURN]))
        clipped[:3], clipped[TURN] = action[:3], turn / length if length > TINY else turn
        within = [*[True] * 7, clipped[7] == action[7]]
    else:
        within = [bool(same) for same in clipped == action]
    changed = [
        f"{name} {asked:.3f} {unit} is more than the robot does and was made {here:.3f}"
        for name, unit, asked, here, same in zip(space.names, space.units, action, clipped, within, strict=True)
        if not same
    ]
    return clipped, "; ".join(changed)
