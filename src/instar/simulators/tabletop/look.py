"""A second look of the same table: as a camera in a room might see it, for studies of transfer without a robot.

What stands where, what is asked and what an action does are those of the first look; only the pictures differ:

    surroundings   a wooden table on a stone floor, and soft shadows beside what stands on it
    camera         moved and turned a little since it was calibrated, the same in every episode, and a little more from
                   episode to episode; boxes and segmentation are those of the moved picture
    light          brightness, colour cast and a fall-off across the picture, drawn for every episode
    noise          of every pixel, drawn for every picture

The robot's cameras go on telling the map that was calibrated, as the fixed affine map of LLaRA's real robot did: no
policy is told that the camera has moved. It can be learnt from demonstrations in this look, whose actions are true.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.demo import Pixels
from instar.robot import Floats
from instar.simulators.tabletop import textures
from instar.simulators.tabletop.render import PAPER_ID, TABLE_ID, Shot
from instar.simulators.tabletop.views import View

Look = Literal["sim", "real"]

TABLE_SCALE: Final = 1.6  # pictures of wood per metre of table
FLOOR_SCALE: Final = 2.2
TABLE_TINT: Final = (0.62, 0.58, 0.55)  # the wood is darker than that of wooden objects
FLOOR_TINT: Final = (0.72, 0.74, 0.78)
MOVED: Final = {"front": (2.6, -1.8, 0.9), "top": (-2.2, 1.6, -0.7)}  # pixels right and down, degrees, by camera
STIR: Final = (0.35, 0.1)  # standard deviation of the same from episode to episode: pixels, degrees
SHADOW: Final = 0.45  # of the light is kept from the ground right beside things
SHADOW_REACH: Final = 9  # pixels over which shadows fade, odd
NOISE: Final = 3.5  # standard deviation of a pixel's grey value


@dataclass(frozen=True, eq=False)
class Conditions:
    """What the pictures of one episode have in common."""

    color: Floats  # (3,): brightness of red, green and blue
    fall_off: Floats  # (2,): change of brightness across the picture, to the right and down
    sun: tuple[int, int]  # pixels right and down by which shadows are off
    stir: Floats  # (3,): pixels right and down and degrees by which cameras are off, beside MOVED

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Self:
        """Those of one episode."""
        color = rng.uniform(0.78, 1.18) * rng.uniform(0.93, 1.07, 3)
        fall_off = rng.uniform(-0.18, 0.18, 2)
        right, down = (int(off) for off in rng.integers(-4, 5, 2))
        return cls(color, fall_off, (right, down), rng.normal(0.0, 1.0, 3) * (STIR[0], STIR[0], STIR[1]))

    def photograph(self, shot: Shot, view: View, rng: np.random.Generator) -> Shot:
        """`shot` as the camera of `view` takes it: pictures of objects on white paper keep their paper."""
        rgb = shot.rgb.astype(np.float32)
        bare = shot.ids <= TABLE_ID
        if not (shot.ids == PAPER_ID).any():
            ground = _ground(view)[np.minimum(shot.ids, TABLE_ID)[bare], *np.nonzero(bare)]
            rgb[bare] = ground * (1.0 - SHADOW * _shadow(~bare, self.sun)[bare, None])
        rows, columns = self._sources(view)
        rgb, ids = _sampled(rgb, rows, columns), shot.ids[np.rint(rows).astype(int), np.rint(columns).astype(int)]
        rgb = rgb * self._light(view) + NOISE * rng.standard_normal(rgb.shape, np.float32)
        return Shot(np.clip(np.rint(rgb), 0, 255).astype(np.uint8), ids)

    def _light(self, view: View) -> NDArray[np.float32]:
        """Brightness of every pixel, (H, W, 3)."""
        down, right = (np.linspace(-0.5, 0.5, side) for side in (view.height, view.width))
        light = 1.0 + self.fall_off[0] * right[None, :] + self.fall_off[1] * down[:, None]
        return np.asarray(light[..., None] * self.color, np.float32)

    def _sources(self, view: View) -> tuple[Floats, Floats]:
        """Rows and columns (H, W) of the unmoved picture that the moved camera sees, inside the picture."""
        right, down, degrees = np.add(MOVED[view.name], self.stir)
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        middle = (view.height - 1) / 2, (view.width - 1) / 2
        rows, columns = np.mgrid[0 : view.height, 0 : view.width].astype(np.float64)
        y, x = rows - middle[0] - down, columns - middle[1] - right
        back = c * y - s * x + middle[0], c * x + s * y + middle[1]
        return np.clip(back[0], 0, view.height - 1), np.clip(back[1], 0, view.width - 1)


@cache
def _ground(view: View) -> Floats:
    """Floor and table without anything on them: (2, H, W, 3), by id."""
    x = view.rows_to_x(np.arange(view.height, dtype=np.float64))[:, None]
    y = view.columns_to_y(np.arange(view.width, dtype=np.float64))[None, :]
    return np.stack(
        [_tiled("granite", x, y, FLOOR_SCALE) * FLOOR_TINT, _tiled("wooden", x, y, TABLE_SCALE) * TABLE_TINT]
    )


def _tiled(texture: str, x: Floats, y: Floats, scale: float) -> Pixels:
    """A texture over the plane, its grain along y."""
    row, column = (np.floor(axis * scale * textures.SIZE).astype(int) % textures.SIZE for axis in (x, y))
    return np.asarray(textures.picture(texture)[row, column])


def _shadow(things: NDArray[np.bool_], sun: tuple[int, int]) -> Floats:
    """How much of the light things keep from each pixel, 0 to 1, (H, W)."""
    right, down = sun
    height, width = things.shape
    cast = np.zeros(things.shape, np.uint8)
    to = np.s_[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)]
    source = np.s_[max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)]
    cast[to] = things[source] * np.uint8(255)
    # In whole numbers, so that it is the same on every machine.
    return cv2.GaussianBlur(cast, (SHADOW_REACH, SHADOW_REACH), 0) / np.float64(255)


def _sampled(picture: NDArray[np.float32], rows: Floats, columns: Floats) -> NDArray[np.float32]:
    """`picture` (H, W, 3) between its pixels, linearly; places (h, w) must lie inside it."""
    top = np.minimum(np.floor(rows).astype(int), picture.shape[0] - 2)
    left = np.minimum(np.floor(columns).astype(int), picture.shape[1] - 2)
    down, right = ((places - first).astype(np.float32)[..., None] for places, first in ((rows, top), (columns, left)))
    upper = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    lower = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, np.float32)
