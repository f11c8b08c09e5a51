"""Rotate the pictured object clockwise by an angle."""

from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import ASYMMETRIC, SUITES, pick, without_base


@dataclass(frozen=True)
class Rotate:
    """VIMA-Bench's rotate."""

    name: str = "rotate"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """An object and another one in another texture."""
        palette, layout = without_base(suite, ASYMMETRIC, ("letter R",)), Layout(rng)
        moved = layout.drop(sample(pick(rng, palette.dragged), rng), pick(rng, palette.dragged_textures))
        texture = pick(rng, palette.dragged_textures, but=[moved.texture])
        other = layout.drop(sample(pick(rng, palette.dragged), rng), texture)
        degrees = pick(rng, (30, 60, 90, 120, 150))
        goal = Goal(moved.id, moved.x, moved.y, moved.yaw - float(np.radians(degrees)), turned=True)
        return Problem(
            f"Rotate the {{dragged_obj}} by {degrees} degrees.",
            tuple(layout.bodies),
            Placing((goal,), (other.id,)),
            {"dragged_obj": Picture("object", portrait(moved.shape, moved.texture))},
        )
