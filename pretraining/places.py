"""What lies where in a picture: in which direction from a thing, and in the way of what."""

from collections.abc import Sequence
from typing import Final

from instar.demo import Box
from instar.embodiments.vima import FRONT
from pretraining.scenes import Thing

SIDES: Final = {"north": (0, -1), "south": (0, 1), "west": (-1, 0), "east": (1, 0)}  # in pixels to the right and down


def on_side(thing: Thing, things: Sequence[Thing], side: tuple[int, int]) -> list[Thing]:
    """What lies more in a direction than beside it, the nearest first; what lies askew counts as farther away."""
    x, y = (thing.box.left + thing.box.right) / 2, (thing.box.top + thing.box.bottom) / 2
    found = []
    for other in things:
        dx, dy = (other.box.left + other.box.right) / 2 - x, (other.box.top + other.box.bottom) / 2 - y
        ahead, aside = dx * side[0] + dy * side[1], abs(dx * side[1]) + abs(dy * side[0])
        if ahead > aside:
            found.append((ahead + 2 * aside, other.number, other))
    return [other for _, _, other in sorted(found, key=lambda row: row[:2])]


def within(box: Box, things: Sequence[Thing]) -> list[Thing]:
    """Those whose boxes share something with this one."""
    return [
        thing
        for thing in things
        if thing.box.left < box.right
        and box.left < thing.box.right
        and thing.box.top < box.bottom
        and box.top < thing.box.bottom
    ]


def inside(box: Box) -> bool:
    """Whether a box is within the picture."""
    return min(box.left, box.top, FRONT.width - box.right, FRONT.height - box.bottom) >= 0
