"""One thing on the table: its shape, texture and pose."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.shapes import Shape


class Pose(NamedTuple):
    """Where a thing is and how it is turned, as `Body` has it."""

    x: float
    y: float
    z: float
    yaw: float
    lean: float
    toward: float

    @property
    def upright(self) -> bool:
        """Whether it leans nowhere."""
        return self.lean == 0 and self.toward == 0

    def tilt(self) -> Floats:
        """The rotation (3, 3) that leans a thing after it was turned about the vertical."""
        c, s = np.cos(self.toward), np.sin(self.toward)
        axes = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        k, w = np.cos(self.lean), np.sin(self.lean)
        return np.asarray(axes @ np.array([[k, 0.0, w], [0.0, 1.0, 0.0], [-w, 0.0, k]]) @ axes.T)


@dataclass(frozen=True)
class Body:
    """A shape somewhere; the pose is that of the model's origin: metres, and radians counter-clockwise from above."""

    id: int  # its value in the segmentation
    shape: Shape
    texture: str
    x: float
    y: float
    z: float
    yaw: float = 0.0
    lean: float = 0.0  # radians its up vector is tilted from the vertical ...
    toward: float = 0.0  # ... in this direction, radians from x toward y

    @property
    def pose(self) -> Pose:
        """Where it is and how it is turned."""
        return Pose(self.x, self.y, self.z, self.yaw, self.lean, self.toward)

    @property
    def place(self) -> Floats:
        """Where it is on the table, (x, y)."""
        return np.array([self.x, self.y])

    @property
    def name(self) -> str:
        """Texture and shape."""
        return f"{self.texture} {self.shape.name}"

    def outline(self, points: Floats) -> Floats:
        """Model points (N, 2) on the table, ignoring any lean."""
        return points @ turn(self.yaw).T + self.place

    def tilt(self) -> Floats:
        """The rotation (3, 3) that leans the body after it was turned about the vertical."""
        return self.pose.tilt()


def turn(yaw: float) -> Floats:
    """The rotation (2, 2) by `yaw` radians."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s], [s, c]])
