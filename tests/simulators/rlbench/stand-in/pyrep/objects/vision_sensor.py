"""Cameras that look down on the table: the hand is a white disc, a ball a disc of its colour."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pyrep import PyRep
from pyrep.const import RenderMode

PLACES = {
    "cam_front": (0.3, 0.0, 3.0),
    "cam_over_shoulder_left": (0.2, 0.3, 2.8),
    "cam_over_shoulder_right": (0.2, -0.3, 2.8),
    "cam_overhead": (0.25, 0.0, 2.5),
    "cam_wrist": (0.25, 0.0, 1.9),
}
ANGLE = math.radians(40)


class VisionSensor:
    balls: ClassVar[dict[tuple[float, float, float], tuple[float, float, float]]] = {}  # colours by place
    resolutions: ClassVar[dict[str, list[int]]] = {}  # an object is named, and lives in the scene
    modes: ClassVar[dict[str, RenderMode]] = {}

    def __init__(self, name_or_handle: str) -> None:
        assert name_or_handle in PLACES
        self.name = name_or_handle

    def set_resolution(self, resolution: list[int]) -> None:
        self.resolutions[self.name] = list(resolution)

    def get_resolution(self) -> list[int]:
        return self.resolutions[self.name]

    def set_render_mode(self, render_mode: RenderMode) -> None:
        self.modes[self.name] = render_mode

    def get_intrinsic_matrix(self) -> NDArray[np.float64]:
        width, height = self.get_resolution()
        focal = width / 2 / math.tan(ANGLE / 2)
        return np.array([[-focal, 0.0, width / 2], [0.0, -focal, height / 2], [0.0, 0.0, 1.0]])

    def get_matrix(self) -> NDArray[np.float64]:
        """From the camera's points to the world's: it looks along its z, which goes down."""
        matrix = np.diag([-1.0, 1.0, -1.0, 1.0])
        matrix[:3, 3] = PLACES[self.name]
        return matrix

    def capture_rgb(self) -> NDArray[np.float64]:
        """Colours from 0 to 1, (height, width, 3)."""
        assert PyRep.scene is not None
        width, height = self.get_resolution()
        shade = 0.2 if self.modes[self.name] is RenderMode.OPENGL else 0.3
        picture = np.full((height, width, 3), shade)
        for place, colour in self.balls.items():
            self._disc(picture, np.array(place), colour)
        self._disc(picture, PyRep.scene.arm.get_pose()[:3], (1.0, 1.0, 1.0))
        return picture

    def _disc(
        self, picture: NDArray[np.float64], place: NDArray[np.float64], colour: tuple[float, float, float]
    ) -> None:
        seen = self.get_intrinsic_matrix() @ np.linalg.inv(self.get_matrix())[:3] @ np.array([*place, 1.0])
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
        near = np.hypot(columns - seen[0] / seen[2], rows - seen[1] / seen[2]) < picture.shape[0] / 30
        picture[near] = colour
