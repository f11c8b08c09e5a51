"""Seeing relations: where one object is relative to another, and how that changes. After LLaRA (ICLR 2025).

Where LLaRA's released data misspells an answer or names the wrong axis, the answers here are right.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from instar import markup
from instar.auxiliary.exchange import (
    WORDING_HASH,
    CameraOption,
    CompatOption,
    ReferencesOption,
    WordingOption,
    exchanges,
)
from instar.chat import Conversation
from instar.demo import Box, Episode, View
from instar.grammar import Choice, Fixed, Grammar
from instar.robot import Camera
from instar.wording import drawn_each, fill, wording

STILL: Final = 0.01  # a change of distance that LLaRA calls none, in fractions of the picture


@dataclass(frozen=True)
class _Sides:
    """What is said of a box along one axis, by where its middle and one of its ends are.

    It lies before the other box; before but beyond its far end; behind but beginning before it; behind.
    """

    across: tuple[str, str, str, str]
    down: tuple[str, str, str, str]


_RIGHT: Final = _Sides(
    ("left", "horizontally containing", "horizontally containing", "right"),
    ("top", "vertically containing", "vertically containing", "bottom"),
)
# As in LLaRA's published data: misspelt, and with the wrong axis in one place.
_PUBLISHED: Final = _Sides(
    ("left", "horizontally containig", "horizontally containig", "right"),
    ("top", "vertically containig", "horizontally containig", "bottom"),
)


def _place(sides: _Sides) -> Grammar:
    across, down = (tuple(dict.fromkeys(words)) for words in (sides.across, sides.down))
    return Grammar(
        *(markup.name("ego"), " is ", Choice("horizontal", across), " and ", Choice("vertical", down)),
        *(" from ", markup.name("ref"), " with 2d center distance (x,y) of <d>", markup.pair("dx", "dy", -1, 1)),
        *("</d> and euclidean center distance of <e>", Fixed("distance", markup.DECIMALS, 0, 2), "</e>."),
    )


PLACE: Final = _place(_RIGHT)
PUBLISHED_PLACE: Final = _place(_PUBLISHED)


def _changes(*, minus_zero: bool) -> tuple[Grammar, Grammar, Grammar]:
    """What is said of things that move apart, that come closer, and that do neither."""
    mover, anchor = markup.name("mover"), markup.name("anchor")
    change = Grammar(
        *(" 2d center distance (x,y) of ", markup.name("ego"), " from ", markup.name("ref")),
        *(" changes by <d>", markup.pair("dx", "dy", -2, 2), "</d> and Euclidean center distance between them <e>"),
        *(Fixed("distance", markup.DECIMALS, -2, 2, minus_zero=minus_zero), "</e>."),
    )
    return (
        Grammar(mover, " moves far away from ", anchor, ".", change),
        Grammar(mover, " moves closer to ", anchor, ".", change),
        Grammar("The distance between ", mover, " and ", anchor, " does not change.", change),
    )


AWAY, CLOSER, SAME = _changes(minus_zero=False)
_PUBLISHED_CHANGES: Final = _changes(minus_zero=True)


class Spot(NamedTuple):
    """Where a box begins, has its middle and ends along both axes, and where that middle is in the picture."""

    across: tuple[float, float, float]  # pixels
    down: tuple[float, float, float]
    middle: markup.Place


@dataclass(frozen=True)
class SpatialRelation:
    """spa_rel: where one object is relative to another; one question for every ordered pair in every picture."""

    camera: CameraOption = "front"
    references: ReferencesOption = True
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One for each ordered pair of objects that the camera sees and that are called differently."""
        camera = episode.robot.camera(self.camera)
        if view.t is None and not self.references:
            return
        spots = measured(markup.sight(view.objects, camera).named, camera, compat=self.compat)
        pairs = list(itertools.permutations(spots, 2))
        grammar = PUBLISHED_PLACE if self.compat else PLACE
        answers = [grammar.format(place_values(ego, ref, spots, compat=self.compat)) for ego, ref in pairs]
        questions = _questions(drawn_each(wording(self.wording).spa_rel, rng, len(pairs)), pairs, answers)
        yield from exchanges(view, camera, questions, answers)


@dataclass(frozen=True)
class TemporalRelation:
    """tmp_rel: how the distance between two objects changes; one question for every ordered pair and action."""

    camera: CameraOption = "front"
    wording: WordingOption = ""
    compat: CompatOption = False
    wording_hash = WORDING_HASH

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One for each ordered pair of objects called differently that the camera sees both before and after."""
        camera = episode.robot.camera(self.camera)
        if view.t is None or view.t >= episode.length or view.t + 1 >= len(episode.steps):
            return
        now, later = (
            markup.sight(seen, camera) for seen in (view.objects, episode.steps[view.t + 1].observation.objects)
        )
        before, after = (measured(sight.named, camera) for sight in (now, later))
        pairs = list(itertools.permutations([name for name in before if name in after], 2))
        answers = [self._changed(ego, ref, before, after) for ego, ref in pairs]
        templates = drawn_each(wording(self.wording).tmp_rel, rng, len(pairs))
        scene = {"scene": later.scene} if pairs else {}
        # LLaRA's data have a slash where they should have a backslash.
        gap = "/n" if self.compat else "\n"
        yield from exchanges(view, camera, _questions(templates, pairs, answers, scene), answers, gap)

    def _changed(self, ego: str, ref: str, before: Mapping[str, Spot], after: Mapping[str, Spot]) -> str:
        (x0, y0), (x1, y1) = (_offset(spots[ego], spots[ref]) for spots in (before, after))
        change = math.hypot(x1, y1) - math.hypot(x0, y0)
        away, closer, same = _PUBLISHED_CHANGES if self.compat else (AWAY, CLOSER, SAME)
        grammar = away if change > STILL else closer if change < -STILL else same
        distances = {"dx": x1 - x0, "dy": y1 - y0, "distance": change}
        text = grammar.format({"mover": ref, "anchor": ego, "ego": ego, "ref": ref, **distances})
        return text + ("\n" if self.compat else "")


def measured(boxes: Mapping[str, Box], camera: Camera, *, compat: bool = False) -> dict[str, Spot]:
    """What `place_values` compares, by name."""
    return {
        name: Spot(
            _extent(box.left, box.right, compat=compat),
            _extent(box.top, box.bottom, compat=compat),
            markup.middle(box, camera),
        )
        for name, box in boxes.items()
    }


def place_values(ego: str, ref: str, spots: Mapping[str, Spot], *, compat: bool = False) -> dict[str, Any]:
    """The values of `PLACE`: sides by the boxes, distances from the centre of `ref` to that of `ego`."""
    mine, other = spots[ego], spots[ref]
    dx, dy = _offset(mine, other)
    words = _PUBLISHED if compat else _RIGHT
    across, down = words.across[_side(mine.across, other.across)], words.down[_side(mine.down, other.down)]
    sides = {"horizontal": across, "vertical": down}
    return {"ego": ego, "ref": ref, **sides, "dx": dx, "dy": dy, "distance": math.hypot(dx, dy)}


def _extent(low: int, high: int, *, compat: bool) -> tuple[float, float, float]:
    """Where a box begins, has its middle and ends; LLaRA counts its ends from the middle, half a pixel off at times."""
    middle = (low + high) // 2
    half = (high - low) / 2
    return (middle - half, middle, middle + half) if compat else (low, middle, high)


def _side(mine: tuple[float, float, float], other: tuple[float, float, float]) -> int:
    """Which of `_Sides` holds; extents are low, middle, high."""
    if mine[1] < other[1]:
        return 0 if mine[2] < other[2] else 1
    return 2 if mine[0] < other[0] else 3


def _offset(ego: Spot, ref: Spot) -> markup.Place:
    """From the centre of `ref` to that of `ego`, in fractions of the picture."""
    (x1, y1), (x0, y0) = ego.middle, ref.middle
    return x1 - x0, y1 - y0


def _questions(
    templates: Sequence[str], pairs: Sequence[tuple[str, str]], answers: Sequence[str], more: Mapping[str, str] = {}
) -> list[str]:
    """`templates` about `pairs` of names; each shows as an example the answer about the pair before."""
    tags = {name: markup.NAMED.format({"object": name}) for name in dict(pairs)}  # each is first in some pair
    examples = [answer.removesuffix(".") for answer in (*answers[-1:], *answers[:-1])]
    return [
        fill(template, {**more, "ego": tags[ego], "ref": tags[ref], "example": example})
        for template, (ego, ref), example in zip(templates, pairs, examples, strict=True)
    ]
