"""Which shapes and textures each level draws from, after VIMA-Bench's partitions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np

from instar.simulators.tabletop.textures import LIGHT, TWINS

PLACEMENT: Final = "placement"  # L1: the training sets in new places
COMBINATORIAL: Final = "combinatorial"  # L2: known shapes and textures in new combinations
NOVEL_OBJECT: Final = "novel_object"  # L3: shapes never trained on, in any texture
NOVEL_TASK: Final = "novel_task"  # L4: tasks never trained on, with all shapes and textures
SUITES: Final = (PLACEMENT, COMBINATORIAL, NOVEL_OBJECT)  # of the tasks that are trained on
LEVELS: Final = (*SUITES, NOVEL_TASK)
REAL: Final = "real"  # tasks of LLaRA's real-robot comparisons, for studies of transfer; no level of VIMA-Bench
EVERY_SUITE: Final = (*LEVELS, REAL)

ASYMMETRIC: Final = (
    "letter A", "letter E", "letter G", "letter M", "letter T", "letter V", "heart", "L-shaped block",
)  # fmt: skip
DRAGGED: Final = (*ASYMMETRIC, "block", "cross", "triangle", "flower", "ring", "pentagon")
BASES: Final = ("bowl", "frame", "container", "square")
NOVEL_DRAGGED: Final = ("letter R", "diamond", "hexagon", "round", "star")
NOVEL_BASES: Final = ("pallet", "pan")
KIT: Final = (*(name for name in DRAGGED if name != "block"), *NOVEL_DRAGGED)  # letters and flat shapes
EVERY_BASE: Final = (*BASES, *NOVEL_BASES)

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


def twinned(names: Sequence[str]) -> tuple[str, ...]:
    """Those of `names` that have a dark twin, each followed by it."""
    return tuple(shade for name in names if name in TWINS for shade in (name, f"dark {name}"))


FIRST_TWINS: Final = twinned(FIRST)
SECOND_TWINS: Final = twinned(SECOND)
EVERY_TWIN: Final = twinned(LIGHT)


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


_TEXTURES: Final = {
    PLACEMENT: (FIRST, SECOND),
    COMBINATORIAL: (SECOND, FIRST),
    NOVEL_OBJECT: (HALF, OTHER_HALF),
    NOVEL_TASK: (HALF, OTHER_HALF),
}
_TWINS: Final = {
    PLACEMENT: FIRST_TWINS,
    COMBINATORIAL: SECOND_TWINS,
    NOVEL_OBJECT: EVERY_TWIN,
    NOVEL_TASK: EVERY_TWIN,
}
_SHAPES: Final = {
    PLACEMENT: (DRAGGED, BASES),
    COMBINATORIAL: (DRAGGED, BASES),
    NOVEL_OBJECT: (NOVEL_DRAGGED, NOVEL_BASES),
    NOVEL_TASK: (KIT, EVERY_BASE),
}


def into_base(suite: str) -> Palette:
    """For tasks that put something into a base."""
    return Palette(*_SHAPES[suite], *_TEXTURES[suite])


def with_adjective(suite: str) -> Palette:
    """For tasks that tell things apart by height or by lightness: no blocks, and loose textures come with twins."""
    palette = into_base(suite)
    flat = tuple(name for name in palette.dragged if name != "block")
    return replace(palette, dragged=flat, dragged_textures=_TWINS[suite])


def without_base(suite: str, shapes: tuple[str, ...] = DRAGGED, novel: tuple[str, ...] = NOVEL_DRAGGED) -> Palette:
    """For tasks without a base."""
    if suite == NOVEL_TASK:
        return Palette((*KIT, "block"), (), LIGHT, ())
    if suite == NOVEL_OBJECT:
        return Palette(novel, (), LIGHT, ())
    return Palette(shapes, (), _TEXTURES[suite][0], ())


Choice = TypeVar("Choice")


def several(rng: np.random.Generator, choices: Sequence[Choice], count: int) -> list[Choice]:
    """So many different ones of `choices`, in random order."""
    return [choices[k] for k in rng.permutation(len(choices))[:count]]


def pick(rng: np.random.Generator, choices: Sequence[Choice], but: Sequence[Choice] = ()) -> Choice:
    """One of `choices`, uniformly, that is not in `but`."""
    left = [choice for choice in choices if choice not in but]
    return left[int(rng.integers(len(left)))]
