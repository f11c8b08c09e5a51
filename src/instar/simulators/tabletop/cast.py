"""Which point of a shape every pixel shows: one ray per pixel through straight prisms, exact and without anti-aliasing.

Every part of a shape is an outline extruded between two heights. A ray enters it through the end it meets first (its
cap) if the outline holds that point, or else through the nearest side on its way to the other end. What is found here
knows no colours and no ids, so that one cast serves every texture and every picture with the shape in that pose.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.robot import Floats
from instar.simulators.tabletop import textures
from instar.simulators.tabletop.body import Pose, turn
from instar.simulators.tabletop.shapes import Part, extent
from instar.simulators.tabletop.views import View

Mask = NDArray[np.bool_]
NEVER: Final = -np.inf
_NONE: Final = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Cast:
    """What is seen of a shape in a window of a view; one value per pixel, (h, w)."""

    window: tuple[slice, slice]
    height: Floats  # of what is seen, metres; -inf where nothing is
    texel: NDArray[np.intp]  # its place in a texture's pixels, counted row by row
    shade: Floats  # its brightness


@dataclass(frozen=True, eq=False)
class Cover:
    """Which pixels of a window of a view a part's cap covers."""

    window: tuple[slice, slice]
    mask: Mask  # (h, w)


@dataclass(frozen=True, eq=False)
class _Sight:
    """A window of pixels as seen from a shape: leaning with it, but not turned with it."""

    pose: Pose
    slope: float  # of the view
    x: Floats  # (h, 1): where the pixels' rays meet z = 0 of the world, from the shape's origin
    y: Floats  # (1, w)

    @property
    def shape(self) -> tuple[int, int]:
        """Of the window, (h, w)."""
        return len(self.x), self.y.shape[1]


@dataclass(frozen=True, eq=False)
class _Rays:
    """Rays of a window of pixels in a part's frame, whose x axis runs against the rays' travel over the outline."""

    xs: Floats  # where the rays enter the part's slab: (h, 1) for a shape that does not lean, else (h, w)
    ys: Floats  # (1, w), or (h, w)
    travel: float  # how far they go along -x within the slab
    climb: float  # change of height per metre of that travel, in the part's frame
    spin: Floats  # (2, 2): from the shape's own axes to those of the rays
    enter: float  # height at which they enter

    @property
    def thin(self) -> bool:
        """Whether one row and one column say all: rays of a column then share their y, those of a row their x."""
        return len(self.ys) == 1 and self.xs.shape[1] == 1

    def at(self, places: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Where the rays of some places of the window enter: x and y, (N,)."""
        if self.thin:
            width = self.ys.shape[1]
            rows = places // width
            return self.xs[rows, 0], self.ys[0, places - rows * width]
        return self.xs.reshape(-1)[places], self.ys.reshape(-1)[places]


@dataclass(frozen=True, eq=False)
class _Meeting:
    """Where the rays of a window meet a part, by place in the window, counted row by row."""

    cap: NDArray[np.intp]  # pixels that show the cap
    hit: NDArray[np.intp] = field(default_factory=lambda: _NONE)  # pixels that show a side ...
    side: Floats = field(default_factory=lambda: np.zeros(0))  # ... x of the ray where it does ...
    edge: NDArray[np.intp] = field(default_factory=lambda: _NONE)  # ... and the number of that side


@dataclass(frozen=True, eq=False)
class _Face:
    """Points of a shape that rays meet, (N,) each."""

    places: NDArray[np.intp]  # pixels of the window, counted row by row
    height: Floats
    uv: Floats  # (N, 2)
    shade: Floats


@lru_cache(maxsize=256)
def cast(parts: tuple[Part, ...], pose: Pose, view: View) -> Cast | None:
    """What `view` shows of a shape with these parts; None if it is outside the picture. Remembered: poses recur."""
    window = _window(extent(parts), pose, view)
    if window is None:
        return None
    sight = _sight(pose, view, window)
    faces = [_face(part, rays, pose, _meet(part, rays, sight.shape)) for part in parts for rays in [_rays(part, sight)]]
    return _nearest(faces, window, sight.shape)


@lru_cache(maxsize=256)
def covers(parts: tuple[Part, ...], pose: Pose, view: View) -> tuple[Cover, ...]:
    """Where a shape with these parts covers the pixels of a view from straight above."""
    found = []
    for part in parts:
        window = _window(part.box, pose, view)
        if window is not None:
            sight = _sight(pose, view, window)
            rays = _rays(part, sight)
            mask = np.zeros(sight.shape, bool)
            mask.reshape(-1)[_meet(part, rays, sight.shape).cap] = True
            found.append(Cover(window, mask))
    return tuple(found)


def _window(box: tuple[Floats, Floats], pose: Pose, view: View) -> tuple[slice, slice] | None:
    """Rows and columns that may show a model box; None if outside the picture."""
    (x0, y0, z0), (x1, y1, z1) = box[0].tolist(), box[1].tolist()
    c, s = math.cos(pose.yaw), math.sin(pose.yaw)
    flat = [(c * x - s * y, s * x + c * y) for x in (x0, x1) for y in (y0, y1)]
    corners = [(x, y, z) for x, y in flat for z in (z0, z1)]
    if not pose.upright:
        corners = (np.array(corners) @ pose.tilt().T).tolist()
    columns = [view.middle + view.across * (y + pose.y) for _, y, _ in corners]
    rows = [view.level + view.deep * (x + pose.x - 0.5) - view.rise * (z + pose.z) for x, _, z in corners]
    left, top = max(math.floor(min(columns)), 0), max(math.floor(min(rows)), 0)
    right, bottom = min(math.ceil(max(columns)) + 1, view.width), min(math.ceil(max(rows)) + 1, view.height)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _sight(pose: Pose, view: View, window: tuple[slice, slice]) -> _Sight:
    rows, columns = window
    return _Sight(pose, view.slope, view.xs[rows, None] - pose.x, view.ys[None, columns] - pose.y)


def _rays(part: Part, sight: _Sight) -> _Rays:
    """The rays of a window as they enter a part, which the upright get without full grids."""
    if sight.pose.upright:
        deep = part.z1 - part.z0
        travel = deep * sight.slope
        xs = sight.x + (part.z1 + sight.pose.z) * sight.slope
        return _Rays(xs, sight.y, travel, -deep / travel if travel else 0.0, turn(sight.pose.yaw), part.z1)
    frame = sight.pose.tilt()  # its transpose brings world directions into the leaning frame
    along = np.array([sight.slope, 0.0, 1.0]) @ frame  # per metre of world height
    slope = along[:2] / along[2]
    enter, leave = (part.z1, part.z0) if along[2] > 0 else (part.z0, part.z1)
    # A point of each ray at z = 0 of the world, then slid to the height at which it enters the slab.
    steps = [sight.x * frame[0, k] + sight.y * frame[1, k] - sight.pose.z * frame[2, k] for k in range(3)]
    entry = [steps[k] + (enter - steps[2]) * slope[k] for k in range(2)]
    run = (leave - enter) * slope
    travel = float(np.hypot(*run))
    back = -run / travel if travel > 1e-12 else np.array([1.0, 0.0])
    axes = np.array([back, [-back[1], back[0]]])
    xs, ys = (entry[0] * axis[0] + entry[1] * axis[1] for axis in axes)
    climb = (leave - enter) / travel if travel > 1e-12 else 0.0
    return _Rays(xs, ys, travel, climb, axes @ turn(sight.pose.yaw), enter)


def _crossings(part: Part, rays: _Rays) -> Floats:
    """Where lines y = const cross the outlines: x of each crossing (K, ...), -inf for sides that are not crossed."""
    found = []
    if len(part.edges):
        ends = part.edges.reshape(-1, 2) @ rays.spin.T
        x1, y1, x2, y2 = ends.reshape(-1, 4).T[:, :, None, None]
        rise = np.where(y1 == y2, 1.0, y2 - y1)
        crossed = (y1 <= rays.ys) != (y2 <= rays.ys)
        found.append(np.where(crossed, x1 + (rays.ys - y1) * ((x2 - x1) / rise), NEVER))
    for x, y, r in part.circles:
        cx, cy = rays.spin @ (x, y)
        room = r * r - (rays.ys - cy) ** 2
        half = np.sqrt(np.maximum(room, 0.0))
        found.append(np.where(room > 0, np.stack([cx - half, cx + half]), NEVER))
    return np.concatenate(found) if len(found) > 1 else found[0]


def _meet(part: Part, rays: _Rays, shape: tuple[int, int]) -> _Meeting:
    """Which rays enter a part through its cap: those with an odd number of crossings ahead; which through a side."""
    crossings = _crossings(part, rays)
    if rays.thin:
        return _meet_by_columns(crossings[:, 0], rays, shape[1])
    ahead = crossings > rays.xs
    cap = np.logical_xor.reduce(ahead, axis=0)
    if rays.travel <= 0:
        return _Meeting(np.flatnonzero(cap))
    below = np.where(ahead, NEVER, crossings)
    side = below.max(axis=0)
    hit = np.flatnonzero(~cap & (rays.xs - side <= rays.travel))
    return _Meeting(np.flatnonzero(cap), hit, side.ravel()[hit], below.reshape(len(below), -1)[:, hit].argmax(axis=0))


def _meet_by_columns(crossings: Floats, rays: _Rays, width: int) -> _Meeting:
    """The same where all rays of a column share their crossings (K, w): in order, they need only be counted."""
    most = int((crossings > NEVER).sum(axis=0).max())
    # From the farthest on, of equal ones the first; behind the last there is none.
    order = np.argsort(-crossings.T, axis=1, kind="stable").T[:most]
    columns = np.arange(width)
    ordered = np.full((most + 1, width), NEVER)
    ordered[:most] = crossings.take(order * width + columns)
    ahead = np.add.reduce((ordered[:most, None] > rays.xs).view(np.uint8), axis=0, dtype=np.uint8)
    cap = (ahead & 1).view(bool)
    if rays.travel <= 0:
        return _Meeting(np.flatnonzero(cap))
    place = ahead * np.intp(width) + columns
    side = ordered.take(place)  # the next one
    hit = np.flatnonzero(~cap & (rays.xs - side <= rays.travel))
    return _Meeting(np.flatnonzero(cap), hit, side.ravel()[hit], order.ravel()[place.ravel()[hit]])


def _face(part: Part, rays: _Rays, pose: Pose, meeting: _Meeting) -> _Face:
    """The points at which rays meet a part: those of its cap first."""
    places, caps = np.concatenate([meeting.cap, meeting.hit]), len(meeting.cap)
    xs, ys = rays.at(places)
    level, shade, uv = np.full(len(places), rays.enter), np.empty(len(places)), np.empty((len(places), 2))
    level[caps:] += rays.climb * (xs[caps:] - meeting.side)
    xs[caps:] = meeting.side
    points = np.stack([xs, ys], axis=-1) @ rays.spin
    uv[:caps] = points[:caps] @ part.cap[:, :2].T + part.cap[:, 2]
    shade[:caps] = _cap_shade(part, pose)
    if len(meeting.hit):
        uv[caps:, 0] = _along(part, points[caps:], meeting.edge)
        uv[caps:, 1] = (level[caps:] - part.z0) * part.scale
        shade[caps:] = _side_shades(part, pose)[meeting.edge]
    return _Face(places, _world_height(pose, points, level), uv, shade)


def _nearest(faces: Sequence[_Face], window: tuple[slice, slice], shape: tuple[int, int]) -> Cast:
    """What is seen of faces that may hide each other: the highest; of equally high ones the first."""
    places, height, uv, shade = (
        np.concatenate(values) if len(values) > 1 else values[0]
        for values in zip(*((face.places, face.height, face.uv, face.shade) for face in faces), strict=True)
    )
    texel = _texels(uv)
    if len(faces) > 1:  # of several values for one place the last stays
        order = np.argsort(-height, kind="stable")[::-1]
        places, height, texel, shade = places[order], height[order], texel[order], shade[order]
    seen = Cast(window, np.full(shape, NEVER), np.zeros(shape, np.intp), np.zeros(shape))
    seen.height.reshape(-1)[places] = height
    seen.texel.reshape(-1)[places] = texel
    seen.shade.reshape(-1)[places] = shade
    return seen


def _along(part: Part, points: Floats, edge: NDArray[np.intp]) -> Floats:
    """Texture u of points (N, 2) on the sides with these numbers."""
    if not part.circles:
        return _along_straight(part, points, edge)
    u = np.empty(len(points))
    straight = edge < len(part.edges)
    if straight.any():
        u[straight] = _along_straight(part, points[straight], edge[straight])
    number = np.where(straight, -1, (edge - len(part.edges)) // 2)
    for k, (x, y, r) in enumerate(part.circles):
        on = number == k
        if on.any():
            u[on] = np.arctan2(points[on, 1] - y, points[on, 0] - x) * r * part.scale
    return u


def _along_straight(part: Part, points: Floats, edge: NDArray[np.intp]) -> Floats:
    way = (points - part.starts.take(edge, axis=0)) * part.runs.take(edge, axis=0)
    share = np.minimum(np.maximum((way[:, 0] + way[:, 1]) / part.squares[edge], 0.0), 1.0)
    return np.asarray(part.spans[:, 0][edge] + part.stretches[edge] * share)


def _world_height(pose: Pose, points: Floats, level: Floats) -> Floats:
    if pose.lean == 0:
        return np.asarray(level + pose.z)
    up = pose.tilt()[2]
    turned = points @ turn(pose.yaw).T
    return np.asarray(turned @ up[:2] + level * up[2] + pose.z)


def _cap_shade(part: Part, pose: Pose) -> float:
    if pose.lean == 0:
        return part.cap_shade
    return part.side_shade + (part.cap_shade - part.side_shade) * abs(float(np.cos(pose.lean)))


def _side_shades(part: Part, pose: Pose) -> Floats:
    """Brightness of every side."""
    if pose.lean == 0 or len(part.edges) == 0:
        return part.shades
    normals = np.stack([part.runs[:, 1], -part.runs[:, 0]], axis=-1)
    normals /= np.hypot(part.runs[:, 0], part.runs[:, 1])[:, None]
    # Outlines run either way round; a side that is seen never looks down.
    up = np.abs(normals @ turn(pose.yaw).T @ pose.tilt()[2, :2])
    shades = part.shades.copy()
    shades[: len(up)] += (part.cap_shade - part.side_shade) * up
    return shades


def _texels(uv: Floats) -> NDArray[np.intp]:
    """Where in a texture `uv` (N, 2) is, v upward, repeated in both directions."""
    column, row = (np.floor(uv * textures.SIZE).astype(np.intp) & (textures.SIZE - 1)).T  # a power of 2
    return np.asarray((textures.SIZE - 1 - row) * textures.SIZE + column)
