"""Where Meta-World's cameras hang, so that the world's place in their pictures is known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.errors import SimulatorError
from instar.robot import Camera, Floats

NEAR: Final = 1e-6  # metres, parts of a quaternion and degrees; what is further off is another mount


@dataclass(frozen=True)
class Mount:
    """A camera that stands still: MuJoCo's conventions, in the frame of the robot's base."""

    place: tuple[float, float, float]  # metres
    turn: tuple[float, float, float, float]  # quaternion wxyz; it looks along its -z, with y up and x to the right
    fov: float  # degrees, from the lower edge to the upper
    turned: bool  # it hangs upside down, so its picture is turned by half a turn


# After Meta-World 3.1.1 (xyz_base.xml). corner4 is where others have moved corner2 since Seo et al., 2022.
_CORNER: Final = (-0.39503823089303436, 0.26266733956017996, -0.4349370357280407, 0.7653629464596412)
MOUNTS: Final[Mapping[str, Mount]] = {
    "corner": Mount(
        (-1.1, -0.4, 0.6),
        (0.30520839440433395, -0.23085589745955107, -0.5573354386006607, 0.7368382451210597),
        45.0,
        turned=True,
    ),
    "corner2": Mount((1.3, -0.2, 1.1), _CORNER, 60.0, turned=True),
    "corner3": Mount(
        (0.9, 0.0, 1.5),
        (-0.494553794386258, 0.10573747186627633, -0.2559441061066511, 0.823849953602445),
        45.0,
        turned=True,
    ),
    "corner4": Mount((0.75, 0.075, 0.7), _CORNER, 60.0, turned=True),
    "topview": Mount((0.0, 0.5, 1.5), (1.0, 0.0, 0.0, 0.0), 45.0, turned=False),
}
MOVING: Final = ("gripperPOV", "behindGripper")  # they go with the hand, so nobody knows where
CAMERAS: Final = (*MOUNTS, *MOVING)


def turned(name: str) -> bool:
    """Whether the picture of a camera has to be turned by half a turn to be upright."""
    return name in MOUNTS and MOUNTS[name].turned


def camera(name: str, height: int, width: int, fov: float) -> Camera:
    """A camera with pictures of a size; `fov` in degrees, 0 for its own. One that moves is not calibrated."""
    if name in MOVING:
        return Camera(name, height, width)
    mount = MOUNTS[name]
    pixels = height / 2 / math.tan(math.radians(fov or mount.fov) / 2)  # per unit of distance, at distance one
    way = -1.0 if mount.turned else 1.0
    # u goes with the camera's x, v against its y, and depth against its z.
    lens = np.array([[way * pixels, 0, -width / 2], [0, -way * pixels, -height / 2], [0, 0, -1]])
    axes = _rotation(mount.turn).T
    matrix = lens @ np.column_stack([axes, -axes @ np.array(mount.place)])
    first, second, third = ([float(part) for part in row] for row in matrix)
    return Camera(name, height, width, (_four(first), _four(second), _four(third)))


def require_mounts(found: Mapping[str, Sequence[float]], fov: float) -> None:
    """Raise SimulatorError unless the cameras hang where we think: place, quaternion and field of view by name."""
    for name, numbers in found.items():
        mount = MOUNTS[name]
        if not np.allclose(numbers, [*mount.place, *mount.turn, fov or mount.fov], rtol=0, atol=NEAR):
            raise SimulatorError(
                f"this version of Meta-World has mounted {name!r} elsewhere ({list(numbers)}), so that traces in its "
                "picture would be wrong; install metaworld 3.1"
            )


def _rotation(quaternion: Sequence[float]) -> Floats:
    """The rotation matrix (3, 3) of a unit quaternion wxyz."""
    w, x, y, z = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _four(row: Sequence[float]) -> tuple[float, float, float, float]:
    a, b, c, d = row
    return a, b, c, d
