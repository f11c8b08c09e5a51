"""Three pairs of pictures teach an invented comparative; put the thing it fits into a base."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import Shape, sample, scaled
from instar.simulators.tabletop.tasks.layout import Layout, drop_base, hollow, portrait
from instar.simulators.tabletop.tasks.novel_noun import plain
from instar.simulators.tabletop.tasks.placing import Goal, Placing, fair
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, Palette, pick, with_adjective

ADJECTIVES: Final = ("daxer", "blicker", "modier", "kobar")
PAIRS: Final = 3  # of pictures that teach the adjective
LOW: Final = (0.3, 0.4)  # how high the lower of two things is, in its usual heights ...
RISE: Final = 2.0  # ... and how much more the higher one


@dataclass(frozen=True)
class NovelAdj:
    """VIMA-Bench's novel_adj."""

    name: str = "novel_adj"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, and its opposite."""
        palette, layout = with_adjective(suite), Layout(rng)
        adjective = adjective_of(palette, rng)
        pair = put_pair(layout, palette, adjective)
        return Problem(
            f"{adjective.lesson} Put into {{base_obj}} whichever {{dragged_obj}} is {adjective.wanted}.",
            tuple(layout.bodies),
            fair(pair.rule([pair.opposite]), layout.bodies),
            {**adjective.pictures, "dragged_obj": plain(pair.shape), "base_obj": plain(pair.base.shape)},
        )


@dataclass(frozen=True)
class Look:
    """How a thing looks that has, or lacks, what an adjective says."""

    tall: float = 1.0  # times its usual height
    dark: bool | None = None  # None is whatever its texture is

    def shape(self, usual: Shape) -> Shape:
        """`usual`, higher or lower."""
        return usual if self.tall == 1.0 else scaled(usual, (1.0, 1.0, self.tall))

    def texture(self, usual: str) -> str:
        """`usual` or its twin."""
        if self.dark is None:
            return usual
        light = usual.removeprefix("dark ")
        return f"dark {light}" if self.dark else light


@dataclass(frozen=True, eq=False)
class Adjective:
    """What an invented comparative means in one episode, and how it is taught."""

    wanted: str  # the words that say which one to take
    right: Look  # of the thing they fit
    wrong: Look  # of its opposite
    lesson: str
    pictures: dict[str, Picture]


def adjective_of(palette: Palette, rng: np.random.Generator) -> Adjective:
    """An adjective that means a height or a lightness, shown by pairs of things from `palette`."""
    word, less = pick(rng, ADJECTIVES), rng.random() < 0.5
    more, fewer = _looks(rng)
    pictures: dict[str, Picture] = {}
    for k in range(1, PAIRS + 1):
        shape, texture = sample(pick(rng, palette.dragged), rng), pick(rng, palette.dragged_textures)
        for slot, look in ((f"demo_blicker_obj_{k}", more), (f"demo_less_blicker_obj_{k}", fewer)):
            pictures[slot] = Picture("object", portrait(look.shape(shape), look.texture(texture)))
    shown = (f"{{demo_blicker_obj_{k}}} is {word} than {{demo_less_blicker_obj_{k}}}" for k in range(1, PAIRS + 1))
    right, wrong = (fewer, more) if less else (more, fewer)
    return Adjective(f"less {word}" if less else word, right, wrong, f"See how {', '.join(shown)}.", pictures)


def _looks(rng: np.random.Generator) -> tuple[Look, Look]:
    """What "more" and "less" look like: by height or by lightness, either way round."""
    low = float(rng.uniform(*LOW))
    one, two = (Look(tall=low), Look(tall=low + RISE)) if rng.random() < 0.5 else (Look(dark=False), Look(dark=True))
    return (one, two) if rng.random() < 0.5 else (two, one)


@dataclass(frozen=True, eq=False)
class Pair:
    """A base on the table, the thing that belongs into it, and its opposite."""

    base: Body
    moved: Body
    opposite: Body
    shape: Shape  # of both, at its usual height

    def rule(self, others: Sequence[Body]) -> Placing:
        """The thing into the base, and nothing of `others`."""
        goal = Goal(self.moved.id, self.base.x, self.base.y, self.base.yaw)
        return Placing((goal,), tuple(other.id for other in others))


def put_pair(layout: Layout, palette: Palette, adjective: Adjective) -> Pair:
    """Add a base, a thing that fits the adjective, and its opposite."""
    rng = layout.rng
    base = drop_base(layout, palette)
    shape, texture = sample(pick(rng, palette.dragged), rng), pick(rng, palette.dragged_textures)
    moved, opposite = (
        layout.drop(look.shape(shape), look.texture(texture), away=hollow([base]))
        for look in (adjective.right, adjective.wrong)
    )
    return Pair(base, moved, opposite, shape)
