"""Put the named object into the vessel."""

from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.everyday import COLORS, THINGS, put, table_with_vessel
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import REAL, several


@dataclass(frozen=True)
class TargetObject:
    """A task of LLaRA's real-robot comparisons, in a scene of our own."""

    name: str = "target_object"
    suites: tuple[str, ...] = (REAL,)
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A vessel, the object, and three more that share neither its shape nor its colour."""
        del suite
        layout, into = table_with_vessel(rng)
        shapes, colors = (several(rng, names, 4) for names in (THINGS, COLORS))
        moved, *others = [layout.drop(sample(shape, rng), color) for shape, color in zip(shapes, colors, strict=True)]
        return put(f"Put the {moved.name} into the {into.shape.name}.", layout, moved, into, others)
