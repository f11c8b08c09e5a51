"""The two cameras: one in front of the table, whose map from the world is known, and one on the wrist, which moves."""

from typing import Final

import numpy as np

from instar.robot import Camera, Floats

HEIGHT: Final = 128  # pixels, unless told otherwise
WIDTH: Final = 256
CAMERAS: Final = ("front", "wrist")

FRONT_PLACE: Final = (1.3, 0.0, 0.9)  # metres, in the robot's base frame
_TARGET: Final = (0.46, 0.0, 0.09)  # what it looks at
_FOCAL: Final = 310.0  # pixels of a picture of the usual size
_WRIST: Final = 45.0  # degrees from the top of the wrist's picture to its bottom


def camera(name: str, height: int, width: int) -> Camera:
    """A camera as a policy knows it."""
    if name != "front":
        return Camera(name, height, width)
    matrix = _intrinsics(height, width) @ _extrinsics()
    rows = [(float(a), float(b), float(c), float(d)) for a, b, c, d in matrix]
    return Camera(name, height, width, tuple(rows))


def fovy(name: str, height: int, width: int) -> float:
    """Degrees from the top to the bottom of a picture: as MuJoCo describes a camera."""
    if name != "front":
        return _WRIST
    return float(np.degrees(2 * np.arctan(height / 2 / focal(height, width))))


def focal(height: int, width: int) -> float:
    """The front camera's focal length in pixels, so that the workspace is seen whatever the sides of the picture."""
    return _FOCAL * min(height / HEIGHT, width / WIDTH)


def front_axes() -> tuple[float, ...]:
    """The front camera's axes to the right and upward, in the base's frame: six numbers."""
    right, below, _ = _extrinsics()[:, :3]
    return (*right.tolist(), *(-below).tolist())


def _intrinsics(height: int, width: int) -> Floats:
    length = focal(height, width)
    return np.array([[length, 0.0, width / 2], [0.0, length, height / 2], [0.0, 0.0, 1.0]])


def _extrinsics() -> Floats:
    """From the base's frame to the front camera's (3, 4): x to the right, y down, z into the picture."""
    place, target = np.array(FRONT_PLACE), np.array(_TARGET)
    ahead = (target - place) / np.linalg.norm(target - place)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(ahead, right), ahead])
    return np.column_stack([turn, -turn @ place])
