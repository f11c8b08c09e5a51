"""Find the named object among many, some of them like it, and put it into the vessel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.tasks.everyday import COLORS, THINGS, put, table_with_vessel, thing
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import REAL, pick, several


@dataclass(frozen=True)
class ClutteredScene:
    """Cluttered localisation, a task of LLaRA's real-robot comparisons, in a scene of our own."""

    name: str = "cluttered_scene"
    suites: tuple[str, ...] = (REAL,)
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A vessel, the object, two of its shape, two of its colour and three like it in nothing, close together."""
        del suite
        layout, into = table_with_vessel(rng)
        shape, color = pick(rng, THINGS), pick(rng, COLORS)
        kinds = [(shape, color)]
        kinds += [(shape, other) for other in _more(rng, COLORS, color, 2)]
        kinds += [(other, color) for other in _more(rng, THINGS, shape, 2)]
        kinds += zip(_more(rng, THINGS, shape, 3), _more(rng, COLORS, color, 3), strict=True)
        moved, *others = [layout.drop(thing(name, rng), texture) for name, texture in kinds]
        return put(f"Find the {moved.name} and put it into the {into.shape.name}.", layout, moved, into, others)


def _more(rng: np.random.Generator, names: Sequence[str], but: str, count: int) -> list[str]:
    return several(rng, [name for name in names if name != but], count)
