"""Two pictures give things invented names; put the one into the other by those names."""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from instar.simulators.tabletop.shapes import Shape
from instar.simulators.tabletop.tasks.layout import pair, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing, fair
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, pick

NOUNS: Final = ("dax", "blicket", "wug", "zup")


@dataclass(frozen=True)
class NovelNoun:
    """VIMA-Bench's novel_noun."""

    name: str = "novel_noun"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, and a thing of a third shape."""
        scene = pair(suite, rng)
        base, moved, palette = scene.base, scene.moved, scene.palette
        others = [name for name in palette.shapes if name not in (base.shape.name, moved.shape.name)]
        other = scene.add(pick(rng, list(product(others, palette.textures))))
        rule = Placing((Goal(moved.id, base.x, base.y, base.yaw),), (other.id,))
        nouns = named({"dragged_obj_1": moved.shape, "base_obj": base.shape}, rng)
        return Problem(
            f"{nouns.lesson} Put the {nouns.words['dragged_obj_1']} into the {nouns.words['base_obj']}.",
            tuple(scene.layout.bodies),
            fair(rule, scene.layout.bodies),
            nouns.pictures,
        )


@dataclass(frozen=True)
class Nouns:
    """Invented names of things: the sentences that teach them, and the pictures in these."""

    lesson: str
    words: dict[str, str]  # by slot
    pictures: dict[str, Picture]


def named(things: dict[str, Shape], rng: np.random.Generator) -> Nouns:
    """Different nouns for shapes by slot, told in random order."""
    words = dict(zip(things, (NOUNS[k] for k in rng.permutation(len(NOUNS))), strict=False))
    told = [list(things)[k] for k in rng.permutation(len(things))]
    lesson = " ".join(f"This is a {words[slot]}: {{{slot}}}." for slot in told)
    return Nouns(lesson, words, {slot: plain(things[slot]) for slot in told})


def plain(shape: Shape) -> Picture:
    """A shape in neutral gray, which says nothing of textures."""
    return Picture("object", portrait(shape, "gray"))
