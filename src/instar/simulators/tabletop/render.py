"""Pictures of the table by casting one ray per pixel through straight prisms: exact coverage, no anti-aliasing.

Every part of a body is an outline extruded between two heights. A ray enters it through the end it meets first (its
cap) if the outline holds that point, or else through the nearest side on its way to the other end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels, SceneObject
from instar.robot import Floats
from instar.simulators.tabletop import textures
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.shapes import Part
from instar.simulators.tabletop.views import TABLE, View

Mask = NDArray[np.bool_]
FLOOR_COLOR: Final = 239
TABLE_COLOR: Final = 47
TABLE_ID: Final = 1
PAPER_ID: Final = 255  # the white ground of object pictures
_NEVER: Final = -np.inf
_CORNERS: Final = np.array(list(product((False, True), repeat=3)))


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera's picture with the id of what every pixel shows."""

    rgb: Pixels  # (H, W, 3)
    ids: NDArray[np.uint8]  # (H, W)


@dataclass(frozen=True, eq=False)
class Layer:
    """What one body alone looks like: a patch at (top, left) with the height of what is seen, -inf where nothing."""

    top: int
    left: int
    height: Floats  # (h, w), metres
    rgb: Pixels  # (h, w, 3)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Rays of a window of pixels in a part's frame, whose x axis runs against the rays' travel over the outline."""

    xs: Floats  # where the rays enter the part's slab, broadcastable to (h, w)
    ys: Floats
    travel: float  # how far they go along -x within the slab
    climb: float  # change of height per metre of that travel, in the part's frame
    axes: Floats  # (2, 2): the two axes in the body's upright, unturned frame
    enter: float  # height at which they enter


def scene(bodies: Sequence[Body], view: View) -> Shot:
    """The workspace with `bodies` on it."""
    rgb = np.full((view.height, view.width, 3), FLOOR_COLOR, np.uint8)
    ids = np.zeros((view.height, view.width), np.uint8)
    left, top, right, bottom = TABLE[view.name]
    rgb[top : bottom + 1, left : right + 1] = TABLE_COLOR
    ids[top : bottom + 1, left : right + 1] = TABLE_ID
    return _lay(bodies, view, Shot(rgb, ids))


def portrait(bodies: Sequence[Body], view: View) -> Shot:
    """`bodies` alone on white paper."""
    shape = (view.height, view.width)
    return _lay(bodies, view, Shot(np.full((*shape, 3), 255, np.uint8), np.full(shape, PAPER_ID, np.uint8)))


def _lay(bodies: Sequence[Body], view: View, ground: Shot) -> Shot:
    depth = np.full(ground.ids.shape, _NEVER)
    for body in bodies:
        layer = draw(body, view)
        if layer is None:
            continue
        window = np.s_[layer.top : layer.top + layer.height.shape[0], layer.left : layer.left + layer.height.shape[1]]
        nearer = layer.height > depth[window]
        depth[window][nearer] = layer.height[nearer]
        ground.rgb[window][nearer] = layer.rgb[nearer]
        ground.ids[window][nearer] = body.id
    return ground


def found(bodies: Sequence[Body], shots: dict[str, Shot]) -> tuple[SceneObject, ...]:
    """The bodies as scene objects, with the box of their visible pixels in each camera that sees them."""
    objects = []
    for body in bodies:
        boxes = {camera: box for camera, shot in shots.items() if (box := box_of(shot.ids == body.id)) is not None}
        objects.append(SceneObject(body.id, body.shape.name, body.texture, boxes))
    return tuple(objects)


def box_of(mask: Mask) -> Box | None:
    """The smallest box around the true pixels of `mask` (H, W); None if there are none."""
    rows = np.flatnonzero(mask.any(axis=1))
    if len(rows) == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1]))


@lru_cache(maxsize=256)
def draw(body: Body, view: View) -> Layer | None:
    """`body` alone; None if it is outside the picture. Remembered, as most bodies stay where they are."""
    window = _window(body.shape.box, body, view)
    if window is None:
        return None
    top, left, bottom, right = window
    height = np.full((bottom - top, right - left), _NEVER)
    rgb = np.zeros((bottom - top, right - left, 3), np.uint8)
    for part in body.shape.parts:
        inner = window if len(body.shape.parts) == 1 else _window(part.box, body, view)
        if inner is not None:
            patch = np.s_[inner[0] - top : inner[2] - top, inner[1] - left : inner[3] - left]
            _trace(part, body, view, inner, (height[patch], rgb[patch]))
    return Layer(top, left, height, rgb)


def covered(body: Body, view: View) -> list[tuple[int, int, Mask]]:
    """Where `body` covers the pixels of a view from straight above: patches (top, left, mask)."""
    patches = []
    for part in body.shape.parts:
        window = _window(part.box, body, view)
        if window is not None:
            rays = _rays(part, body, view, window)
            cap = np.logical_xor.reduce(_crossings(part, rays.axes, body.yaw, rays.ys) > rays.xs, axis=0)
            patches.append((window[0], window[1], cap))
    return patches


def _window(box: tuple[Floats, Floats], body: Body, view: View) -> tuple[int, int, int, int] | None:
    """Rows and columns [top, left, bottom, right) that may show a model box; None if outside the picture."""
    corners = np.where(_CORNERS, box[1], box[0])
    corners[:, :2] = corners[:, :2] @ turn(body.yaw).T
    pixels = view.project(corners @ body.tilt().T + (body.x, body.y, body.z))
    low, high = np.floor(pixels.min(axis=0)), np.ceil(pixels.max(axis=0)) + 1
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    right, bottom = min(int(high[0]), view.width), min(int(high[1]), view.height)
    return (top, left, bottom, right) if right > left and bottom > top else None


def _rays(part: Part, body: Body, view: View, window: tuple[int, int, int, int]) -> _Rays:
    """The rays of a window seen from the body: leaning with it, but not turned with it."""
    top, left, bottom, right = window
    x = view.rows_to_x(np.arange(top, bottom, dtype=np.float64))[:, None] - body.x
    y = view.columns_to_y(np.arange(left, right, dtype=np.float64))[None, :] - body.y
    frame = body.tilt()  # its transpose brings world directions into the leaning frame
    along = np.array([view.slope, 0.0, 1.0]) @ frame  # per metre of world height
    slope = along[:2] / along[2]
    enter, leave = (part.z1, part.z0) if along[2] > 0 else (part.z0, part.z1)
    # A point of each ray at z = 0 of the world, then slid to the height at which it enters the slab.
    steps = [_sum(x * frame[0, k], y * frame[1, k], -body.z * frame[2, k]) for k in range(3)]
    entry = [steps[k] + (enter - steps[2]) * slope[k] for k in range(2)]
    run = (leave - enter) * slope
    travel = float(np.hypot(*run))
    back = -run / travel if travel > 1e-12 else np.array([1.0, 0.0])
    axes = np.array([back, [-back[1], back[0]]])
    xs, ys = (_sum(entry[0] * axis[0], entry[1] * axis[1], 0.0) for axis in axes)
    return _Rays(xs, ys, travel, (leave - enter) / travel if travel > 1e-12 else 0.0, axes, enter)


def _sum(first: Floats, second: Floats, rest: float) -> Floats:
    """The sum, kept thin where one part is all zero: an upright body's rays need no full grids."""
    if not first.any():
        return second + rest
    return first + rest if not second.any() else first + second + rest


def _crossings(part: Part, axes: Floats, yaw: float, ys: Floats) -> Floats:
    """Where lines y = const cross the outlines: x of each crossing (K, ...), -inf for sides that are not crossed."""
    spin = axes @ turn(yaw)
    found = []
    if len(part.edges):
        ends = part.edges.reshape(-1, 2) @ spin.T
        x1, y1, x2, y2 = (ends[start::2, k].reshape(-1, 1, 1) for start in (0, 1) for k in (0, 1))
        rise = np.where(y1 == y2, 1.0, y2 - y1)
        crossed = (y1 <= ys) != (y2 <= ys)
        found.append(np.where(crossed, x1 + (ys - y1) * ((x2 - x1) / rise), _NEVER))
    for x, y, r in part.circles:
        cx, cy = spin @ (x, y)
        room = r * r - (ys - cy) ** 2
        half = np.sqrt(np.maximum(room, 0.0))
        found.append(np.where(room > 0, np.stack([cx - half, cx + half]), _NEVER))
    return np.concatenate(found)


def _trace(part: Part, body: Body, view: View, window: tuple[int, int, int, int], seen: tuple[Floats, Pixels]) -> None:
    """Draw one part into `seen` (height, rgb) of its window, where it is nearer than what is there."""
    rays = _rays(part, body, view, window)
    shape = seen[0].shape
    crossings = _crossings(part, rays.axes, body.yaw, rays.ys)
    ahead = crossings > rays.xs
    cap = np.broadcast_to(np.logical_xor.reduce(ahead, axis=0), shape)
    _paint_cap(part, body, rays, cap, seen)
    if rays.travel > 0:
        below = np.where(ahead, _NEVER, crossings)
        side = np.broadcast_to(below.max(axis=0), shape)
        hit = ~cap & (np.broadcast_to(rays.xs, shape) - side <= rays.travel)
        if hit.any():
            edge = np.broadcast_to(below.argmax(axis=0), shape)[hit]
            _paint_side(part, body, rays, hit, (side[hit], edge), seen)


def _flat_points(rays: _Rays, xs: Floats, ys: Floats, yaw: float) -> Floats:
    """Points of the rays' frame in the model's own frame, (N, 2)."""
    return np.stack([xs, ys], axis=-1) @ (rays.axes @ turn(yaw))


def _paint_cap(part: Part, body: Body, rays: _Rays, cap: Mask, seen: tuple[Floats, Pixels]) -> None:
    if not cap.any():
        return
    xs, ys = (np.broadcast_to(grid, cap.shape)[cap] for grid in (rays.xs, rays.ys))
    points = _flat_points(rays, xs, ys, body.yaw)
    up = _world_height(body, points, np.full(len(xs), rays.enter))
    uv = points @ part.cap[:, :2].T + part.cap[:, 2]
    shade = part.cap_shade if body.lean == 0 else _shade(part, abs(float(np.cos(body.lean))))
    _paint(cap, up, _texels(body.texture, uv, shade), seen)


def _paint_side(
    part: Part, body: Body, rays: _Rays, hit: Mask, where: tuple[Floats, NDArray[np.intp]], seen: tuple[Floats, Pixels]
) -> None:
    side, edge = where
    xs, ys = (np.broadcast_to(grid, hit.shape)[hit] for grid in (rays.xs, rays.ys))
    level = rays.enter + rays.climb * (xs - side)
    points = _flat_points(rays, side, ys, body.yaw)
    u = _along(part, points, edge)
    uv = np.stack([u, (level - part.z0) * part.scale], axis=-1)
    _paint(hit, _world_height(body, points, level), _texels(body.texture, uv, _side_shades(part, body, edge)), seen)


def _along(part: Part, points: Floats, edge: NDArray[np.intp]) -> Floats:
    """Texture u of points (N, 2) on the sides with these numbers."""
    u = np.zeros(len(points))
    straight = edge < len(part.edges)
    if straight.any():
        ends, spans = part.edges[edge[straight]], part.spans[edge[straight]]
        run = ends[:, 2:] - ends[:, :2]
        share = ((points[straight] - ends[:, :2]) * run).sum(axis=1) / (run**2).sum(axis=1)
        u[straight] = spans[:, 0] + (spans[:, 1] - spans[:, 0]) * np.clip(share, 0.0, 1.0)
    for k, (x, y, r) in enumerate(part.circles):
        on = (edge - len(part.edges)) // 2 == k
        on &= ~straight
        if on.any():
            u[on] = np.arctan2(points[on, 1] - y, points[on, 0] - x) * r * part.scale
    return u


def _world_height(body: Body, points: Floats, level: Floats) -> Floats:
    if body.lean == 0:
        return level + body.z
    up = body.tilt()[2]
    turned = points @ turn(body.yaw).T
    return np.asarray(turned @ up[:2] + level * up[2] + body.z)


def _shade(part: Part, up: float) -> float:
    return part.side_shade + (part.cap_shade - part.side_shade) * max(0.0, up)


def _side_shades(part: Part, body: Body, edge: NDArray[np.intp]) -> Floats:
    """Brightness of the sides with these numbers."""
    shades = np.full(len(part.edges) + 2 * len(part.circles), part.side_shade)
    shades[len(part.edges) + 2 :] = part.hole_shade  # two crossings to a circle, the first of which is the outer one
    if body.lean and len(part.edges):
        run = part.edges[:, 2:] - part.edges[:, :2]
        normals = np.stack([run[:, 1], -run[:, 0]], axis=-1) / np.hypot(run[:, 0], run[:, 1])[:, None]
        # Outlines run either way round; a side that is seen never looks down.
        up = np.abs(normals @ turn(body.yaw).T @ body.tilt()[2, :2])
        shades[: len(up)] += (part.cap_shade - part.side_shade) * up
    return shades[edge]


def _texels(texture: str, uv: Floats, shade: float | Floats) -> Pixels:
    """The texture's colours at `uv` (N, 2), v upward, repeated in both directions; one brightness or one for each."""
    column, row = (np.floor(uv * textures.SIZE).astype(np.intp) % textures.SIZE).T
    colors = textures.picture(texture)[textures.SIZE - 1 - row, column]
    if isinstance(shade, float):
        return np.asarray(_dimmed(shade)[colors])
    return np.asarray(colors * shade[:, None]).astype(np.uint8)


@lru_cache(maxsize=64)
def _dimmed(shade: float) -> Pixels:
    """What each of the 256 values of a channel becomes at a brightness."""
    return np.asarray(np.arange(256) * shade).astype(np.uint8)


def _paint(mask: Mask, height: Floats, rgb: Pixels, seen: tuple[Floats, Pixels]) -> None:
    nearer = height > seen[0][mask]
    where = mask.copy()
    where[mask] = nearer
    seen[0][where] = height[nearer]
    seen[1][where] = rgb[nearer]
