"""What becomes of the bodies when the suction cup moves one: kinematics measured in VIMA-Bench's physics."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.balance import CLEAR, LEAST_DROP, STEEPEST, STEEPEST_HIGH, Tilt, shared, tilt
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.shapes import BOWL_AXIS, Solid

TABLE_TOP: Final = -0.001  # metres: things settle a millimetre below the drawn surface
GAP: Final = 0.001  # a mesh hull keeps this distance from what it touches
TOUCH: Final = np.array([0.0005, 0.0001])  # the cup touches first a little beside its middle ...
REACH: Final = 0.00425  # ... and lifts what it passes this far beside, half the time
# How far beside the place it is sent to the arm stops, metres: of 1, x - 0.5, y, (x - 0.5)^2, (x - 0.5) y and y^2.
_MISS: Final = np.array(
    [[0.67, -4.2, -0.77, -7.0, 2.95, -1.1], [0.31, -0.54, -1.58, -0.2, -2.6, -1.74]]
) / 1000  # fmt: skip

BOWL_REACH: Final = 0.088  # distance from the bowl's axis within which things end up in it
BOWL_STEEP: Final = 0.045  # from here on they lean on its wall
BOWL_FLAT: Final = 0.02  # up to here they lie flat on its floor
BOWL_FLOOR: Final = 0.016
BOWL_LEAN: Final = 0.5  # radians a thing leans that was put down at the bowl's origin, 46 mm off the axis
BOWL_RAISE: Final = 0.023  # and how much higher it lies than one that lies flat
PILED: Final = 1.1  # how much higher the next one in a bowl lies, in thicknesses of the one below
EVEN: Final = 0.0015  # tops that differ by less hold a thing together
TOPPLE: Final = 0.068  # a full block falls over and slides this far past the axis


def pick_and_place(bodies: Sequence[Body], start: Floats, end: Floats, spin: float) -> tuple[Body, ...]:
    """`bodies` once the cup has gone down at `start` (2,), and come down again at `end` (2,) turned by `spin` radians.

    It carries the topmost thing if that is loose, and lets go where the load touches anything. Otherwise nothing moves.
    """
    load = grasped(bodies, start)
    if load is None:
        return settle(bodies)
    x, y = reached(end) + turn(spin) @ (load.place - reached(start))
    others = [body for body in bodies if body.id != load.id]
    moved = rest(replace(load, x=float(x), y=float(y), yaw=load.yaw + spin, lean=0.0, toward=0.0), others)
    return settle([moved if body.id == load.id else body for body in bodies])


def reached(point: Floats) -> Floats:
    """Where the arm really comes down that is sent to `point` (2,): within 3 mm, and always the same."""
    x, y = point - (0.5, 0.0)
    return np.asarray(point + _MISS @ (1.0, x, y, x * x, x * y, y * y))


def grasped(bodies: Sequence[Body], point: Floats) -> Body | None:
    """The body the cup lifts that is sent to `point` (2,): the topmost one there, unless it is immovable."""
    best, top, place = None, -np.inf, reached(point) + TOUCH
    for body in bodies:
        for solid in body.shape.solids:
            height = body.z + (solid.z1 if body.lean == 0 else _leaning(body, solid)[:, 2].max())
            if height > top and _touches(body, solid, place):
                best, top = body, height
    return best if best is not None and best.shape.loose else None


def _touches(body: Body, solid: Solid, point: Floats) -> bool:
    if body.lean:
        seen = cv2.convexHull(_leaning(body, solid)[:, :2].astype(np.float32))[:, 0, :]
        return _distance(np.asarray(seen, dtype=np.float64), point - body.place) >= -REACH
    local = turn(-body.yaw) @ (point - body.place)
    if solid.hole is not None and _distance(solid.hole, local) > 0:
        return False
    return _distance(solid.outline, local) >= -REACH


def _leaning(body: Body, solid: Solid) -> Floats:
    """The corners (2 N, 3) of a solid about the body's origin, turned and leaning."""
    flat = solid.outline @ turn(body.yaw).T
    corners = [np.column_stack([flat, np.full(len(flat), z)]) for z in (solid.z0, solid.z1)]
    return np.asarray(np.concatenate(corners) @ body.tilt().T)


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
        done[body.id] = body if body.lean and _still_leans(body, list(done.values())) else rest(body, under)
    return tuple(done[body.id] for body in bodies)


def _still_leans(body: Body, others: Sequence[Body]) -> bool:
    """Whether what a body leaned on is still there."""
    if _in_bowl(body, others) is not None:
        return True
    bottom = body.z + body.shape.bottom
    hull = body.outline(body.shape.solids[0].outline)
    return any(bottom < height for height, _ in _supports(hull, others))


def _below(other: Body, body: Body) -> bool:
    return not other.shape.loose or other.z + other.shape.solids[0].z1 <= body.z + body.shape.bottom + 0.006


def rest(body: Body, others: Sequence[Body]) -> Body:
    """`body` lowered onto the highest of `others` under its outline, or onto the table; it may lean then."""
    bowl = _in_bowl(body, others)
    if bowl is not None:
        return _lie_in_bowl(body, bowl, others)
    hull = body.outline(body.shape.solids[0].outline)
    holds = list(_supports(hull, others))
    level = max([TABLE_TOP, *(height for height, _ in holds)])
    gap = GAP if body.shape.hull else 0.0
    lying = replace(body, z=level + gap - body.shape.bottom, lean=0.0, toward=0.0)
    if level < TABLE_TOP + LEAST_DROP:
        return lying
    held = [area for height, outline in holds if height > level - EVEN and len(area := shared(hull, outline)) > 2]
    if not held:
        return lying
    drop = level - max([TABLE_TOP, *(height for height, _ in holds if height <= level - EVEN)])
    lean = tilt(hull, body.place, held, drop)
    return lying if lean is None else _leaned(lying, lean, drop)


def _leaned(lying: Body, lean: Tilt, drop: float) -> Body:
    """A body that lay level once it has tilted, or has fallen over the edge."""
    # The real models' weight sits at their origin: at the bottom of letters and flat shapes, in the middle of blocks.
    if lean.angle > (STEEPEST if lying.shape.bottom == 0 else STEEPEST_HIGH):
        x, y = lying.place + (lean.back + CLEAR - lean.beside) * lean.way
        return replace(lying, x=float(x), y=float(y), z=lying.z - drop)
    z = lying.z - lean.beside * np.sin(lean.angle)
    return replace(lying, z=float(z), lean=lean.angle, toward=float(np.arctan2(lean.way[1], lean.way[0])))


def _supports(hull: Floats, others: Sequence[Body]) -> Iterator[tuple[float, Floats]]:
    """The tops under a hull: height and outline."""
    for other in others:
        gap = GAP if other.shape.hull else 0.0
        for solid in other.shape.solids:
            outline = other.outline(solid.outline)
            if overlap(hull, outline) and not _within(hull, other, solid):
                yield other.z + solid.z1 + gap, outline


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


def _lie_in_bowl(body: Body, bowl: Body, others: Sequence[Body]) -> Body:
    toward = bowl_axis(bowl) - body.place
    away = float(np.hypot(*toward))
    steep = float(np.clip((away - BOWL_FLAT) / (BOWL_STEEP - BOWL_FLAT), 0.0, 1.0))
    angle = float(np.arctan2(toward[1], toward[0]))
    floor = bowl.z + BOWL_FLOOR + (GAP if body.shape.hull else 0.0) - body.shape.bottom
    below = [other.shape for other in others if other.shape.loose and _in_bowl(other, [bowl])]
    floor += sum(PILED * (shape.solids[0].z1 - shape.solids[0].z0) for shape in below)
    if body.shape.name == "block" and steep > 0.5:
        x, y = body.place + TOPPLE * toward / away
        return replace(body, x=float(x), y=float(y), z=bowl.z + 0.055, lean=1.5, toward=angle)
    return replace(body, z=floor + steep * BOWL_RAISE, lean=BOWL_LEAN * steep, toward=angle if steep else 0.0)
