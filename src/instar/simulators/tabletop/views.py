"""The cameras over the table, as maps between pixel index points and rays through the world."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from instar.embodiments import vima
from instar.robot import Floats


@dataclass(frozen=True)
class View:
    """An orthographic picture: a pixel is covered by what its index point (column, row) sees, with no anti-aliasing.

    column = middle + across * y,  row = level + deep * (x - 0.5) - rise * z,  world in metres.
    """

    name: str
    height: int  # pixels
    width: int
    middle: float  # column of y = 0
    across: float  # columns per metre of y
    level: float  # row of x = 0.5
    deep: float  # rows per metre of x
    rise: float  # rows per metre of height

    @property
    def slope(self) -> float:
        """How far along x a ray moves per metre of height."""
        return self.rise / self.deep

    @cached_property
    def xs(self) -> Floats:
        """Where the rays of all rows meet z = 0, (height,)."""
        return self.rows_to_x(np.arange(self.height, dtype=np.float64))

    @cached_property
    def ys(self) -> Floats:
        """The y of all columns, (width,)."""
        return self.columns_to_y(np.arange(self.width, dtype=np.float64))

    def rows_to_x(self, rows: Floats) -> Floats:
        """Where the rays of pixel rows meet z = 0."""
        return 0.5 + (rows - self.level) / self.deep

    def columns_to_y(self, columns: Floats) -> Floats:
        """The y of pixel columns, the same at every height."""
        return (columns - self.middle) / self.across

    def project(self, points: Floats) -> Floats:
        """World points (..., 3) to (column, row) index points (..., 2)."""
        x, y, z = points[..., 0], points[..., 1], points[..., 2]
        column = self.middle + self.across * y
        row = self.level + self.deep * (x - 0.5) - self.rise * z
        return np.stack([column, row], axis=-1)


# Measured in VIMA-Bench's CPU renderer: both cameras stand a kilometre away, so the pictures are affine to 0.03 px.
FRONT: Final = View("front", vima.HEIGHT, vima.WIDTH, 128.0, 251.427, 79.0007, 177.802, 177.786)
TOP: Final = View("top", vima.HEIGHT, vima.WIDTH, 128.0, 250.98, 63.0, 250.98, 0.0)
VIEWS: Final = (FRONT, TOP)

CELL: Final = 0.003125  # metres: the grid on which free places are looked for
GRID: Final = View("grid", 160, 320, 160.0, 1 / CELL, 80.0, 1 / CELL, 0.0)

# The dark sheet that shows the workspace: columns and rows it covers in each picture, inclusive.
TABLE: Final = {"front": (3, 35, 253, 123), "top": (3, 1, 253, 125)}
