"""What a reply points at in its picture: every box, point and action in it, whatever is written around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from instar import markup
from instar.demo import Box
from instar.grammar import Fixed, Grammar, Maybe, Scan, Space
from instar.robot import Camera

Pixel = tuple[int, int]  # across and down

REACH: Final = 10.0  # pictures; what a reply places further away than that is no place
BEGINNING: Final = re.compile(r"<p>|<b>|Pick up|Sweep")
ENDLESS: Final = re.compile(r"\d{100,}")  # no number of a place or a turn; Python reads none of thousands of digits

# As `markup` writes them, but also beyond the picture, without a name, or without a size.
_NAME: Final = Maybe(markup.name("object"), Space(), "at", Space())
_PLACE: Final = markup.pair("cx", "cy", -REACH, REACH)
_EXTENT: Final = Maybe(
    *(markup.NONE, ",", Space(), "{", markup.NONE, Fixed("w", markup.DECIMALS, 0, REACH), markup.NONE),
    *(",", Space(), Fixed("h", markup.DECIMALS, 0, REACH), markup.NONE, "}"),
)
_SPOT: Final = Grammar(_NAME, "<b>", markup.NONE, _PLACE, _EXTENT, markup.NONE, "</b>")
_ACTIONS: Final = (*markup.moves().values(), *markup.moves(named=False).values())


@dataclass(frozen=True)
class Mark:
    """One thing that a reply points at, in pixels of the picture."""

    name: str  # what it is called; empty where the reply does not say
    at: Pixel  # the middle of a box, a point, or where an action begins
    box: Box | None = None  # the part of it that is inside the picture
    to: Pixel | None = None  # where an action ends


def marks(reply: str, width: int, height: int) -> tuple[Mark, ...]:
    """All that `reply` points at in a picture of `width` by `height` pixels, in its order.

    What makes no sense is passed over, and so is what lies outside of the picture altogether.
    """
    camera = Camera("picture", height, width, ())
    found = (_mark(values, camera) for values in _read(ENDLESS.sub("?", reply)))
    return tuple(mark for mark in found if mark is not None)


def _read(reply: str) -> Iterator[dict[str, Any]]:
    """The values of every action and of every box or point that belongs to none."""
    start = 0
    while (beginning := BEGINNING.search(reply, start)) is not None:
        start = beginning.end()
        for grammar in (*_ACTIONS, _SPOT):
            end, values = next(grammar.read(Scan(reply), beginning.start()), (0, None))
            if values is not None:
                yield values
                start = end
                break


def _mark(values: dict[str, Any], camera: Camera) -> Mark | None:
    name = str(values.get("object", "")).strip()
    if "x0" in values:
        start, end = (_pixel(values[x], values[y], camera) for x, y in (("x0", "y0"), ("x1", "y1")))
        return Mark(name or markup.UNNAMED, start, to=end)
    cx, cy, w, h = (values.get(slot, 0.0) for slot in ("cx", "cy", "w", "h"))
    if abs(cx - 0.5) > (1 + w) / 2 or abs(cy - 0.5) > (1 + h) / 2:
        return None
    return Mark(name, _pixel(cx, cy, camera), markup.box(values, camera) if "w" in values else None)


def _pixel(x: float, y: float, camera: Camera) -> Pixel:
    """The pixel at a place in fractions of the picture, or the one at its border that is nearest."""
    column, row = round(x * camera.width), round(y * camera.height)
    return min(max(column, 0), camera.width - 1), min(max(row, 0), camera.height - 1)
