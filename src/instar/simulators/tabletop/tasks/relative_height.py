"""Put the tallest or the shortest of three objects into the vessel."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.shapes import sample, scaled
from instar.simulators.tabletop.tasks.everyday import COLORS, FLAT, put, table_with_vessel
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import REAL, pick, several

HEIGHTS: Final = ((0.5, 0.7), (1.1, 1.3), (1.9, 2.2))  # in the shape's usual height of about 3 cm


@dataclass(frozen=True)
class RelativeHeight:
    """A task of LLaRA's real-robot comparisons, in a scene of our own."""

    name: str = "relative_height"
    suites: tuple[str, ...] = (REAL,)
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A vessel, and three objects of one shape in three heights and three colours."""
        del suite
        layout, into = table_with_vessel(rng)
        shape = sample(pick(rng, FLAT), rng)
        heights = [float(rng.uniform(*span)) for span in HEIGHTS]
        word = pick(rng, ("shortest", "tallest"))
        wanted = heights[0] if word == "shortest" else heights[-1]
        colors = several(rng, COLORS, 3)
        moved, *others = [
            layout.drop(scaled(shape, (1.0, 1.0, height)), color)
            for height, color in zip([wanted, *(h for h in heights if h != wanted)], colors, strict=True)
        ]
        return put(f"Put the {word} {shape.name} into the {into.shape.name}.", layout, moved, into, others)
