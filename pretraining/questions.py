"""What is asked about a picture, and what the answer is: where things are, what stands where, how many, how they lie.

Half of the questions are those of LLaRA's auxiliary tasks, word for word as `instar build` asks them; half are plain
words. Nothing is asked about actions.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from instar import markup
from instar.auxiliary.relations import PLACE, measured, place_values
from instar.demo import SceneObject
from instar.embodiments.vima import FRONT
from instar.grammar import Choice, Grammar
from instar.wording import fill, wording
from pretraining.scenes import Scene, Thing

WHERE: Final = (
    "Where is the {}?",
    "where is the {}?",
    "Find the {}.",
    "Locate the {}.",
    "Point at the {}.",
    "Show me the {}.",
    "Where do you see the {}?",
    "Give the box of the {}.",
)
WHAT: Final = ("What is at <b>{}</b>?", "Which object is at <b>{}</b>?", "Name the object at <b>{}</b>.")
LIST: Final = ("What do you see?", "List all objects.", "Which objects are there?", "What is in the picture?")
COUNT: Final = ("How many {} are there?", "How many {} do you see?", "Count the {}.")
NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTED: Final = Grammar(Choice("number", NUMBERS), ".")
LEAST_PIXELS: Final = 12  # visible ones of a thing that is asked for


@dataclass(frozen=True)
class Pointer:
    """A stretch of an answer that is about one thing: its name and its box."""

    start: int  # characters
    stop: int
    number: int  # of the thing in the picture's ids


@dataclass(frozen=True)
class Question:
    """One exchange about a picture."""

    text: str
    answer: str
    pointers: tuple[Pointer, ...] = ()


@dataclass(frozen=True, eq=False)
class Asker:
    """Everything that can be asked about a scene."""

    scene: Scene
    rng: np.random.Generator

    def several(self, count: int) -> list[Question]:
        """So many questions of random kinds; fewer where the scene has no answer to a kind."""
        kinds: list[Callable[[], Question | None]] = [self.where, self.what, self.all, self.relation, self.count]
        chosen = self.rng.choice(len(kinds), count, p=(0.66, 0.12, 0.05, 0.09, 0.08))
        found = [kinds[int(k)]() for k in chosen]
        return [question for question in found if question is not None]

    def where(self) -> Question | None:
        """Where something is that only one thing is called."""
        names = self.unambiguous
        if not names:
            return None
        name, thing = names[int(self.rng.integers(len(names)))]
        if self.rng.random() < 0.4 and name == thing.name:
            return self._pointing(fill(self._one(wording("").obj_loc), {"object": _named(name)}), [thing])
        return self._pointing(self._one(WHERE).format(name), [thing])

    def what(self) -> Question | None:
        """What stands at a point of which a pixel is seen."""
        thing = self._any
        if thing is None:
            return None
        rows, columns = np.nonzero(self.scene.ids == thing.number)
        k = int(self.rng.integers(len(rows)))
        point = markup.pair("x", "y").format(
            {"x": columns[k] / self.scene.ids.shape[1], "y": rows[k] / self.scene.ids.shape[0]}
        )
        return self._pointing(self._one(WHAT).format(point), [thing])

    def all(self) -> Question | None:
        """Everything, from left to right."""
        things = sorted(self.scene.things, key=lambda thing: (thing.box.left + thing.box.right, thing.number))
        if not 0 < len(things) <= 8:
            return None
        asked = self._one(wording("").obj_det) if self.rng.random() < 0.5 else self._one(LIST)
        return self._pointing(asked, things, scene=True)

    def relation(self) -> Question | None:
        """How one thing lies to another, in the words of LLaRA's spa_rel."""
        named = {name: thing for name, thing in self.unambiguous if name == thing.name}
        if len(named) < 3:
            return None
        spots = measured({name: thing.box for name, thing in named.items()}, FRONT)
        ego, ref, one, other = (*self._pick(list(named), 2), *self._pick(list(named), 2))
        answer = PLACE.format(place_values(ego, ref, spots))
        example = PLACE.format(place_values(one, other, spots))
        values = {"ego": _named(ego), "ref": _named(ref), "example": example.removesuffix(".")}
        return Question(fill(self._one(wording("").spa_rel), values), answer)

    def count(self) -> Question | None:
        """How many things of a texture or a shape there are."""
        thing = self._any
        if thing is None:
            return None
        by_shape = self.rng.random() < 0.5
        number = sum((other.shape if by_shape else other.texture) == (thing.shape if by_shape else thing.texture)
                     for other in self.scene.things)  # fmt: skip
        what = f"{thing.shape}s" if by_shape else f"{thing.texture} objects"
        return Question(self._one(COUNT).format(what), COUNTED.format({"number": NUMBERS[min(number, 10)]}))

    def _pointing(self, asked: str, things: Sequence[Thing], *, scene: bool = False) -> Question:
        rows = [markup.located(as_object(thing), FRONT) for thing in things]
        sentences = [markup.LOCATED_SENTENCE.format(row) for row in rows]
        answer = markup.SCENE.format({"objects": rows}) if scene else sentences[0]
        pointers, end = [], 0
        for thing, sentence in zip(things, sentences, strict=True):
            start = answer.index(sentence, end)
            end = start + len(sentence)
            pointers.append(Pointer(start, end, thing.number))
        return Question(asked, answer, tuple(pointers))

    @cached_property
    def unambiguous(self) -> list[tuple[str, Thing]]:
        """Names that mean one thing: whole ones, and textures and shapes alone."""
        things = self.scene.things
        whole = Counter(thing.name for thing in things)
        textures = Counter(thing.texture for thing in things)
        shapes = Counter(thing.shape for thing in things)
        found = []
        for thing in things:
            if thing.pixels < LEAST_PIXELS:
                continue
            if whole[thing.name] == 1:
                found += [(thing.name, thing)] * 4
            if textures[thing.texture] == 1:
                found.append((f"{thing.texture} object", thing))
            if shapes[thing.shape] == 1:
                found.append((thing.shape, thing))
        return found

    @property
    def _any(self) -> Thing | None:
        things = [thing for thing in self.scene.things if thing.pixels >= LEAST_PIXELS]
        return things[int(self.rng.integers(len(things)))] if things else None

    def _one(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def _pick(self, choices: Sequence[str], count: int) -> list[str]:
        return [choices[int(k)] for k in self.rng.permutation(len(choices))[:count]]


def _named(name: str) -> str:
    return markup.NAMED.format({"object": name})


def as_object(thing: Thing) -> SceneObject:
    """A thing as the toolkit's own sentences take it."""
    return SceneObject(thing.number, thing.shape, thing.texture, {FRONT.name: thing.box})
