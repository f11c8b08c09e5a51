"""Seeing relations: where one object is relative to another, and how that changes. After LLaRA (ICLR 2025).

Where LLaRA's released data misspells an answer or names the wrong axis, the answers here are right.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import numpy as np
from typing_extensions import Doc

from instar import markup
from instar.auxiliary.exchange import exchange
from instar.chat import Conversation
from instar.demo import Box, Episode, SceneObject, View
from instar.grammar import Choice, Fixed, Grammar
from instar.robot import Camera, Floats
from instar.wording import drawn, fill, wording

HORIZONTAL: Final = ("left", "horizontally containing", "right")
VERTICAL: Final = ("top", "vertically containing", "bottom")
STILL: Final = 0.01  # a change of distance that LLaRA calls none, in fractions of the picture

PLACE: Final = Grammar(
    *(markup.name("ego"), " is ", Choice("horizontal", HORIZONTAL), " and ", Choice("vertical", VERTICAL)),
    *(" from ", markup.name("ref"), " with 2d center distance (x,y) of <d>", markup.pair("dx", "dy", -1, 1)),
    *("</d> and euclidean center distance of <e>", Fixed("distance", markup.DECIMALS, 0, 2), "</e>."),
)

_CHANGE: Final = Grammar(
    *(" 2d center distance (x,y) of ", markup.name("ego"), " from ", markup.name("ref")),
    *(" changes by <d>", markup.pair("dx", "dy", -2, 2), "</d> and Euclidean center distance between them <e>"),
    *(Fixed("distance", markup.DECIMALS, -2, 2), "</e>."),
)
AWAY: Final = Grammar(markup.name("mover"), " moves far away from ", markup.name("anchor"), ".", _CHANGE)
CLOSER: Final = Grammar(markup.name("mover"), " moves closer to ", markup.name("anchor"), ".", _CHANGE)
SAME: Final = Grammar(
    "The distance between ", markup.name("mover"), " and ", markup.name("anchor"), " does not change.", _CHANGE
)


@dataclass(frozen=True)
class SpatialRelation:
    """spa_rel: where one object is relative to another; one question for every ordered pair in every picture."""

    camera: Annotated[str, Doc("the camera that the question is about")] = "front"
    references: Annotated[bool, Doc("ask about reference pictures too; LLaRA's limited_ data sets do not")] = True
    wording: Annotated[str, Doc("path of a YAML wording pack; empty for instar's own")] = ""

    @property
    def wording_hash(self) -> str:
        """Changes with every word of the pack in use."""
        return wording(self.wording).hash

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One for each ordered pair of objects that the camera sees and that are called differently."""
        camera = episode.robot.camera(self.camera)
        if view.t is None and not self.references:
            return
        boxes = _boxes(view.objects, camera)
        pairs = list(itertools.permutations(boxes, 2))
        answers = [PLACE.format(place_values(ego, ref, boxes, camera)) for ego, ref in pairs]
        for k, (ego, ref) in enumerate(pairs):
            values = _slots(ego, ref, answers[k - 1])
            yield exchange(view, camera, fill(drawn(wording(self.wording).spa_rel, rng), values), answers[k])


@dataclass(frozen=True)
class TemporalRelation:
    """tmp_rel: how the distance between two objects changes; one question for every ordered pair and action."""

    camera: Annotated[str, Doc("the camera that the question is about")] = "front"
    wording: Annotated[str, Doc("path of a YAML wording pack; empty for instar's own")] = ""

    @property
    def wording_hash(self) -> str:
        """Changes with every word of the pack in use."""
        return wording(self.wording).hash

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """One for each ordered pair of objects called differently that the camera sees both before and after."""
        camera = episode.robot.camera(self.camera)
        if view.t is None or view.t >= episode.length or view.t + 1 >= len(episode.steps):
            return
        later = episode.steps[view.t + 1].observation.objects
        before, after = _boxes(view.objects, camera), _boxes(later, camera)
        pairs = list(itertools.permutations([name for name in before if name in after], 2))
        answers = [
            _changed(ego, ref, _offset(ego, ref, before, camera), _offset(ego, ref, after, camera))
            for ego, ref in pairs
        ]
        for k, (ego, ref) in enumerate(pairs):
            values = _slots(ego, ref, answers[k - 1]) | {"scene": markup.scene(later, camera)}
            yield exchange(view, camera, fill(drawn(wording(self.wording).tmp_rel, rng), values), answers[k])


def place_values(ego: str, ref: str, boxes: Mapping[str, Box], camera: Camera) -> dict[str, Any]:
    """The values of `PLACE`: sides by the boxes, distances from the centre of `ref` to that of `ego`."""
    dx, dy = _offset(ego, ref, boxes, camera)
    mine, other = boxes[ego], boxes[ref]
    (x, y), (other_x, other_y) = markup.centre(mine, camera), markup.centre(other, camera)
    across = _side((mine.left, x, mine.right), (other.left, other_x, other.right))
    down = _side((mine.top, y, mine.bottom), (other.top, other_y, other.bottom))
    sides = {"horizontal": HORIZONTAL[across], "vertical": VERTICAL[down]}
    return {"ego": ego, "ref": ref, **sides, "dx": dx, "dy": dy, "distance": math.hypot(dx, dy)}


def _side(mine: tuple[float, float, float], other: tuple[float, float, float]) -> int:
    """0 for before, 2 for behind, 1 for a box that reaches past the other's far side; extents are low, middle, high."""
    if mine[1] < other[1]:
        return 0 if mine[2] < other[2] else 1
    return 1 if mine[0] < other[0] else 2


def _changed(ego: str, ref: str, before: Floats, after: Floats) -> str:
    change = math.hypot(*after) - math.hypot(*before)
    grammar = AWAY if change > STILL else CLOSER if change < -STILL else SAME
    dx, dy = after - before
    values = {"mover": ref, "anchor": ego, "ego": ego, "ref": ref, "dx": dx, "dy": dy, "distance": change}
    return grammar.format(values)


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
