"""Whether a thing lies level on what holds it, and how it leans where its middle has nothing below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from instar.robot import Floats

SLACK: Final = 0.002  # metres the middle may be beyond its support: contacts are no sharper than that
STEEPEST: Final = 0.85  # radians; what would have to lean further falls over the edge ...
STEEPEST_HIGH: Final = 0.6  # ... and so does, from here on, what is heavy above its bottom
LEAST_DROP: Final = 0.006  # metres; lower steps tilt nothing that matters
CLEAR: Final = 0.02  # metres between the edge and what fell over it


@dataclass(frozen=True)
class Tilt:
    """How a thing leans: by `angle` toward `way` (2,), about an edge `beside` its middle, `drop` above what is next."""

    angle: float
    way: Floats
    beside: float  # metres from the edge to the middle of the thing
    back: float  # metres from the middle of the thing to its end on the supported side


def tilt(hull: Floats, middle: Floats, held: Sequence[Floats], drop: float) -> Tilt | None:
    """How a thing leans whose outline is `hull` (N, 2), held by convex areas (K, 2); None if it lies level.

    `drop` is how far below the next lower support is. All points are on the table, in metres.
    """
    points = np.concatenate(held)
    if drop < LEAST_DROP or len(points) < 3:
        return None
    base = cv2.convexHull(points.astype(np.float32))[:, 0, :].astype(np.float64)
    edge = nearest(base, middle)
    gap = middle - edge
    beside = float(np.hypot(*gap))
    if beside < SLACK or inside(base, middle):
        return None
    way = gap / beside
    reach = (hull - middle) @ way
    length = beside + float(reach.max())
    angle = float(np.arcsin(min(drop / length, 1.0)))
    return Tilt(angle, way, beside, float(-reach.min()))


def inside(outline: Floats, point: Floats) -> bool:
    """Whether `point` (2,) lies in a convex outline (N, 2), whichever way that runs."""
    sides = np.roll(outline, -1, axis=0) - outline
    turns = sides[:, 0] * (point - outline)[:, 1] - sides[:, 1] * (point - outline)[:, 0]
    return bool((turns >= 0).all() or (turns <= 0).all())


def nearest(outline: Floats, point: Floats) -> Floats:
    """The point of an outline (N, 2) nearest to `point` (2,)."""
    ends = np.roll(outline, -1, axis=0)
    sides = ends - outline
    lengths = np.maximum((sides**2).sum(axis=1), 1e-18)
    share = np.clip(((point - outline) * sides).sum(axis=1) / lengths, 0.0, 1.0)
    feet = outline + share[:, None] * sides
    return np.asarray(feet[np.argmin(((feet - point) ** 2).sum(axis=1))])


def shared(one: Floats, two: Floats) -> Floats:
    """The area (K, 2) that two convex outlines share; none where K is 0."""
    area = one
    ring = two if _area(two) > 0 else two[::-1]
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if len(area) == 0:
            return area
        side = end - start
        over = side[0] * (area - start)[:, 1] - side[1] * (area - start)[:, 0]
        area = _cut(area, over)
    return area


def _cut(area: Floats, over: Floats) -> Floats:
    """The part of an outline whose corners have `over` (N,) at least 0."""
    kept = []
    for k in range(len(area)):
        here, there = over[k - 1], over[k]
        if (here >= 0) != (there >= 0):
            kept.append(area[k - 1] + (area[k] - area[k - 1]) * (here / (here - there)))
        if there >= 0:
            kept.append(area[k])
    return np.array(kept).reshape(-1, 2)


def _area(outline: Floats) -> float:
    x, y = outline.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
