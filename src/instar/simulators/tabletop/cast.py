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
from instar.simulators.tabletop.shapes import Part
from instar.simulators.tabletop.slabs import Slabs, side_by_side
from instar.simulators.tabletop.views import View

Mask = NDArray[np.bool_]
Places = NDArray[np.intp]
Window = tuple[slice, slice]  # rows and columns of a view
NEVER: Final = -np.inf
_NONE: Final = np.zeros(0, np.intp)


@dataclass(frozen=True, eq=False)
class Cast:
    """What is seen of a shape in a window of a view; one value per pixel, (h, w)."""

    window: Window
    height: Floats  # of what is seen, metres; -inf where nothing is
    texel: Places  # its place in a texture's pixels, counted row by row
    shade: Floats  # its brightness


@dataclass(frozen=True, eq=False)
class Cover:
    """Which pixels of a window of a view the caps of a shape cover."""

    window: Window
    mask: Mask  # (h, w)


@dataclass(frozen=True, eq=False)
class _Rays:
    """Rays of a window of pixels in the frame of P slabs, whose x axis runs against the rays' travel over the outline.

    Those to a shape that stands upright share their x in a row and their y in a column, whatever the slab.
    """

    xs: Floats  # where the rays enter each slab: (P, h, 1), or (1, h, w) for the one slab of a shape that leans
    ys: Floats  # (1, w), or (h, w)
    travel: Floats  # (P,): how far they go along -x within a slab
    climb: Floats  # (P,): change of height per metre of that travel
    spin: Floats  # (2, 2): from the shape's own axes to those of the rays
    enter: Floats  # (P,): height at which they enter

    @property
    def shared(self) -> bool:
        """Whether rays share their x in a row and their y in a column."""
        return len(self.ys) == 1 and self.xs.shape[2] == 1

    def at(self, places: Places) -> tuple[Floats, Floats]:
        """Where some rays enter: x and y, (N,). Places count through slabs, rows and columns."""
        if not self.shared:
            return self.xs.ravel()[places], self.ys.ravel()[places]
        width = self.ys.shape[1]
        rows = places // width
        return self.xs.ravel()[rows], self.ys.ravel()[places - rows * width]


@dataclass(frozen=True, eq=False)
class _Meeting:
    """Where rays meet slabs, by place."""

    cap: Places  # rays that meet a cap
    hit: Places = field(default_factory=lambda: _NONE)  # rays that meet a side ...
    side: Floats = field(default_factory=lambda: np.zeros(0))  # ... x of where they do ...
    edge: Places = field(default_factory=lambda: _NONE)  # ... and the number of that side


@dataclass(frozen=True, eq=False)
class _Points:
    """Points of a shape that rays meet, (N,) each."""

    pixel: Places  # of the window, counted row by row
    slab: Places
    height: Floats
    uv: Floats  # (N, 2)
    shade: Floats


@lru_cache(maxsize=256)
def cast(parts: tuple[Part, ...], pose: Pose, view: View) -> Cast | None:
    """What `view` shows of a shape with these parts; None if it is outside the picture. Remembered: poses recur."""
    window = window_of(parts, pose, view)
    if window is None:
        return None
    return _nearest([_points(slabs, pose, view, window) for slabs in _together(parts, pose)], window)


@lru_cache(maxsize=256)
def covers(parts: tuple[Part, ...], pose: Pose, view: View) -> Cover | None:
    """Where a shape with these parts covers the pixels of a view from straight above; None if it does not."""
    window = window_of(parts, pose, view)
    if window is None:
        return None
    mask = np.zeros(_size(window), bool)
    for slabs in _together(parts, pose):
        mask.reshape(-1)[_meet(slabs, _rays(slabs, pose, view, window)).cap % mask.size] = True
    return Cover(window, mask)


def _together(parts: tuple[Part, ...], pose: Pose) -> list[Slabs]:
    """The parts whose rays can be followed together: all of what stands upright, each alone of what leans."""
    return [side_by_side(group) for group in ([parts] if pose.upright else [(part,) for part in parts])]


@lru_cache(maxsize=512)
def window_of(parts: tuple[Part, ...], pose: Pose, view: View) -> Window | None:
    """Rows and columns that may show a shape with these parts; None if it is outside the picture."""
    (x0, y0, z0), (x1, y1, z1) = (corner.tolist() for corner in side_by_side(parts).box)
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


def _size(window: Window) -> tuple[int, int]:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start


def _rays(slabs: Slabs, pose: Pose, view: View, window: Window) -> _Rays:
    """The rays of a window as they enter some slabs, or the one slab of a shape that leans."""
    rows, columns = window
    x, y = view.xs[rows, None] - pose.x, view.ys[None, columns] - pose.y  # at z = 0 of the world, from the shape
    if not pose.upright:
        return _leaning_rays(slabs.parts[0], pose, view.slope, x, y)
    xs = x + ((slabs.z1 + pose.z) * view.slope)[:, None, None]
    travel = (slabs.z1 - slabs.z0) * view.slope
    climb = np.divide(slabs.z0 - slabs.z1, travel, out=np.zeros_like(travel), where=travel > 1e-12)
    return _Rays(xs, y, travel, climb, turn(pose.yaw), slabs.z1)


def _leaning_rays(part: Part, pose: Pose, tilt: float, x: Floats, y: Floats) -> _Rays:
    """The same where the frame leans: nothing is shared, and the far end may come first."""
    frame = pose.tilt()  # its transpose brings world directions into the leaning frame
    along = np.array([tilt, 0.0, 1.0]) @ frame  # per metre of world height
    slope = along[:2] / along[2]
    enter, leave = (part.z1, part.z0) if along[2] > 0 else (part.z0, part.z1)
    # A point of each ray at z = 0 of the world, then slid to the height at which it enters the slab.
    steps = [x * frame[0, k] + y * frame[1, k] - pose.z * frame[2, k] for k in range(3)]
    entry = [steps[k] + (enter - steps[2]) * slope[k] for k in range(2)]
    run = (leave - enter) * slope
    travel = float(np.hypot(*run))
    back = -run / travel if travel > 1e-12 else np.array([1.0, 0.0])
    axes = np.array([back, [-back[1], back[0]]])
    xs, ys = (entry[0] * axis[0] + entry[1] * axis[1] for axis in axes)
    climb = (leave - enter) / travel if travel > 1e-12 else 0.0
    return _Rays(xs[None], ys, np.array([travel]), np.array([climb]), axes @ turn(pose.yaw), np.array([enter]))


def _crossings(slabs: Slabs, rays: _Rays) -> Floats:
    """Where lines y = const cross each side: x (E + 2 R + 1, *ys.shape), -inf where none does; the last is no side."""
    straight, ys = len(slabs.edges), rays.ys
    found = np.full((straight + 2 * len(slabs.circles) + 1, *ys.shape), NEVER)
    if straight:
        ends = slabs.edges.reshape(-1, 2) @ rays.spin.T
        x1, y1, x2, y2 = ends.reshape(-1, 4).T[:, :, None, None]
        rise = np.where(y1 == y2, 1.0, y2 - y1)
        crossed = (y1 <= ys) != (y2 <= ys)
        np.copyto(found[:straight], x1 + (ys - y1) * ((x2 - x1) / rise), where=crossed)
    if len(slabs.circles):
        centres = {(x, y): rays.spin @ (x, y) for x, y, _ in slabs.circles.tolist()}
        cx, cy = np.array([centres[x, y] for x, y, _ in slabs.circles.tolist()]).T[:, :, None, None]
        room = slabs.circles[:, 2, None, None] ** 2 - (ys - cy) ** 2
        half = np.sqrt(np.maximum(room, 0.0))
        rounds = found[straight:-1].reshape(len(room), 2, *ys.shape)
        np.copyto(rounds, np.stack([cx - half, cx + half], axis=1), where=(room > 0)[:, None])
    return found


def _meet(slabs: Slabs, rays: _Rays) -> _Meeting:
    """Which rays enter slabs through a cap: those with an odd number of crossings ahead; which through a side."""
    crossings = _crossings(slabs, rays)
    if rays.shared:
        return _meet_by_columns(crossings[:, 0].take(slabs.numbers, axis=0), slabs, rays)
    ahead = crossings > rays.xs
    cap = np.logical_xor.reduce(ahead, axis=0)
    if not rays.travel.any():
        return _Meeting(np.flatnonzero(cap))
    below = np.where(ahead, NEVER, crossings)
    side = below.max(axis=0)
    hit = np.flatnonzero(~cap & (rays.xs[0] - side <= rays.travel[0]))
    return _Meeting(np.flatnonzero(cap), hit, side.ravel()[hit], below.reshape(len(below), -1)[:, hit].argmax(axis=0))


def _meet_by_columns(crossings: Floats, slabs: Slabs, rays: _Rays) -> _Meeting:
    """The same where all rays of a column share their crossings (P, K, w): in order, they need only be counted."""
    count, _, width = crossings.shape
    most = int((crossings > NEVER).sum(axis=1).max())
    # From the farthest on, of equal ones the first; behind the last there is none.
    order = np.ascontiguousarray(
        np.argsort(-crossings.transpose(0, 2, 1), kind="stable")[..., : most + 1].transpose(0, 2, 1)
    )
    columns, slab = np.arange(width), np.arange(count)[:, None, None]
    ordered = crossings.take((order + slab * crossings.shape[1]) * width + columns)
    ahead = np.add.reduce((ordered[:, :most, None] > rays.xs[:, None]).view(np.uint8), axis=1, dtype=np.uint8)
    cap = (ahead & 1).view(bool)
    if not rays.travel.any():
        return _Meeting(np.flatnonzero(cap))
    following = (ahead + slab * (most + 1)) * width + columns
    side = ordered.take(following)
    hit = np.flatnonzero(~cap & (rays.xs - side <= rays.travel[:, None, None]))
    edge = slabs.numbers[hit // ahead[0].size, order.ravel()[following.ravel()[hit]]]
    return _Meeting(np.flatnonzero(cap), hit, side.ravel()[hit], edge)


def _points(slabs: Slabs, pose: Pose, view: View, window: Window) -> _Points:
    """The points at which the rays of a window meet slabs: those of caps first."""
    rays = _rays(slabs, pose, view, window)
    meeting = _meet(slabs, rays)
    places, caps = np.concatenate([meeting.cap, meeting.hit]), len(meeting.cap)
    height, width = _size(window)
    slab = places // (height * width)
    xs, ys = rays.at(places)
    level = rays.enter[slab]
    level[caps:] += rays.climb[slab[caps:]] * (xs[caps:] - meeting.side)
    xs[caps:] = meeting.side
    flat = np.column_stack([xs, ys]) @ rays.spin
    uv, shade = np.empty((len(places), 2)), np.empty(len(places))
    bounds = np.searchsorted(slab[:caps], np.arange(len(slabs.parts) + 1))
    for k, part in enumerate(slabs.parts):
        on = slice(bounds[k], bounds[k + 1])
        uv[on] = flat[on] @ part.cap[:, :2].T + part.cap[:, 2]
        shade[on] = _cap_shade(part, pose)
    if caps < len(places):
        uv[caps:, 0] = _along(slabs, flat[caps:], meeting.edge)
        uv[caps:, 1] = (level[caps:] - slabs.z0[slab[caps:]]) * slabs.scale[slab[caps:]]
        shade[caps:] = _side_shades(slabs, pose)[meeting.edge]
    return _Points(places - slab * (height * width), slab, _world_height(pose, flat, level), uv, shade)


def _nearest(groups: Sequence[_Points], window: Window) -> Cast:
    """What is seen of points that may hide each other: the highest; of equally high ones the first part's."""
    points = groups[0] if len(groups) == 1 else _joined(groups)
    pixel, height, texel, shade = points.pixel, points.height, _texels(points.uv), points.shade
    if points.slab.any():  # of several values for one place the last stays
        order = np.lexsort((-points.slab, height))
        pixel, height, texel, shade = pixel[order], height[order], texel[order], shade[order]
    size = _size(window)
    seen = Cast(window, np.full(size, NEVER), np.zeros(size, np.intp), np.zeros(size))
    seen.height.reshape(-1)[pixel] = height
    seen.texel.reshape(-1)[pixel] = texel
    seen.shade.reshape(-1)[pixel] = shade
    return seen


def _joined(groups: Sequence[_Points]) -> _Points:
    """Points of several groups of one slab each."""
    return _Points(
        np.concatenate([points.pixel for points in groups]),
        np.concatenate([points.slab + k for k, points in enumerate(groups)]),
        np.concatenate([points.height for points in groups]),
        np.concatenate([points.uv for points in groups]),
        np.concatenate([points.shade for points in groups]),
    )


def _along(slabs: Slabs, flat: Floats, edge: Places) -> Floats:
    """Texture u of points (N, 2) on the sides with these numbers."""
    straight = edge < len(slabs.edges)
    if straight.all():
        return _along_straight(slabs, flat, edge)
    u = np.empty(len(flat))
    if straight.any():
        u[straight] = _along_straight(slabs, flat[straight], edge[straight])
    number = (edge[~straight] - len(slabs.edges)) // 2
    x, y, r = slabs.circles[number].T
    u[~straight] = np.arctan2(flat[~straight, 1] - y, flat[~straight, 0] - x) * r * slabs.unrolled[number]
    return u


def _along_straight(slabs: Slabs, flat: Floats, edge: Places) -> Floats:
    """The same where all of the sides are straight."""
    way = (flat - slabs.starts.take(edge, axis=0)) * slabs.runs.take(edge, axis=0)
    share = np.minimum(np.maximum((way[:, 0] + way[:, 1]) / slabs.squares[edge], 0.0), 1.0)
    return np.asarray(slabs.firsts[edge] + slabs.stretches[edge] * share)


def _world_height(pose: Pose, flat: Floats, level: Floats) -> Floats:
    if pose.lean == 0:
        return np.asarray(level + pose.z)
    up = pose.tilt()[2]
    turned = flat @ turn(pose.yaw).T
    return np.asarray(turned @ up[:2] + level * up[2] + pose.z)


def _cap_shade(part: Part, pose: Pose) -> float:
    if pose.lean == 0:
        return part.cap_shade
    return part.side_shade + (part.cap_shade - part.side_shade) * abs(float(np.cos(pose.lean)))


def _side_shades(slabs: Slabs, pose: Pose) -> Floats:
    """Brightness of every side."""
    if pose.lean == 0 or len(slabs.edges) == 0:
        return slabs.shades
    (part,) = slabs.parts
    normals = np.stack([slabs.runs[:, 1], -slabs.runs[:, 0]], axis=-1)
    normals /= np.hypot(slabs.runs[:, 0], slabs.runs[:, 1])[:, None]
    # Outlines run either way round; a side that is seen never looks down.
    up = np.abs(normals @ turn(pose.yaw).T @ pose.tilt()[2, :2])
    shades = slabs.shades.copy()
    shades[: len(up)] += (part.cap_shade - part.side_shade) * up
    return shades


def _texels(uv: Floats) -> Places:
    """Where in a texture `uv` (N, 2) is, v upward, repeated in both directions."""
    column, row = (np.floor(uv * textures.SIZE).astype(np.intp) & (textures.SIZE - 1)).T  # a power of 2
    return np.asarray((textures.SIZE - 1 - row) * textures.SIZE + column)
