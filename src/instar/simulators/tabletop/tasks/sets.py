"""Which shapes and textures each level draws from, after VIMA-Bench's partitions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from instar.simulators.tabletop.textures import LIGHT

PLACEMENT: Final = "placement"  # L1: the training sets in new places
COMBINATORIAL: Final = "combinatorial"  # L2: known shapes and textures in new combinations
NOVEL_OBJECT: Final = "novel_object"  # L3: shapes and textures never trained on
SUITES: Final = (PLACEMENT, COMBINATORIAL, NOVEL_OBJECT)

ASYMMETRIC: Final = (
    "letter A", "letter E", "letter G", "letter M", "letter T", "letter V", "heart", "L-shaped block",
)  # fmt: skip
DRAGGED: Final = (*ASYMMETRIC, "block", "cross", "triangle", "flower", "ring", "pentagon")
BASES: Final = ("bowl", "frame", "container", "square")
NOVEL_DRAGGED: Final = ("letter R", "diamond", "hexagon", "round", "star")
NOVEL_BASES: Final = ("pallet", "pan")

FIRST: Final = (  # what training drags
    "red", "green", "yellow", "granite", "polka dot", "tiger", "rainbow", "red and yellow stripe",
    "yellow and green stripe", "red and yellow polka dot", "red and green polka dot", "red and blue polka dot",
    "yellow and blue polka dot", "green and blue polka dot", "red swirl", "green swirl", "red paisley",
    "yellow paisley", "green paisley",
)  # fmt: skip
SECOND: Final = (  # what training drags it into
    "blue", "purple", "cyan", "olive", "tiles", "wooden", "plastic", "checkerboard", "red and blue stripe",
    "yellow and blue stripe", "red and purple stripe", "yellow and purple stripe", "green and purple stripe",
    "blue and purple stripe", "yellow and purple polka dot", "green and purple polka dot",
    "blue and purple polka dot", "purple swirl", "blue swirl", "blue paisley",
)  # fmt: skip
HALF: Final = LIGHT[:24]
OTHER_HALF: Final = LIGHT[24:]


@dataclass(frozen=True)
class Palette:
    """What one level gives to draw from."""

    dragged: tuple[str, ...]
    bases: tuple[str, ...]
    dragged_textures: tuple[str, ...]
    base_textures: tuple[str, ...]

    @property
    def shapes(self) -> tuple[str, ...]:
        """Loose ones and bases."""
        return (*self.dragged, *self.bases)

    @property
    def textures(self) -> tuple[str, ...]:
        """Those of loose things and those of bases."""
        return (*self.dragged_textures, *self.base_textures)


_TEXTURES: Final = {PLACEMENT: (FIRST, SECOND), COMBINATORIAL: (SECOND, FIRST), NOVEL_OBJECT: (HALF, OTHER_HALF)}


def into_base(suite: str) -> Palette:
    """For tasks that put something into a base."""
    novel = suite == NOVEL_OBJECT
    return Palette(NOVEL_DRAGGED if novel else DRAGGED, NOVEL_BASES if novel else BASES, *_TEXTURES[suite])


def without_base(suite: str, shapes: tuple[str, ...] = DRAGGED, novel: tuple[str, ...] = NOVEL_DRAGGED) -> Palette:
    """For tasks without a base."""
    if suite == NOVEL_OBJECT:
        return Palette(novel, (), LIGHT, ())
    return Palette(shapes, (), _TEXTURES[suite][0], ())


Choice = TypeVar("Choice")


def pick(rng: np.random.Generator, choices: Sequence[Choice], but: Sequence[Choice] = ()) -> Choice:
    """One of `choices`, uniformly, that is not in `but`."""
    left = [choice for choice in choices if choice not in but]
    return left[int(rng.integers(len(left)))]
