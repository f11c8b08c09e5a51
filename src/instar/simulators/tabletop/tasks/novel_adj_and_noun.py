"""Pictures teach two invented nouns and an invented comparative; put the one that fits into the other."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, hollow
from instar.simulators.tabletop.tasks.novel_adj import adjective_of, put_pair
from instar.simulators.tabletop.tasks.novel_noun import named
from instar.simulators.tabletop.tasks.placing import fair
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sets import NOVEL_TASK, pick, with_adjective

EXTRAS: Final = 2  # things of other shapes


@dataclass(frozen=True)
class NovelAdjAndNoun:
    """VIMA-Bench's novel_adj_and_noun."""

    name: str = "novel_adj_and_noun"
    suites: tuple[str, ...] = (NOVEL_TASK,)
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, its opposite, and two things of other shapes."""
        palette, layout = with_adjective(suite), Layout(rng)
        adjective = adjective_of(palette, rng)
        pair = put_pair(layout, palette, adjective)
        for _ in range(EXTRAS):
            name = pick(rng, palette.shapes, but=(pair.base.shape.name, pair.shape.name))
            away = hollow([pair.base]) if name in palette.dragged else ()
            layout.drop(sample(name, rng), pick(rng, palette.textures), away=away)
        nouns = named({"dragged_obj": pair.shape, "base_obj": pair.base.shape}, rng)
        return Problem(
            f"{nouns.lesson} {adjective.lesson} "
            f"Put into the {nouns.words['base_obj']} whichever {nouns.words['dragged_obj']} is {adjective.wanted}.",
            tuple(layout.bodies),
            fair(pair.rule(layout.bodies[2:]), layout.bodies),
            {**nouns.pictures, **adjective.pictures},
        )
