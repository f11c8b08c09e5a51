"""Stack the objects in the order of three pictures."""

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import FIRST_SCENE_ID, Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, pick, without_base

PLACES: Final = ((0.5, -0.25), (0.5, 0.0), (0.5, 0.25))
Piles = tuple[tuple[Body, ...], ...]  # by place, from below
Steps = tuple[tuple[int, int], ...]  # from which place to which


@dataclass(frozen=True)
class FollowOrder:
    """VIMA-Bench's follow_order: two moves, each of which must be right."""

    name: str = "follow_order"
    suites: tuple[str, ...] = SUITES
    allowance: int = 4

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """Three objects of one shape in a row, and one of another shape that plays no part."""
        palette, layout = without_base(suite), Layout(rng)
        shape = sample(pick(rng, palette.dragged), rng)
        textures: list[str] = []
        for x, y in PLACES:
            textures.append(pick(rng, palette.dragged_textures, but=textures))
            layout.put(shape, textures[-1], x, y, 0.0)
        piles: Piles = tuple((body,) for body in layout.bodies)
        layout.drop(sample(pick(rng, palette.dragged, but=[shape.name]), rng), pick(rng, palette.dragged_textures))
        goals, frames = [], [_frame(piles)]
        for source, target in pick(rng, _sequences((1, 1, 1), 2)):
            goals.append(Goal(piles[source][-1].id, *PLACES[target], 0.0))
            piles = _moved(piles, source, target)
            frames.append(_frame(piles))
        return Problem(
            "Stack objects in this order: {frame_0} {frame_1} {frame_2}.",
            tuple(layout.bodies),
            Placing(tuple(goals), ordered=True),
            {f"frame_{k}": frame for k, frame in enumerate(frames)},
        )


def _sequences(heights: tuple[int, ...], moves: int) -> list[Steps]:
    """Every sequence of moves of the top of one pile onto another place."""
    if moves == 0:
        return [()]
    found: list[Steps] = []
    for source, target in permutations(range(len(heights)), 2):
        if heights[source]:
            after = tuple(h - (k == source) + (k == target) for k, h in enumerate(heights))
            found += [((source, target), *rest) for rest in _sequences(after, moves - 1)]
    return found


def _moved(piles: Piles, source: int, target: int) -> Piles:
    top = piles[source][-1]
    return tuple(pile[:-1] if k == source else (*pile, top) if k == target else pile for k, pile in enumerate(piles))


def _frame(piles: Piles) -> Picture:
    """The piles as a picture, each object at the height that its nominal size gives."""
    bodies: list[Body] = []
    for (x, y), pile in zip(PLACES, piles, strict=True):
        for k, body in enumerate(pile):
            z = (2 * k + 1) * body.shape.nominal[2] / 2
            bodies.append(replace(body, id=FIRST_SCENE_ID + len(bodies), x=x, y=y, z=z, yaw=0.0))
    return Picture("scene", tuple(bodies))
