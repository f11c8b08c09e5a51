"""What becomes of the bodies when the suction cup moves one: kinematics measured in VIMA-Bench's physics."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.shapes import BOWL_AXIS, Solid

TABLE_TOP: Final = -0.001  # metres: things settle a millimetre below the drawn surface
GAP: Final = 0.001  # a mesh hull keeps this distance from what it touches
REACH: Final = 0.003  # the cup still lifts what it passes this far beside

BOWL_REACH: Final = 0.088  # distance from the bowl's axis within which things end up in it
BOWL_FLAT: Final = 0.02  # up to here they lie flat on its floor
BOWL_FLOOR: Final = 0.016
BOWL_LEAN: Final = 0.5  # radians a thing leans that was put down at the bowl's origin, 46 mm off the axis
BOWL_RAISE: Final = 0.023  # and how much higher it lies than one that lies flat
TOPPLE: Final = 0.068  # a full block falls over and slides this far past the axis


def pick_and_place(bodies: Sequence[Body], start: Floats, end: Floats, spin: float) -> tuple[Body, ...]:
    """`bodies` once the cup has gone down at `start` (2,), and come down again at `end` (2,) turned by `spin` radians.

    It carries the topmost thing if that is loose, and lets go where the load touches anything. Otherwise nothing moves.
    """
    load = grasped(bodies, start)
    if load is None:
        return settle(bodies)
    x, y = end + turn(spin) @ (load.place - start)
    others = [body for body in bodies if body.id != load.id]
    moved = rest(replace(load, x=float(x), y=float(y), yaw=load.yaw + spin, lean=0.0, toward=0.0), others)
    return settle([moved if body.id == load.id else body for body in bodies])


def grasped(bodies: Sequence[Body], point: Floats) -> Body | None:
    """The body the cup lifts at `point` (2,): the topmost one there, unless it is immovable."""
    best, top = None, -np.inf
    for body in bodies:
        for solid in body.shape.solids:
            height = body.z + solid.z1
            if height > top and _touches(body, solid, point):
                best, top = body, height
    return best if best is not None and best.shape.loose else None


def _touches(body: Body, solid: Solid, point: Floats) -> bool:
    local = turn(-body.yaw) @ (point - body.place)
    if solid.hole is not None and _distance(solid.hole, local) > 0:
        return False
    return _distance(solid.outline, local) >= -REACH


def _distance(outline: Floats, point: Floats) -> float:
    """How far `point` lies inside a convex outline, in metres; negative outside."""
    where = (float(point[0]), float(point[1]))
    return float(cv2.pointPolygonTest(outline.astype(np.float32)[:, None, :], where, measureDist=True))


def settle(bodies: Sequence[Body]) -> tuple[Body, ...]:
    """`bodies` once every loose one has dropped onto what is below it."""
    done: dict[int, Body] = {body.id: body for body in bodies if not body.shape.loose}
    for body in sorted((body for body in bodies if body.shape.loose), key=lambda body: body.z + body.shape.bottom):
        # Only what was already under it can hold it: outlines of neighbours may overlap where hulls fill their notches.
        under = [other for other in done.values() if _below(other, body)]
        done[body.id] = body if _in_bowl(body, under) is not None and body.lean else rest(body, under)
    return tuple(done[body.id] for body in bodies)


def _below(other: Body, body: Body) -> bool:
    return not other.shape.loose or other.z + other.shape.solids[0].z1 <= body.z + body.shape.bottom + 0.006


def rest(body: Body, others: Sequence[Body]) -> Body:
    """`body` lowered onto the highest of `others` under its outline, or onto the table."""
    bowl = _in_bowl(body, others)
    if bowl is not None:
        return _lie_in_bowl(body, bowl)
    hull = body.outline(body.shape.solids[0].outline)
    level = max([TABLE_TOP, *_supports(hull, others)])
    gap = GAP if body.shape.hull else 0.0
    return replace(body, z=level + gap - body.shape.bottom)


def _supports(hull: Floats, others: Sequence[Body]) -> Iterator[float]:
    for other in others:
        gap = GAP if other.shape.hull else 0.0
        for solid in other.shape.solids:
            if overlap(hull, other.outline(solid.outline)) and not _within(hull, other, solid):
                yield other.z + solid.z1 + gap


def overlap(one: Floats, two: Floats) -> bool:
    """Whether two convex outlines (N, 2) share some area."""
    if np.any(one.min(axis=0) > two.max(axis=0)) or np.any(two.min(axis=0) > one.max(axis=0)):
        return False
    # Micrometres around the first corner: OpenCV works in float32.
    shift = one[0]
    area, _ = cv2.intersectConvexConvex(
        ((one - shift) * 1e3).astype(np.float32), ((two - shift) * 1e3).astype(np.float32)
    )
    # OpenCV finds no area between outlines that nearly coincide; then the middle of one lies in the other.
    return bool(area > 1e-2) or _distance(two, one.mean(axis=0)) > 1e-5


def _within(hull: Floats, other: Body, solid: Solid) -> bool:
    if solid.hole is None:
        return False
    local = (hull - other.place) @ turn(other.yaw)
    return all(_distance(solid.hole, point) > 0 for point in local)


def bowl_axis(bowl: Body) -> Floats:
    """Where the visible middle of a bowl is, (x, y)."""
    return np.asarray(bowl.outline(np.array([BOWL_AXIS]))[0])


def _in_bowl(body: Body, others: Sequence[Body]) -> Body | None:
    for other in others:
        if other.shape.name == "bowl" and np.hypot(*(body.place - bowl_axis(other))) < BOWL_REACH:
            return other
    return None


def _lie_in_bowl(body: Body, bowl: Body) -> Body:
    toward = bowl_axis(bowl) - body.place
    away = float(np.hypot(*toward))
    steep = float(np.clip((away - BOWL_FLAT) / (0.046 - BOWL_FLAT), 0.0, 1.0))
    angle = float(np.arctan2(toward[1], toward[0]))
    floor = bowl.z + BOWL_FLOOR + (GAP if body.shape.hull else 0.0) - body.shape.bottom
    if body.shape.name == "block" and steep > 0.5:
        x, y = body.place + TOPPLE * toward / away
        return replace(body, x=float(x), y=float(y), z=bowl.z + 0.055, lean=1.5, toward=angle)
    return replace(body, z=floor + steep * BOWL_RAISE, lean=BOWL_LEAN * steep, toward=angle if steep else 0.0)
