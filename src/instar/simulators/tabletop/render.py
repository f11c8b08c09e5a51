"""Pictures of the table: what casts show in the colours of bodies, the nearer before the farther; boxes around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels
from instar.robot import Floats
from instar.simulators.tabletop import textures
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.cast import NEVER, Window, cast, covers, window_of
from instar.simulators.tabletop.views import TABLE, View

Mask = NDArray[np.bool_]
FLOOR_COLOR: Final = 239
TABLE_COLOR: Final = 47
TABLE_ID: Final = 1
PAPER_ID: Final = 255  # the white ground of object pictures


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera's picture with the id of what every pixel shows."""

    rgb: Pixels  # (H, W, 3)
    ids: NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True, eq=False)
class Layer:
    """What one body alone looks like: a window of a view with the height of what is seen, -inf where nothing is."""

    window: Window
    height: Floats  # (h, w), metres
    rgb: Pixels  # (h, w, 3)


def scene(bodies: Sequence[Body], view: View) -> Shot:
    """The workspace with `bodies` on it; the last few are remembered, and so read-only."""
    return _scene(tuple(bodies), view)


@lru_cache(maxsize=8)
def _scene(bodies: tuple[Body, ...], view: View) -> Shot:
    return _lay(bodies, view, _table(view))


@cache
def _table(view: View) -> Shot:
    """The empty workspace."""
    rgb = np.full((view.height, view.width, 3), FLOOR_COLOR, np.uint8)
    ids = np.zeros((view.height, view.width), np.uint8)
    left, top, right, bottom = TABLE[view.name]
    rgb[top : bottom + 1, left : right + 1] = TABLE_COLOR
    ids[top : bottom + 1, left : right + 1] = TABLE_ID
    return Shot(rgb, ids)


def portrait(bodies: Sequence[Body], view: View) -> Shot:
    """`bodies` alone on white paper."""
    return _lay(bodies, view, _paper(view))


@cache
def _paper(view: View) -> Shot:
    shape = (view.height, view.width)
    return Shot(np.full((*shape, 3), 255, np.uint8), np.full(shape, PAPER_ID, np.uint8))


def _lay(bodies: Sequence[Body], view: View, ground: Shot) -> Shot:
    """A picture of `bodies` on `ground`, the nearer before the farther; of equally near ones the first is seen."""
    rgb, ids, depth = ground.rgb.copy(), ground.ids.copy(), np.full(ground.ids.shape, NEVER)
    for body in bodies:
        layer = draw(body, view)
        if layer is not None:
            nearer = layer.height > depth[layer.window]
            mask = nearer.view(np.uint8)
            cv2.copyTo(layer.height, mask, depth[layer.window])
            cv2.copyTo(layer.rgb, mask, rgb[layer.window])
            ids[layer.window][nearer] = body.id
    for pixels in (rgb, ids):
        pixels.flags.writeable = False
    return Shot(rgb, ids)


def around(body: Body, bodies: Sequence[Body], view: View) -> tuple[Body, ...]:
    """`body` and those of `bodies` that may hide some of it: no other need be drawn to know what of it shows."""
    own = window_of(body.shape.parts, body.pose, view)
    return tuple(other for other in bodies if _meet(own, window_of(other.shape.parts, other.pose, view)))


def _meet(one: Window | None, two: Window | None) -> bool:
    """Whether two windows share a pixel."""
    if one is None or two is None:
        return False
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, two, strict=True))


@lru_cache(maxsize=256)
def draw(body: Body, view: View) -> Layer | None:
    """`body` alone; None if it is outside the picture. Remembered, as most bodies stay where they are."""
    parts, pose, lift = body.shape.parts, body.pose, 0.0
    if view.slope == 0 and pose.upright and len(parts) == 1:
        # From straight above, how high a thing lies changes nothing but that: things drop in the first action.
        pose, lift = pose._replace(z=0.0), pose.z
    seen = cast(parts, pose, view)
    if seen is None:
        return None
    colors = textures.planes(body.texture).take(seen.texel, axis=1) * seen.shade
    return Layer(seen.window, seen.height + lift, cv2.merge(list(colors.astype(np.uint8))))


def forget() -> None:
    """Let go of everything drawn so far, so that all is drawn anew."""
    for remembered in (window_of, cast, covers, draw, _scene):
        remembered.cache_clear()


def box_of(mask: Mask) -> Box | None:
    """The smallest box around the true pixels of `mask` (H, W); None if there are none."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    return Box(left, top, left + width - 1, top + height - 1) if width else None
