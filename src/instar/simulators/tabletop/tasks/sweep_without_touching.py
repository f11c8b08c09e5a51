"""Sweep some pictured blocks into a pictured area, around a pictured line that bars its opening."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import NOVEL_TASK
from instar.simulators.tabletop.tasks.sweep_without_exceeding import Ground, swept
from instar.simulators.tabletop.tasks.sweeping import Area, Point

# VIMA-Bench's demonstrator goes to the side, past the line, and in; ours leaves out what it can.
SIDE: Final = (0.623, 0.194)
PAST: Final = (0.37, 0.194)


def _ways() -> tuple[tuple[Point, ...], ...]:
    """Straight in, past the line on either side, and to the side first."""
    around = [(SIDE, PAST), (_mirrored(SIDE), _mirrored(PAST))]
    return ((), *(way[1:] for way in around), *around)


def _mirrored(place: Point) -> Point:
    return place[0], -place[1]


GROUND: Final = Ground(
    (0.172, 0.30), 0.39, 0.1875, 0.496, Area((0.304, -0.15), (0.476, 0.15)), spread=0.18, ways=_ways()
)


@dataclass(frozen=True)
class SweepWithoutTouching:
    """VIMA-Bench's sweep_without_touching."""

    name: str = "sweep_without_touching"
    suites: tuple[str, ...] = (NOVEL_TASK,)
    allowance: int = 14

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """The area, the line before it, and two groups of as many blocks."""
        return swept(
            suite, rng, GROUND, "Without touching {{constraint}}, sweep {amount} {{swept_obj}} into {{bounds}}."
        )
