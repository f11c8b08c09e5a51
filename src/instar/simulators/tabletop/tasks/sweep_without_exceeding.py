"""Sweep some pictured blocks into a pictured area without passing a pictured line."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.shapes import line, sample, scaled, three_sided_rectangle
from instar.simulators.tabletop.tasks.layout import Layout, portrait
from instar.simulators.tabletop.tasks.problem import FIRST_ID, Picture, Problem
from instar.simulators.tabletop.tasks.sets import COMBINATORIAL, PLACEMENT, into_base, pick
from instar.simulators.tabletop.tasks.sweeping import Area, Point, Sweeping

CORNERS: Final = ((0.57, -0.22), (0.58, 0.03))  # where the two groups of blocks begin
SPREAD: Final = 0.18  # how far beyond its corner a block may be, along x and y
ACROSS: Final = float(-np.pi / 2)  # the yaw of the area and of the line
MAGNIFIED: Final = (7.0, 7.0, 7.0)  # small blocks are shown larger in their picture


@dataclass(frozen=True)
class Ground:
    """Where blocks should go and where not: an area of three strips and a line, both across the table, in metres."""

    area: tuple[float, float]  # inner size along x and y
    area_x: float
    line: float  # its length
    line_x: float
    zone: Area  # a block in here counts as in the area
    spread: float  # of the blocks that should stay outside
    ways: tuple[tuple[Point, ...], ...] = ((),)  # of the expert


@dataclass(frozen=True)
class SweepWithoutExceeding:
    """VIMA-Bench's sweep_without_exceeding; there are no novel objects to sweep."""

    name: str = "sweep_without_exceeding"
    suites: tuple[str, ...] = (PLACEMENT, COMBINATORIAL)
    allowance: int = 8

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """The area, the line, and two groups of as many blocks."""
        stop = float(rng.uniform(0.3425, 0.437))
        ground = Ground((0.27, 0.27), 0.41, 0.3375, stop, Area((stop + 0.035, -0.135), (0.560, 0.135)), spread=0.09)
        return swept(
            suite, rng, ground, "Sweep {amount} {{swept_obj}} into {{bounds}} without exceeding {{constraint}}."
        )


def swept(suite: str, rng: np.random.Generator, ground: Ground, text: str) -> Problem:
    """Two groups of as many blocks, one of which is to be swept; `text` has a place for the `amount`."""
    palette, layout = into_base(suite), Layout(rng, FIRST_ID["spatula"])
    outline, stripe = three_sided_rectangle(*ground.area), line(ground.line)
    area = layout.put(outline, pick(rng, palette.base_textures), ground.area_x, 0.0, ACROSS)
    limit = layout.put(stripe, pick(rng, palette.base_textures, but=[area.texture]), ground.line_x, 0.0, ACROSS)
    count = int(rng.choice((1, 2, 3), p=(0.5, 0.25, 0.25)))
    wanted = pick(rng, palette.dragged_textures)
    corners = [CORNERS[k] for k in rng.permutation(2)]
    targets = _group(layout, wanted, corners[0], count, SPREAD)
    other = pick(rng, palette.dragged_textures, but=[wanted])
    others = _group(layout, other, corners[1], count, ground.spread)
    word, asked = _amount(count, rng)
    forbidden = Area((ground.line_x - 0.02, -ground.line / 2), (ground.line_x + 0.02, ground.line / 2))
    return Problem(
        text.format(amount=word),
        tuple(layout.bodies),
        Sweeping(targets, others, asked, ground.zone, forbidden, ground.ways),
        {
            "swept_obj": Picture("object", portrait(scaled(sample("small block", rng), MAGNIFIED), wanted)),
            "bounds": Picture("object", portrait(area.shape, area.texture)),
            "constraint": Picture("object", portrait(stripe, limit.texture)),
        },
        tool="spatula",
    )


def _group(layout: Layout, texture: str, corner: tuple[float, float], count: int, spread: float) -> tuple[int, ...]:
    """`count` small blocks somewhere beyond a corner, as far as `spread`; they may overlap."""
    numbers = []
    for _ in range(count):
        x, y = np.array(corner) + layout.rng.uniform(0.0, spread, 2)
        block = sample("small block", layout.rng)
        yaw = float(layout.rng.uniform(0, 2 * np.pi))
        numbers.append(layout.put(block, texture, min(float(x), 0.75), float(y), yaw).id)
    return tuple(numbers)


def _amount(count: int, rng: np.random.Generator) -> tuple[str, int]:
    """A word for how many blocks, and the number it means."""
    words = [("any", 1), ("one", 1), ("two", 2), ("three", 3)]
    return pick(rng, [word for word in words if word[1] <= count] + [("all", count)])
