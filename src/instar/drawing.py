"""Actions, places and traces drawn into pictures: where a tool goes down and lets go, what a reply points at."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike

from instar.demo import Box, Pixels, Point
from instar.marks import Mark, Pixel
from instar.robot import Camera

PICK_AND_PLACE: Final = ("start_x", "start_y", "start_yaw", "end_x", "end_y", "end_yaw")
COLOUR: Final = (255, 40, 160)  # RGB; no texture of VIMA's is magenta
OUTLINE: Final = (255, 255, 255)
DARK: Final = (0, 0, 0)
# RGB, far from each other: of the marks of one picture, one after another.
COLOURS: Final = (COLOUR, (0, 200, 255), (255, 210, 0), (90, 220, 60), (255, 120, 0), (150, 110, 255))
READABLE: Final = 640  # pixels of the longer side from which labels can be read
CLEAR: Final = 384  # and from which a line of points can be followed
EARLY: Final = (0, 200, 255)  # RGB of the first point of a trace; the last is COLOUR
_FINE: Final = 4  # bits of a fraction of a pixel


def draw_action(pixels: Pixels, camera: Camera, action: ArrayLike, names: Sequence[str] = PICK_AND_PLACE) -> Pixels:
    """A copy of `pixels` (H, W, 3) with a ring where `action` starts and an arrow to where it ends.

    `pixels` may be larger than the camera's picture by any factor. `names` are the robot's action dimensions; an action
    that does not go from one point to another, or that is empty, draws nothing.
    """
    drawn = np.array(pixels)
    points = _points(camera, np.asarray(action, dtype=np.float64), names)
    if points is None:
        return drawn
    scale = np.array([drawn.shape[1] / camera.width, drawn.shape[0] / camera.height])
    # Far outside the picture is still a direction, but OpenCV needs coordinates that fit its integers.
    (x0, y0), (x1, y1) = (np.clip(point * scale, -20_000, 20_000).tolist() for point in points)
    start, end = (int(x0), int(y0)), (int(x1), int(y1))
    _arrow(drawn, start, end, COLOUR, max(1, round(drawn.shape[0] / 160)))
    return drawn


def draw_marks(pixels: Pixels, marks: Sequence[Mark]) -> Pixels:
    """A copy of `pixels` (H, W, 3) with the frame, dot or arrow of every mark and what it is called.

    A small picture is magnified by a whole factor, so that what is written can be read; a large one keeps its size.
    """
    longer = max(pixels.shape[:2])
    factor = max(1, -(-READABLE // longer))
    drawn = enlarge(pixels, factor) if factor > 1 else np.array(pixels)
    thickness = max(2, round(max(drawn.shape[:2]) / 400))
    coloured = [(mark, COLOURS[k % len(COLOURS)]) for k, mark in enumerate(marks)]
    for mark, colour in coloured:
        _outline(drawn, mark, factor, colour, thickness)
    taken: list[Box] = []  # labels come last and keep clear of each other where there is room
    for mark, colour in coloured:
        _label(drawn, mark, factor, colour, taken)
    return drawn


def draw_trace(pixels: Pixels, trace: Sequence[Point | None], now: int | None = 0) -> Pixels:
    """A copy of `pixels` (H, W, 3) with a line through the points of `trace`, one a frame, in pixels of the picture.

    It turns from cyan to magenta with time and is broken where there is a gap, None. The point of frame `now`, if it is
    there, has a ring. A small picture is magnified by a whole factor so that the line can be followed.
    """
    factor = max(1, -(-CLEAR // max(pixels.shape[:2])))
    drawn = enlarge(pixels, factor) if factor > 1 else np.array(pixels)
    places = [None if point is None else _exact(point, factor) for point in trace]
    colours = [_shade(k / max(1, len(trace) - 1)) for k in range(len(trace))]
    thickness = max(2, round(max(drawn.shape[:2]) / 200))
    for wider in (2, 0):  # all of the outline first, so that it cuts no line
        for k, (one, other) in enumerate(pairwise(places)):
            if one is not None and other is not None:
                ink = DARK if wider else colours[k]
                cv2.line(drawn, one, other, ink, thickness + wider, cv2.LINE_AA, shift=_FINE)
        for k, place in enumerate(places):
            if place is not None:
                ink = DARK if wider else colours[k]
                cv2.circle(drawn, place, (thickness + wider // 2) << _FINE, ink, cv2.FILLED, cv2.LINE_AA, shift=_FINE)
    here = places[now] if now is not None and 0 <= now < len(places) else None
    if here is not None:
        for ink, width in ((DARK, thickness + 2), (OUTLINE, thickness)):
            cv2.circle(drawn, here, (3 * thickness) << _FINE, ink, width, cv2.LINE_AA, shift=_FINE)
    return drawn


def enlarge(pixels: Pixels, factor: int) -> Pixels:
    """`pixels` with every one a square of `factor` by `factor`."""
    return np.asarray(pixels.repeat(factor, axis=0).repeat(factor, axis=1))


def _arrow(drawn: Pixels, start: Pixel, end: Pixel, colour: tuple[int, int, int], thickness: int) -> None:
    """A ring at `start` and an arrow from there to `end`."""
    # OpenCV's tip is a share of the length; ours is as long on every arrow, and no longer than the arrow.
    tip = min(0.5, 8 * thickness / max(1.0, float(np.hypot(end[0] - start[0], end[1] - start[1]))))
    for paint, width in ((OUTLINE, thickness + 2), (colour, thickness)):
        cv2.circle(drawn, start, 4 * thickness, paint, width, cv2.LINE_AA)
        cv2.arrowedLine(drawn, start, end, paint, width, cv2.LINE_AA, tipLength=tip)


def _outline(drawn: Pixels, mark: Mark, factor: int, colour: tuple[int, int, int], thickness: int) -> None:
    """The frame, dot or arrow of one mark."""
    at = _magnified(mark.at, factor)
    if mark.to is not None:
        _arrow(drawn, at, _magnified(mark.to, factor), colour, thickness)
    elif mark.box is not None:
        corner, opposite = _corners(mark.box, factor)
        for paint, width in ((OUTLINE, thickness + 2), (colour, thickness)):
            cv2.rectangle(drawn, corner, opposite, paint, width)
    else:
        cv2.circle(drawn, at, 3 * thickness + 1, OUTLINE, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(drawn, at, 3 * thickness, colour, cv2.FILLED, cv2.LINE_AA)


def _label(drawn: Pixels, mark: Mark, factor: int, colour: tuple[int, int, int], taken: list[Box]) -> None:
    """What the mark is called, on a ground of its colour; the place it takes is added to `taken`."""
    text = (mark.name or f"{mark.at[0]}, {mark.at[1]}").encode("ascii", "replace").decode()  # OpenCV knows no more
    scale = max(0.5, max(drawn.shape[:2]) / 1600)
    weight = max(1, round(scale * 1.5))
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
    pad = max(2, round(4 * scale))
    size = (width + 2 * pad, height + below + 2 * pad)
    free = [box for box in _places(mark, factor, size, drawn) if not any(_meet(box, other) for other in taken)]
    place = free[0] if free else next(_places(mark, factor, size, drawn))
    taken.append(place)
    cv2.rectangle(drawn, (place.left, place.top), (place.right, place.bottom), colour, cv2.FILLED)
    ink = DARK if np.dot(colour, (0.299, 0.587, 0.114)) > 110 else OUTLINE
    start = (place.left + pad, place.bottom - pad - below + 1)
    cv2.putText(drawn, text, start, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, weight, cv2.LINE_AA)


def _places(mark: Mark, factor: int, size: tuple[int, int], drawn: Pixels) -> Iterator[Box]:
    """Where a label of `size`, across and down, may be: above its mark, below it, beside it; inside the picture."""
    width, height = size
    at = Box(*mark.at, *mark.at) if mark.box is None else mark.box
    (left, top), (right, bottom) = _corners(at, factor)
    gap = height // 2 if mark.box is None else 2
    last = (drawn.shape[1] - width, drawn.shape[0] - height)
    for wanted in (
        (left, top - gap - height),
        (left, bottom + gap),
        (right + gap, top),
        (left - gap - width, top),
        (left, top - gap - 2 * height),
        (left, bottom + gap + height),
    ):
        x, y = (max(0, min(part, most)) for part, most in zip(wanted, last, strict=True))
        yield Box(x, y, x + width - 1, y + height - 1)


def _meet(one: Box, other: Box) -> bool:
    across = one.left <= other.right and other.left <= one.right
    return across and one.top <= other.bottom and other.top <= one.bottom


def _exact(point: Point, factor: int) -> Pixel:
    """A continuous coordinate after `enlarge`, in the fractions that OpenCV counts from the middle of a pixel."""
    u, v = (np.clip(part * factor - 0.5, -20_000, 20_000) * 2**_FINE for part in point)
    return round(float(u)), round(float(v))


def _shade(share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(EARLY, COLOUR, strict=True))
    return red, green, blue


def _magnified(at: Pixel, factor: int) -> Pixel:
    """The middle of a pixel after `enlarge`."""
    return at[0] * factor + factor // 2, at[1] * factor + factor // 2


def _corners(box: Box, factor: int) -> tuple[Pixel, Pixel]:
    """The first and the last pixel of a box after `enlarge`."""
    return (box.left * factor, box.top * factor), ((box.right + 1) * factor - 1, (box.bottom + 1) * factor - 1)


def _points(camera: Camera, action: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    value = dict(zip(names, action.tolist(), strict=False))
    if not {"start_x", "start_y", "end_x", "end_y"} <= value.keys():
        return None
    start, end = camera.project(
        [
            [value["start_x"], value["start_y"], value.get("start_z", 0.0)],
            [value["end_x"], value["end_y"], value.get("end_z", 0.0)],
        ]
    )
    return start, end
