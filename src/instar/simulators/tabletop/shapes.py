"""What things on the table are: their solids, drawn parts, start size and how they may be used, in metres."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from itertools import pairwise
from typing import Final, Literal

import cv2
import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.outlines import FIGURES, LETTERS, Outline, rectangle

Circle = tuple[float, float, float]  # centre x, centre y, radius
UP: Final = 0.9375  # brightness of faces that look up, measured
UPRIGHT: Final = 0.6  # and of faces that stand
KIT_SCALE: Final = 3.3  # texture pictures per metre on letters and flat shapes


@dataclass(frozen=True, eq=False)
class Part:
    """A straight prism: outlines (even-odd, so a second one is a hole) between two heights, with its texture map."""

    z0: float
    z1: float
    edges: Floats  # (K, 4): x1, y1, x2, y2 of straight sides
    spans: Floats  # (K, 2): texture u at both ends of each straight side
    circles: tuple[Circle, ...]
    cap: Floats  # (2, 3): texture (u, v) of a point (x, y, 1) of the top
    scale: float  # texture pictures per metre up a side
    cap_shade: float = UP
    side_shade: float = UPRIGHT
    hole_shade: float = UPRIGHT  # of the insides of round holes

    @cached_property
    def shades(self) -> Floats:
        """Brightness of every side of an upright part: of straight ones, then two to a circle."""
        shades = np.full(len(self.edges) + 2 * len(self.circles), self.side_shade)
        shades[len(self.edges) + 2 :] = self.hole_shade  # of crossed circles the first is the outer one
        return shades

    @cached_property
    def box(self) -> tuple[Floats, Floats]:
        """Its lowest and highest corner (3,)."""
        ends = [self.edges[:, :2], self.edges[:, 2:]]
        circles = np.array(self.circles).reshape(-1, 3)
        flat = np.concatenate([*ends, circles[:, :2] - circles[:, 2:], circles[:, :2] + circles[:, 2:]])
        return np.array([*flat.min(axis=0), self.z0]), np.array([*flat.max(axis=0), self.z1])


@dataclass(frozen=True, eq=False)
class Solid:
    """What the tool and other things touch: a convex prism, with a hole where it is hollow."""

    outline: Floats  # (N, 2), convex
    z0: float
    z1: float
    hole: Floats | None = None  # (M, 2), convex


@dataclass(frozen=True, eq=False)
class Shape:
    """A kind of thing, at its drawn size. Shapes compare by identity; `name` is what people call them."""

    name: str
    nominal: tuple[float, float, float]  # size used for spacing and start height; larger than what is drawn
    parts: tuple[Part, ...]
    solids: tuple[Solid, ...]
    bottom: float  # height of its lowest solid point above the origin
    loose: bool = True  # can be picked up; the others never move
    hull: bool = True  # touches with a one millimetre gap, as mesh hulls do
    symmetry: float = 360.0  # degrees after which it looks the same
    profile: Literal["square", "circle", "other"] = "other"

    @property
    def reach(self) -> float:
        """The diagonal of the nominal footprint."""
        return float(np.hypot(self.nominal[0], self.nominal[1]))

    @cached_property
    def box(self) -> tuple[Floats, Floats]:
        """Lowest and highest corner (3,) of all drawn parts."""
        return extent(self.parts)


@lru_cache(maxsize=256)
def extent(parts: tuple[Part, ...]) -> tuple[Floats, Floats]:
    """Lowest and highest corner (3,) of some parts."""
    low, high = zip(*(part.box for part in parts), strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


def prism(
    outlines: Sequence[Outline], height: tuple[float, float], cap: Floats, scale: float, circles: Sequence[Circle] = ()
) -> Part:
    """A part from outlines, circles and heights in millimetres; sides are unwrapped at `scale` pictures per metre."""
    edges, spans = [], []
    for outline in outlines:
        points = np.array(outline, dtype=np.float64) / 1000
        along = 0.0
        for start, end in pairwise([*points, points[0]]):
            length = float(np.hypot(*(end - start)))
            edges.append([*start, *end])
            spans.append([along * scale, (along + length) * scale])
            along += length
    rounds = tuple((x / 1000, y / 1000, r / 1000) for x, y, r in circles)
    z0, z1 = (z / 1000 for z in height)
    return Part(z0, z1, np.array(edges).reshape(-1, 4), np.array(spans).reshape(-1, 2), rounds, cap, scale)


def flat(scale: float, turn: float = 0.0) -> Floats:
    """A planar texture map of `scale` pictures per metre whose bands change along the direction `turn`, in degrees."""
    c, s = np.cos(np.radians(turn)) * scale, np.sin(np.radians(turn)) * scale
    return np.array([[c, s, 0.5], [-s, c, 0.5]])


def plate(box: Sequence[float], height: tuple[float, float], *, lengthwise_y: bool = False) -> Part:
    """A box [x0, x1, y0, y1] in millimetres, each face showing a quarter of the texture's width and height."""
    x0, x1, y0, y1 = (value / 1000 for value in box)
    u, v = [0.25 / (x1 - x0), 0.0, -0.25 * x0 / (x1 - x0)], [0.0, 0.25 / (y1 - y0), -0.25 * y0 / (y1 - y0)]
    part = prism([rectangle(*box)], height, np.array([v, u] if lengthwise_y else [u, v]), 1.0)
    spans = np.tile([0.0, 0.25], (len(part.edges), 1))
    return replace(part, spans=spans, scale=250.0 / (height[1] - height[0]))


def solid(outline: Sequence[tuple[float, float]], z0: float, z1: float, hole: Outline | None = None) -> Solid:
    """The convex hull of an outline in millimetres, as something to touch."""
    inner = None if hole is None else _hull(hole)
    return Solid(_hull(outline), z0 / 1000, z1 / 1000, inner)


def _hull(outline: Sequence[tuple[float, float]]) -> Floats:
    hull = cv2.convexHull(np.array(outline, dtype=np.float32))[:, 0, :]
    return np.asarray(hull, dtype=np.float64) / 1000


def disc(x: float, y: float, r: float, sides: int = 32) -> Outline:
    """A circle as a polygon, for touching; drawn circles are exact."""
    angles = 2 * np.pi * np.arange(sides) / sides
    return tuple((float(x + r * np.cos(a)), float(y + r * np.sin(a))) for a in angles)


# Which way the bands of a texture change over the top of a shape, degrees from x toward y; the rest is oblique.
_BANDS: Final = dict.fromkeys(LETTERS, 0.0) | dict.fromkeys(
    ("letter T", "cross", "L-shaped block", "heart", "ring", "round"), 90.0
)
_KIT: Final[dict[str, tuple[float, float, float]]] = {  # nominal footprint, height, symmetry
    **dict.fromkeys(LETTERS, (144, 32.7, 360)),
    **dict.fromkeys(FIGURES, (128, 29.1, 360)),
    "letter M": (136, 30.9, 360),
    "cross": (128, 29.1, 180),
    "diamond": (128, 29.1, 180),
    "triangle": (128, 29.1, 120),
    "flower": (144, 32.7, 90),
    "heart": (144, 32.7, 360),
    "hexagon": (0, 32.7, 60),
    "pentagon": (0, 32.8, 72),
    "star": (0, 32.7, 72),
    "ring": (128, 29.1, 0),
    "round": (128, 29.1, 0),
}


@cache
def _kit(name: str) -> Shape:
    size, height, symmetry = _KIT[name]
    outlines = (LETTERS | FIGURES).get(name, ())
    circles = {"ring": ((0, 0, 48), (0, 0, 20.4)), "round": ((0, 0, 48),)}.get(name, ())
    part = prism(outlines, (0, height), flat(KIT_SCALE, _BANDS.get(name, 45.0)), KIT_SCALE, circles)
    touch = solid(outlines[0] if outlines else disc(0, 0, 48), 0, height)
    nominal = (size / 1000, size / 1000, size / 4000)
    round_profile: Literal["circle", "other"] = "circle" if circles else "other"
    return Shape(name, nominal, (part,), (touch,), 0.0, symmetry=symmetry, profile=round_profile)


@cache
def _block(name: str, side: float, height: float) -> Shape:
    half, up = side / 2, height / 2
    part = plate((-half, half, -half, half), (-up, up))
    touch = solid(rectangle(-half, half, -half, half), -up, up)
    nominal = (side / 1000, side / 1000, height / 1000)
    return Shape(name, nominal, (part,), (touch,), -up / 1000, hull=False, symmetry=45.0, profile="square")


_AXIS: Final = (-43.5, 14.4)
BOWL_AXIS: Final = (-0.0435, 0.0144)  # metres: the bowl is turned about an axis that is not its origin
# Outer and inner radius of the bowl from height to height; one step is under two pixels.
_BOWL: Final = (
    (0, 6, 78.5, 0), (6, 14, 80.5, 60), (14, 24, 83, 71), (24, 34, 85.5, 78), (34, 44, 88, 82), (44, 54, 90.8, 86),
    (54, 62, 94, 89), (62, 69, 100, 94),
)  # fmt: skip


@cache
def _bowl() -> Shape:
    parts = []
    for z0, z1, outer, inner in _BOWL:
        circles = [(*_AXIS, outer)] + ([(*_AXIS, inner)] if inner else [])
        # The inner wall gets steeper, so darker, toward the lip; its steps are drawn as one smooth surface.
        shade = UP - (UP - 0.66) * z0 / 62 if inner else UP
        parts.append(replace(prism([], (z0, z1), flat(1.2), 1.2, circles), cap_shade=shade, hole_shade=shade))
    wall = solid(disc(*_AXIS, 100), 0, 69, hole=disc(*_AXIS, 88))
    floor = solid(disc(*_AXIS, 78), 0, 10)
    return Shape("bowl", (0.17, 0.17, 0.0), tuple(parts), (floor, wall), 0.0, loose=False, profile="circle")


@cache
def _frame() -> Shape:
    outlines = [rectangle(-r, r, -r, r) for r in (90, 81)]
    part = prism(outlines, (0, 1.5), flat(1.5), 1.5)
    touch = solid(outlines[0], 0, 1.5)
    return Shape("frame", (0.225, 0.225, 0.0), (part,), (touch,), 0.0, loose=False, symmetry=90.0, profile="square")


@cache
def _square() -> Shape:
    strips = [
        plate((c - 20, c + 20, -100, 100), (-0.5, 0.5), lengthwise_y=True) for c in (-100, 100)
    ] + [plate((-100, 100, c - 20, c + 20), (-0.5, 0.5)) for c in (-100, 100)]  # fmt: skip
    touch = solid(rectangle(-100, 100, -20, 20), -1, 1)
    return Shape(
        "square",
        (0.2, 0.04, 0.001),
        tuple(strips),
        (touch,),
        -0.0005,
        loose=False,
        hull=False,
        symmetry=90.0,
        profile="square",
    )


@cache
def _pallet() -> Shape:
    slots = [rectangle(x, x + 12, y0, y1) for x in (-80, -50, -21, 9, 39, 69) for y0, y1 in ((4, 81), (-80, -4))]
    part = prism([rectangle(-105, 105, -87.5, 87.5), *slots], (-13.1, 13.1), flat(2.2), 2.2)
    touch = solid(rectangle(-105, 105, -87.5, 87.5), -13.1, 13.1)
    return Shape(
        "pallet", (0.21, 0.175, 0.035), (part,), (touch,), -0.0131, loose=False, symmetry=180.0, profile="square"
    )


# The pan's disc from height to height: outer and inner radius, about a centre a millimetre off the origin.
_PAN: Final = ((-13.8, -9, 60, 0), (-9, -3, 67, 58), (-3, 4, 74, 66), (4, 9, 78.5, 74), (9, 16.8, 84.2, 78))
# Its handle rises and gets thinner outward: outline and heights, piece by piece.
_HANDLE: Final = (
    (rectangle(82, 104, -9.3, 15), (-4, 17)),
    (rectangle(104, 128, -8.5, 15.3), (8, 22.5)),
    (rectangle(128, 178, -8.6, 17.4), (14, 27.4)),
    (((178, -6.8), (178, 17), (200, 14.8), (207, 10.2), (208.2, 6), (207, 0), (200, -3.2)), (19, 27.2)),
)


@cache
def _pan() -> Shape:
    rings = [
        prism([], (z0, z1), flat(2.5), 2.5, [(-1, -0.6, outer)] + ([(-1, -0.6, inner)] if inner else []))
        for z0, z1, outer, inner in _PAN
    ]
    handle = [
        prism([outline], heights, flat(2.5), 2.5, [(194, 4.5, 5)] if outline[0][0] == 178 else [])
        for outline, heights in _HANDLE
    ]
    # The hull that is touched has a flat lid over disc and handle.
    touch = solid([*disc(0, 0, 84), *rectangle(82, 208, -8.7, 17.6)], -13.8, 19.5)
    return Shape("pan", (0.16, 0.24, 0.03), (*rings, *handle), (touch,), -0.0138, loose=False, profile="circle")


def container(length: float, width: float) -> Shape:
    """An open box of `length` (x) by `width` (y) metres between the middles of its walls."""
    x, y, low, high = length * 500, width * 500, -22.7, 22.7
    plates = (
        (-x - 1, x + 1, -y - 1, y + 1, low - 1, low + 1),
        *((c - 1, c + 1, -y - 1, y + 1, low, high) for c in (-x, x)),
        *((-x - 1, x + 1, c - 1, c + 1, low, high) for c in (-y, y)),
    )
    parts = [plate(box[:4], box[4:], lengthwise_y=box[1] - box[0] < 3) for box in plates]
    touch = [solid(rectangle(*box[:4]), *box[4:]) for box in plates]
    nominal = (length, width, 0.05)
    return Shape(
        "container",
        nominal,
        tuple(parts),
        tuple(touch),
        -0.0237,
        loose=False,
        hull=False,
        symmetry=90.0,
        profile="square",
    )


def three_sided_rectangle(a: float, b: float) -> Shape:
    """Three strips 40 mm wide around an area of `a` (x of the strips' length) by `b` metres, open toward +y."""
    half_a, half_b = a * 500, b * 500
    strips = [
        plate((-half_b, half_b, -half_a - 20, -half_a + 20), (-0.5, 0.5)),
        *(plate((c - 20, c + 20, -half_a, half_a), (-0.5, 0.5), lengthwise_y=True) for c in (-half_b, half_b)),
    ]
    return Shape("three-sided rectangle", (0.2, 0.2, 0.0), tuple(strips), (), 0.0, loose=False, hull=False)


def line(length: float) -> Shape:
    """A strip `length` (x) by 0.04 metres, lying flat."""
    part = plate((-length * 500, length * 500, -20, 20), (-0.5, 0.5))
    return Shape("line", (0.25, 0.04, 0.001), (part,), (), 0.0, loose=False, hull=False)


_FIXED: Final[Mapping[str, Callable[[], Shape]]] = {
    "bowl": _bowl,
    "frame": _frame,
    "square": _square,
    "pallet": _pallet,
    "pan": _pan,
}
_BLOCKS: Final = {"block": (70, 70), "shorter block": (70, 30), "small block": (30, 30)}


def sample(name: str, rng: np.random.Generator) -> Shape:
    """The shape called `name`; those that come in sizes get one."""
    if name == "container":
        return container(*(float(side) for side in rng.uniform(0.15, 0.17, 2)))
    if name in ("hexagon", "pentagon", "star"):
        x, y, z = (float(side) for side in rng.uniform((0.128, 0.128, 0.032), (0.144, 0.144, 0.036)))
        return replace(_kit(name), nominal=(x, y, z))
    if name in _BLOCKS:
        return _block(name, *_BLOCKS[name])
    return _FIXED[name]() if name in _FIXED else _kit(name)


def scaled(shape: Shape, factors: tuple[float, float, float]) -> Shape:
    """`shape` made larger or smaller along x, y and z: what is drawn and what is touched."""
    fx, fy, fz = factors
    wide = np.array([fx, fy, fx, fy])
    solids = tuple(
        Solid(
            solid.outline * (fx, fy),
            solid.z0 * fz,
            solid.z1 * fz,
            None if solid.hole is None else solid.hole * (fx, fy),
        )
        for solid in shape.solids
    )
    parts = tuple(
        replace(
            part,
            z0=part.z0 * fz,
            z1=part.z1 * fz,
            edges=part.edges * wide,
            circles=tuple((x * fx, y * fy, r * fx) for x, y, r in part.circles),
            cap=part.cap / np.array([fx, fy, 1.0]),
            scale=part.scale / fz,
        )
        for part in shape.parts
    )
    nominal = (shape.nominal[0] * fx, shape.nominal[1] * fy, shape.nominal[2] * fz)
    return replace(shape, parts=parts, solids=solids, nominal=nominal, bottom=shape.bottom * fz)
