"""What the suite `real` is made of: plain colours, and things that are named in words and not by pictures."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import Shape, sample
from instar.simulators.tabletop.tasks.layout import Layout
from instar.simulators.tabletop.tasks.placing import Goal, Placing, fair
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import pick

COLORS: Final = ("red", "green", "blue", "yellow", "purple", "orange", "pink", "cyan")
VESSELS: Final = ("bowl", "container", "pan")
FLAT: Final = (
    "letter A", "letter E", "letter G", "letter M", "letter R", "letter T", "letter V", "L-shaped block", "cross",
    "diamond", "triangle", "flower", "heart", "hexagon", "pentagon", "star", "ring", "round",
)  # fmt: skip
THINGS: Final = (*FLAT, "block")


def table_with_vessel(rng: np.random.Generator, color: str = "") -> tuple[Layout, Body]:
    """A table with something to put things into, in `color` or any."""
    layout = Layout(rng)
    return layout, layout.drop(sample(pick(rng, VESSELS), rng), color or pick(rng, COLORS))


def thing(name: str, rng: np.random.Generator) -> Shape:
    """A shape that may stand close to others: as near as its drawn size allows."""
    shape = sample(name, rng)
    return shape if name == "block" else replace(shape, nominal=(0.11, 0.11, shape.nominal[2]))


def put(text: str, layout: Layout, moved: Body, into: Body, others: Sequence[Body]) -> Problem:
    """`moved` into `into`, and none of `others`. Raises NoRoomError where one of them is in the way."""
    rule = Placing((Goal(moved.id, into.x, into.y, into.yaw),), tuple(other.id for other in others))
    return Problem(text, tuple(layout.bodies), fair(rule, layout.bodies))
