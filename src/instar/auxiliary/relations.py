"""Seeing relations: where one object is relative to another, and how that changes. After LLaRA (ICLR 2025).

Where LLaRA's released data misspells an answer or names the wrong axis, the answers here are right.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from instar import markup
from instar.auxiliary.exchange import (
    WORDING_HASH,
    CameraOption,
    CompatOption,
    ReferencesOption,
    WordingOption,
    exchange,
)
from instar.chat import Conversation
from instar.demo import Box, Episode, SceneObject, View
from instar.grammar import Choice, Fixed, Grammar
from instar.robot import Camera, Floats
from instar.wording import drawn, fill, wording

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
        boxes = _boxes(view.objects, camera)
        pairs = list(itertools.permutations(boxes, 2))
        grammar = PUBLISHED_PLACE if self.compat else PLACE
        answers = [grammar.format(place_values(ego, ref, boxes, camera, compat=self.compat)) for ego, ref in pairs]
        for k, (ego, ref) in enumerate(pairs):
            values = _slots(ego, ref, answers[k - 1])
            yield exchange(view, camera, fill(drawn(wording(self.wording).spa_rel, rng), values), answers[k])


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
        later = episode.steps[view.t + 1].observation.objects
        before, after = _boxes(view.objects, camera), _boxes(later, camera)
        pairs = list(itertools.permutations([name for name in before if name in after], 2))
        answers = [
            self._changed(ego, ref, _offset(ego, ref, before, camera), _offset(ego, ref, after, camera))
            for ego, ref in pairs
        ]
        for k, (ego, ref) in enumerate(pairs):
            values = _slots(ego, ref, answers[k - 1]) | {"scene": markup.scene(later, camera)}
            question = fill(drawn(wording(self.wording).tmp_rel, rng), values)
            # LLaRA's data have a slash where they should have a backslash.
            yield exchange(view, camera, question, answers[k], gap="/n" if self.compat else "\n")

    def _changed(self, ego: str, ref: str, before: Floats, after: Floats) -> str:
        change = math.hypot(*after) - math.hypot(*before)
        away, closer, same = _PUBLISHED_CHANGES if self.compat else (AWAY, CLOSER, SAME)
        grammar = away if change > STILL else closer if change < -STILL else same
        dx, dy = after - before
        values = {"mover": ref, "anchor": ego, "ego": ego, "ref": ref, "dx": dx, "dy": dy, "distance": change}
        return grammar.format(values) + ("\n" if self.compat else "")


def place_values(
    ego: str, ref: str, boxes: Mapping[str, Box], camera: Camera, *, compat: bool = False
) -> dict[str, Any]:
    """The values of `PLACE`: sides by the boxes, distances from the centre of `ref` to that of `ego`."""
    dx, dy = _offset(ego, ref, boxes, camera)
    mine, other = boxes[ego], boxes[ref]
    across = _side(*(_extent(box.left, box.right, compat=compat) for box in (mine, other)))
    down = _side(*(_extent(box.top, box.bottom, compat=compat) for box in (mine, other)))
    words = _PUBLISHED if compat else _RIGHT
    sides = {"horizontal": words.across[across], "vertical": words.down[down]}
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


def _boxes(objects: Sequence[SceneObject], camera: Camera) -> dict[str, Box]:
    """Boxes by name; of objects that are called the same the last one counts."""
    return {thing.name: thing.boxes[camera.name] for thing in markup.visible(objects, camera)}


def _offset(ego: str, ref: str, boxes: Mapping[str, Box], camera: Camera) -> Floats:
    """From the centre of `ref` to that of `ego` (2,), in fractions of the picture."""
    return markup.centre(boxes[ego], camera) - markup.centre(boxes[ref], camera)


def _slots(ego: str, ref: str, example: str) -> dict[str, str]:
    """What a template mentions; its example is the answer about the pair before, without the full stop."""
    tag = markup.name("object")
    return {
        "ego": tag.format({"object": ego}),
        "ref": tag.format({"object": ref}),
        "example": example.removesuffix("."),
    }
