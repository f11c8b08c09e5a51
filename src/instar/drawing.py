"""Actions drawn into pictures: where the tool goes down, and where it lets go."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike

from instar.demo import Pixels
from instar.robot import Camera

PICK_AND_PLACE: Final = ("start_x", "start_y", "start_yaw", "end_x", "end_y", "end_yaw")
COLOUR: Final = (255, 40, 160)  # RGB; no texture of VIMA's is magenta
OUTLINE: Final = (255, 255, 255)


def draw_action(pixels: Pixels, camera: Camera, action: ArrayLike, names: Sequence[str] = PICK_AND_PLACE) -> Pixels:
    """A copy of `pixels` (H, W, 3) with a ring where `action` starts and an arrow to where it ends.

    `pixels` may be larger than the camera's picture by any factor. `names` are the robot's action dimensions; an action
    that does not go from one point to another, or that is empty, draws nothing.
    """
    drawn = np.array(pixels)
    points = _points(camera, np.asarray(action, dtype=np.float64), names)
    if points is None:
        return drawn
    scale = np.array([drawn.shape[1] / camera.width, drawn.shape[0] / camera.height])
    # Far outside the picture is still a direction, but OpenCV needs coordinates that fit its integers.
    start, end = (tuple(int(part) for part in np.clip(point * scale, -20_000, 20_000)) for point in points)
    thickness = max(1, round(drawn.shape[0] / 160))
    # OpenCV's tip is a share of the length; ours is as long on every arrow, and no longer than the arrow.
    tip = min(0.5, 8 * thickness / max(1.0, float(np.hypot(end[0] - start[0], end[1] - start[1]))))
    for colour, width in ((OUTLINE, thickness + 2), (COLOUR, thickness)):
        cv2.circle(drawn, start, 4 * thickness, colour, width, cv2.LINE_AA)
        cv2.arrowedLine(drawn, start, end, colour, width, cv2.LINE_AA, tipLength=tip)
    return drawn


def enlarge(pixels: Pixels, factor: int) -> Pixels:
    """`pixels` with every one a square of `factor` by `factor`."""
    return np.asarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1))


def _points(camera: Camera, action: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    value = dict(zip(names, action.tolist(), strict=False))
    if not {"start_x", "start_y", "end_x", "end_y"} <= value.keys():
        return None
    start, end = camera.project(
        [
            [value["start_x"], value["start_y"], value.get("start_z", 0.0)],
            [value["end_x"], value["end_y"], value.get("end_z", 0.0)],
        ]
    )
    return start, end
