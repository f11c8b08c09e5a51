"""Put the object with the colour of the vessel into it."""

from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.everyday import COLORS, THINGS, put, table_with_vessel
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import REAL, pick, several


@dataclass(frozen=True)
class ColorMatch:
    """A task of LLaRA's real-robot comparisons, in a scene of our own."""

    name: str = "color_match"
    suites: tuple[str, ...] = (REAL,)
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A vessel, an object in its colour, and three in three others."""
        del suite
        colors = several(rng, COLORS, 4)
        layout, into = table_with_vessel(rng, colors[0])
        moved, *others = [layout.drop(sample(pick(rng, THINGS), rng), color) for color in colors]
        kind = into.shape.name
        return put(f"Put the object that has the same colour as the {kind} into it.", layout, moved, into, others)
