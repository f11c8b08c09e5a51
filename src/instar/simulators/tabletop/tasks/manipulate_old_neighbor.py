"""Put the pictured object into the pictured base, and then what used to be beside it."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, into_base, pick

Cell = tuple[int, int]  # row and column of the grid
ROWS: Final = (0.375, 0.5, 0.625)  # x
COLUMNS: Final = (-0.25, 0.0)  # y
BASE_PLACE: Final = (0.5, 0.25)
SIDES: Final = {"north": (-1, 0), "south": (1, 0), "west": (0, -1), "east": (0, 1)}  # north is up in the pictures
CELLS: Final = tuple(product(range(len(ROWS)), range(len(COLUMNS))))


@dataclass(frozen=True)
class ManipulateOldNeighbor:
    """VIMA-Bench's manipulate_old_neighbor: where the neighbour was must be remembered."""

    name: str = "manipulate_old_neighbor"
    suites: tuple[str, ...] = SUITES
    allowance: int = 4

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """Five objects in a grid with one empty cell, all different, and a base to the right of them."""
        palette, layout = into_base(suite), Layout(rng)
        wanted = pick(rng, CELLS)
        side = pick(rng, [side for side in SIDES if _beside(wanted, side) in CELLS])
        neighbor = _beside(wanted, side)
        empty = pick(rng, CELLS, but=[wanted, neighbor])
        kinds = list(product(palette.dragged, palette.dragged_textures))
        numbers: dict[Cell, int] = {}
        for cell, kind in zip(CELLS, rng.permutation(len(kinds)), strict=False):
            shape, texture = kinds[kind]
            if cell != empty:
                numbers[cell] = layout.put(sample(shape, rng), texture, ROWS[cell[0]], COLUMNS[cell[1]], 0.0).id
        base = layout.put(sample(pick(rng, palette.bases), rng), pick(rng, palette.base_textures), *BASE_PLACE, 0.0)
        goals = (
            Goal(numbers[wanted], base.x, base.y, base.yaw),
            Goal(numbers[neighbor], base.x, base.y, base.yaw, stage=1, in_turn=True),
        )
        others = tuple(number for cell, number in numbers.items() if cell not in (wanted, neighbor))
        moved = next(body for body in layout.bodies if body.id == numbers[wanted])
        return Problem(
            f"First, put the {{dragged_obj}} into the {{base_obj}}; then put the object that was previously to its "
            f"{side} into the same one.",
            tuple(layout.bodies),
            Placing(goals, others),
            {
                "dragged_obj": Picture("object", portrait(moved.shape, moved.texture)),
                "base_obj": Picture("object", portrait(base.shape, base.texture)),
            },
        )


def _beside(cell: Cell, side: str) -> Cell:
    return cell[0] + SIDES[side][0], cell[1] + SIDES[side][1]
