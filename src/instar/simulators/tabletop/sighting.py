"""Where a thing must be, and how tall, for the two cameras to have seen it in these boxes."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from instar.demo import Box
from instar.robot import Floats
from instar.simulators.tabletop.body import turn
from instar.simulators.tabletop.shapes import Shape
from instar.simulators.tabletop.views import FRONT, TOP, VIEWS

_TURNS: Final = np.arange(0.0, 2 * np.pi, np.radians(2.0))
_ROUND: Final = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)


def corners(shape: Shape) -> Floats:
    """Points (N, 3) of a shape's model that reach as far as it does in every direction."""
    found = []
    for part in shape.parts:
        flat = [part.edges[:, :2]]
        flat += [np.array([x, y]) + r * np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=1) for x, y, r in part.circles]
        outline = np.concatenate(flat)
        found += [np.column_stack([outline, np.full(len(outline), z)]) for z in (part.z0, part.z1)]
    return np.concatenate(found)


def pose_of(shape: Shape, boxes: Mapping[str, Box]) -> tuple[float, float, float, float]:
    """The upright pose x, y, z, yaw in which a shape fills its boxes best; yaw up to what boxes can tell.

    What is hidden from above is taken to lie in a pile at x = 0.5, unturned; what is nowhere seen lies in the middle.
    """
    if "top" not in boxes:
        return _below_others(corners(shape), boxes.get("front"))
    points = corners(shape)
    poses = [_fitted(points, float(yaw), boxes) for yaw in _TURNS]
    errors = [_misfit(points, pose, boxes) for pose in poses]
    return poses[int(np.argmin(errors))]


def _below_others(points: Floats, front: Box | None) -> tuple[float, float, float, float]:
    if front is None:
        return 0.5, 0.0, 0.0, 0.0
    across, rows = FRONT.project(points + np.array([0.5, 0.0, 0.0])).T
    y = ((front.left + front.right) - (across.min() + across.max())) / 2 / FRONT.across
    return 0.5, float(y), max(float(rows.max() - front.bottom - 0.5) / FRONT.rise, 0.0), 0.0


def _fitted(points: Floats, yaw: float, boxes: Mapping[str, Box]) -> tuple[float, float, float, float]:
    """The pose with this yaw whose boxes have the right middles."""
    turned, top = points @ _upright(yaw), boxes["top"]
    low, high = turned.min(axis=0), turned.max(axis=0)
    x = float(TOP.rows_to_x(np.array((top.top + top.bottom) / 2)) - (low[0] + high[0]) / 2)
    y = float(TOP.columns_to_y(np.array((top.left + top.right) / 2)) - (low[1] + high[1]) / 2)
    if "front" not in boxes:
        return x, y, 0.0, yaw
    rows = FRONT.project(turned + np.array([x, y, 0.0]))[:, 1]
    return x, y, float(rows.min() + rows.max() - boxes["front"].top - boxes["front"].bottom) / 2 / FRONT.rise, yaw


def _misfit(points: Floats, pose: tuple[float, float, float, float], boxes: Mapping[str, Box]) -> float:
    """How many pixels the boxes of a pose are off, all sides together; fractions tell equal boxes apart."""
    *place, yaw = pose
    total = 0.0
    for view in (view for view in VIEWS if view.name in boxes):
        pixels = view.project(points @ _upright(yaw) + place)
        box = boxes[view.name]
        low = pixels.min(axis=0) - (box.left, box.top)
        high = pixels.max(axis=0) - (box.right, box.bottom)
        total += float(np.abs(np.ceil(low)).sum() + np.abs(np.floor(high)).sum())
        total += 0.01 * float(np.abs(low + 0.5).sum() + np.abs(high - 0.5).sum())
    return total


def _upright(yaw: float) -> Floats:
    """The matrix (3, 3) that turns rows of points about the vertical."""
    frame = np.eye(3)
    frame[:2, :2] = turn(yaw).T
    return frame


def height_of(shape: Shape, yaw: float, front: Box) -> float:
    """How tall a straight prism at (0.5, 0, 0) is that shows this box to the front camera, in metres."""
    far = FRONT.level + FRONT.deep * float((corners(shape) @ _upright(yaw))[:, 0].min())
    return max((far - front.top) / FRONT.rise, 0.001)
