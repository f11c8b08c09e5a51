"""What is asked about a picture, and what the answer is: where things are, what stands where, how many, how they lie.

Half of the questions are those of LLaRA's auxiliary tasks, word for word as `instar build` asks them; half are plain
words. Some are answered from a scene that is only told, as instructions tell of goals: who is to act must read as well
as see. Nothing is asked about actions.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from instar import markup
from instar.auxiliary.relations import PLACE, measured, place_values
from instar.demo import Box, SceneObject
from instar.embodiments.vima import FRONT
from instar.grammar import Choice, Grammar, Integer, Repeat
from instar.wording import fill, wording
from pretraining.scenes import SHAPES, TEXTURES, Scene, Thing

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
READ: Final = (
    "In {scene}, where is the {name}?",
    "{scene} Where was the {name}?",
    "<task>Put the {name} as in {scene}.</task> Where should it go?",
)
MOVED: Final = ("From {scenes}, what moved?", "{scenes} What is elsewhere now, and where?")
TURNED: Final = (
    "The {name} was turned by {angle} degrees. By how much?",
    "<task>Turn the {name} by {angle} degrees.</task> By how much?",
)
DONE: Final[dict[markup.Tool, tuple[str, ...]]] = {
    "suction": (
        "The {name} was lifted at <b>{start}</b>, turned by {angle} degrees and put down at <b>{end}</b>. As a step?",
        "Write as a step: to <b>{end}</b>, by {angle} degrees, the {name} from <b>{start}</b>.",
    ),
    "spatula": ("The {name} was swept from <b>{start}</b> to <b>{end}</b>, by {angle} degrees. As a step?",),
}
COUNT: Final = ("How many {} are there?", "How many {} do you see?", "Count the {}.")
NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTED: Final = Grammar(Choice("number", NUMBERS), ".")
MOVES: Final = Grammar(Repeat("objects", markup.LOCATED_SENTENCE, most=8))
ANGLE: Final = Grammar("<r>[", Integer("angle", -359, 359), "]</r> degrees.")
ANGLES: Final = tuple(str(angle) for angle in range(5, 360, 5))
LEAST_PIXELS: Final = 12  # visible ones of a thing that is asked for


@dataclass(frozen=True)
class Pointer:
    """A stretch of an answer that is about one thing: its name and its box."""

    start: int  # characters
    stop: int
    number: int  # of the thing in the picture's ids


@dataclass(frozen=True)
class Quote:
    """A stretch of an answer that stands in the question, too."""

    start: int  # characters of the answer
    stop: int
    source: int  # where it begins in the question


@dataclass(frozen=True)
class Question:
    """One exchange about a picture."""

    text: str
    answer: str
    pointers: tuple[Pointer, ...] = ()
    quotes: tuple[Quote, ...] = ()


@dataclass(frozen=True, eq=False)
class Asker:
    """Everything that can be asked about a scene."""

    scene: Scene
    rng: np.random.Generator

    def several(self, count: int) -> list[Question]:
        """So many questions of random kinds; fewer where the scene has no answer to a kind."""
        kinds: dict[Callable[[], Question | None], float] = {
            self.where: 0.4,
            self.what: 0.1,
            self.all: 0.05,
            self.relation: 0.06,
            self.count: 0.06,
            self.read: 0.14,
            self.moved: 0.09,
            self.turned: 0.03,
            self.done: 0.07,
        }
        found = [list(kinds)[int(k)]() for k in self.rng.choice(len(kinds), count, p=list(kinds.values()))]
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

    def read(self) -> Question:
        """Where something is in a scene that is only told: to be read there, not seen."""
        told = self._told(int(self.rng.integers(1, 4)))
        thing = told[int(self.rng.integers(len(told)))]
        text = self._one(READ).format(scene=_scene(told), name=thing.name)
        answer = _sentence(thing)
        place = answer.index("</p>")
        sources = [(thing.name, text.index(f"the {thing.name}") + 4), (answer[place:], text.index(answer) + place)]
        return _quoting(text, answer, sources)

    def moved(self) -> Question:
        """What is elsewhere from one told scene to the next, and where."""
        scenes, answers = [self._told(int(self.rng.integers(2, 4)))], []
        for _ in range(int(self.rng.integers(1, 3))):
            before = scenes[-1]
            k = int(self.rng.integers(len(before)))
            thing = replace(before[k], box=self._somewhere())
            after = [*before[:k], thing, *before[k + 1 :]]
            scenes.append([after[int(j)] for j in self.rng.permutation(len(after))])
            answers.append(_sentence(thing))
        told = [_scene(scene) for scene in scenes]
        text = self._one(MOVED).format(scenes=" ".join(told))
        begins = [text.index(told[0])]
        for scene in told[1:]:
            begins.append(text.index(scene, begins[-1] + 1))
        sources = [(answer, text.index(answer, begin)) for answer, begin in zip(answers, begins[1:], strict=True)]
        return _quoting(text, "\n".join(answers), sources)

    def turned(self) -> Question:
        """By how much something is turned that is only told."""
        angle = self._one(ANGLES)
        text = self._one(TURNED).format(name=self._told(1)[0].name, angle=angle)
        return _quoting(text, ANGLE.format({"angle": int(angle)}), [(angle, text.index(angle))])

    def done(self) -> Question:
        """What was done, which the question tells in plain words, as a step is written. It fits no picture."""
        tool: markup.Tool = "suction" if self._coin else "spatula"
        name, angle = self._told(1)[0].name, self._one(ANGLES)
        places = [{"x": int(x) / 1000, "y": int(y) / 1000} for x, y in self.rng.integers(0, 1000, (2, 2))]
        start, end = (markup.pair("x", "y").format(place) for place in places)
        text = self._one(DONE[tool]).format(name=name, start=start, end=end, angle=angle)
        numbers = {f"{axis}{k}": value for k, place in enumerate(places) for axis, value in place.items()}
        step = markup.MOVES[tool].format({"object": name, "degrees": int(angle), **numbers})
        spin = text.index(f"by {angle} degrees") + len("by ")
        sources = [(name, text.index(name)), (start, text.index(start)), (angle, spin), (end, text.rindex(end))]
        return _quoting(text, f"Step 1: {step}", sources)

    def _told(self, count: int) -> list[Thing]:
        """Things somewhere else than in the picture, some called as those in it are."""
        known = sorted({(thing.texture, thing.shape) for thing in self.scene.things}) if self._coin else []
        same = self._one(SHAPES) if self._coin else None  # often all that differs is the texture
        made = [(self._one(TEXTURES), same or self._one(SHAPES)) for _ in range(count)]
        names = list(dict.fromkeys([*known[: count - 1], *made]))[:count]
        names = [names[int(k)] for k in self.rng.permutation(len(names))]
        return [Thing(k + 1, texture, shape, self._somewhere(), 1) for k, (texture, shape) in enumerate(names)]

    def _somewhere(self) -> Box:
        wide, high = (int(side) for side in self.rng.integers((12, 10), (56, 50)))
        left, top = int(self.rng.integers(0, FRONT.width - wide)), int(self.rng.integers(20, FRONT.height - high))
        return Box(left, top, left + wide, top + high)

    def _pointing(self, asked: str, things: Sequence[Thing], *, scene: bool = False) -> Question:
        sentences = [_sentence(thing) for thing in things]
        answer = _scene(things) if scene else sentences[0]
        pointers, end = [], 0
        for thing, sentence in zip(things, sentences, strict=True):
            start = answer.index(sentence, end)
            end = start + len(sentence)
            pointers.append(Pointer(start, end, thing.number))
        name = things[0].name
        known = [] if scene or name not in asked else [(name, asked.index(name))]
        return replace(_quoting(asked, answer, known), pointers=tuple(pointers))

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

    @property
    def _coin(self) -> bool:
        return bool(self.rng.random() < 0.5)

    def _one(self, choices: Sequence[str]) -> str:
        return choices[int(self.rng.integers(len(choices)))]

    def _pick(self, choices: Sequence[str], count: int) -> list[str]:
        return [choices[int(k)] for k in self.rng.permutation(len(choices))[:count]]


def _named(name: str) -> str:
    return markup.NAMED.format({"object": name})


def _sentence(thing: Thing) -> str:
    return markup.LOCATED_SENTENCE.format(markup.located(as_object(thing), FRONT))


def _scene(things: Sequence[Thing]) -> str:
    return markup.SCENE.format({"objects": [markup.located(as_object(thing), FRONT) for thing in things]})


def _quoting(text: str, answer: str, sources: Sequence[tuple[str, int]]) -> Question:
    """An exchange whose answer has stretches of the question, one after the other, each with where it stands there."""
    quotes, end = [], 0
    for quoted, source in sources:
        start = answer.index(quoted, end)
        end = start + len(quoted)
        quotes.append(Quote(start, end, source))
    return Question(text, answer, quotes=tuple(quotes))


def as_object(thing: Thing) -> SceneObject:
    """A thing as the toolkit's own sentences take it."""
    return SceneObject(thing.number, thing.shape, thing.texture, {FRONT.name: thing.box})
