"""The table of VIMA-Bench: an invisible arm that moves things from one planar pose to another, seen by two cameras.

One action is two planar poses: where the tool goes down, and where it lets go (suction cup) or stops (spatula). Maps
and bounds after VIMA-Bench (Jiang et al., ICML 2023) as LLaRA uses them (Li et al., ICLR 2025).
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.robot import ActionSpace, Camera, Floats, Robot

HEIGHT: Final = 128  # pixels, both cameras
WIDTH: Final = 256
WORKSPACE_LOW: Final = (0.25, -0.5)  # metres: x grows toward the viewer, y to the right
WORKSPACE_HIGH: Final = (0.75, 0.5)

# LLaRA writes u = 251 (y + 0.5) + 3 and v = 178 (x - 0.25) + 34: the table seen from the front at 45 degrees.
# Height moves a point up by as many pixels as depth moves it down (VIMA-Bench's camera is 1 km away).
FRONT: Final = Camera(
    "front", HEIGHT, WIDTH, ((0.0, 251.0, 0.0, 128.5), (178.0, 0.0, -178.0, -10.5), (0.0, 0.0, 0.0, 1.0))
)
TOP: Final = Camera("top", HEIGHT, WIDTH, ((0.0, 251.0, 0.0, 127.5), (252.0, 0.0, 0.0, -62.0), (0.0, 0.0, 0.0, 1.0)))

ACTIONS: Final = ActionSpace(
    names=("start_x", "start_y", "start_yaw", "end_x", "end_y", "end_yaw"),
    units=("m", "m", "rad", "m", "m", "rad"),
    frame="base",
    mode="absolute",
    low=(*WORKSPACE_LOW, -np.pi, *WORKSPACE_LOW, -np.pi),
    high=(*WORKSPACE_HIGH, np.pi, *WORKSPACE_HIGH, np.pi),
)

# The state is the tool: 0 is the suction cup, 1 the spatula, as in VIMA's `ee`.
VIMA: Final = Robot("vima", "pick and place or sweep", ACTIONS, (FRONT, TOP), state=("spatula",))


def yaw_to_quaternion(yaw: float) -> NDArray[np.float32]:
    """A turn about +z by `yaw` radians as (x, y, z, w) float32, VIMA's layout.

    The angle is first rounded to a microradian, which float32 can tell apart: so a turn that was read and written again
    gives the same four numbers.
    """
    half = round(yaw, 6) / 2
    return np.array([0.0, 0.0, np.sin(half), np.cos(half)], dtype=np.float32)


def quaternion_to_yaw(quaternion: NDArray[np.floating]) -> float:
    """The turn about +z of (x, y, z, w), in -pi..pi.

    The length of the quaternion does not matter: in float32 it is never quite 1, and a quarter turn must stay one.
    """
    x, y, z, w = (float(part) for part in quaternion)
    return math.remainder(math.atan2(x + z, w - y) + math.atan2(z - x, w + y), 2 * math.pi)


def canonical(action: Floats) -> Floats:
    """`action` (6,) as it comes back from VIMA's float32 files, so that writing and reading change nothing."""
    settled = action.astype(np.float32).astype(np.float64)
    for k in (2, 5):
        settled[k] = quaternion_to_yaw(yaw_to_quaternion(float(action[k])))
    return settled
