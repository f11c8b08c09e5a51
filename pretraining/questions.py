"""What is asked about a picture, and what the answer is: where things are, what stands where, how many, how they lie.

Half of the questions are those of LLaRA's auxiliary tasks, word for word as `instar build` asks them; half are plain
words. Some are about a scene that is only told (`pretraining.told`). Nothing is asked about actions.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeVar

import numpy as np

from instar import markup
from instar.auxiliary.relations import PLACE, measured, place_values
from instar.demo import Box
from instar.embodiments.vima import FRONT
from instar.grammar import Choice, Grammar
from instar.wording import fill, wording
from pretraining.exchange import Pointer, Question, Quote, quoting, scene_of, sentence
from pretraining.places import SIDES, inside, on_side, within
from pretraining.scenes import Scene, Thing
from pretraining.told import SHADED, Move, Teller, compared, told

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
BOTH: Final = ("Where are the {} and the {}?", "Find the {} and the {}.", "From the {} to the {}: where are they?")
ALIKE: Final = ("Where are the {}?", "Find all {}.", "Point at all {}.")
BLOCKED: Final = (
    "<task>Put the {name} as in {scene}.</task> What is in the way?",
    "In {scene}, what stands at the same place in the picture?",
)
ELSEWHERE: Final = (
    "It should be as in {scenes}. What is not?",
    "{scenes} What stands elsewhere in the picture?",
    "<task>Make it look like {scenes}.</task> What has to go where?",
)
BESIDE: Final = ("What is {} of the {}?", "Which object is {} of the {}?", "Find what is to the {} of the {}.")
BESIDE_POINT: Final = ("What is {} of <b>{}</b>?", "Which object is {} of <b>{}</b>?")
BESIDE_BEFORE: Final = (
    "<task>Find what was {side} of the {name}.</task> It was lifted at <b>{start}</b> and put down at <b>{end}</b>.",
    "The {name} was lifted at <b>{start}</b> and put down at <b>{end}</b>. What is {side} of where it was?",
)
POINTS: Final = ("Point at the {}.", "Point, in this order, at the {}.", "Only points: the {}.")
LIKENED_ALIKE: Final = ("See how {}. Which {} is {}?", "{}. Find the {} that is {}.")
LIKENED_TWO: Final = ("See how {}. Which of the {} and the {} is {}?", "{}. Of the {} and the {}, which is {}?")
NOTHING: Final = "Nothing."
COUNT: Final = ("How many {} are there?", "How many {} do you see?", "Count the {}.")
NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
COUNTED: Final = Grammar(Choice("number", NUMBERS), ".")
LEAST_PIXELS: Final = 12  # visible ones of a thing that is asked for
MOST_LISTED: Final = 8
HIGHER: Final = 1.6  # in the picture's box: times as high as the other is the higher one of two
GAP: Final = 4  # pixels to everything at a point where there is nothing

Some = TypeVar("Some")


@dataclass(frozen=True, eq=False)
class Asker:
    """Everything that can be asked about a scene."""

    scene: Scene
    rng: np.random.Generator

    def several(self, count: int) -> list[Question]:
        """So many questions of random kinds; fewer where the scene has no answer to a kind."""
        teller = Teller(self.scene, self.rng)
        kinds: dict[Callable[[], Question | None], float] = {
            self.where: 0.1,
            self.both: 0.04,
            self.points: 0.08,
            self.alike: 0.04,
            self.what: 0.08,
            self.beside: 0.12,
            self.all: 0.04,
            self.relation: 0.02,
            self.count: 0.03,
            self.likened: 0.08,
            self.blocked: 0.04,
            self.elsewhere: 0.1,
            teller.read: 0.03,
            teller.moved: 0.08,
            teller.turned: 0.03,
            teller.done: 0.03,
            teller.likened: 0.03,
            teller.meant: 0.03,
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

    def both(self) -> Question | None:
        """Where two things are."""
        names = self.unambiguous
        if len({thing.number for _, thing in names}) < 2:
            return None
        name, thing = names[int(self.rng.integers(len(names)))]
        others = [(other, it) for other, it in names if it is not thing]
        other, it = others[int(self.rng.integers(len(others)))]
        return self._pointing(self._one(BOTH).format(name, other), [thing, it])

    def points(self) -> Question | None:
        """Points at things in the order of their names, which the answer does not say again.

        As instructions do, half of the questions tell of each with a box, which is that of some other picture.
        """
        whole = [(name, thing) for name, thing in dict(self.unambiguous).items() if name == thing.name]
        if not whole:
            return None
        things = [thing for _, thing in self._pick(whole, int(self.rng.integers(1, 5)))]
        called = [_named(thing.name) if self._coin else thing.name for thing in things]
        if self._coin:
            teller = Teller(self.scene, self.rng)
            called = [sentence(replace(thing, box=teller.somewhere())).removesuffix(".") for thing in things]
        text = self._one(POINTS).format(", then the ".join(called))
        return self._pointing(text, things, said=[f"<b>{_middle(thing)}</b>" for thing in things])

    def alike(self) -> Question | None:
        """Where everything of a texture or a shape is, from left to right."""
        thing = self._any
        if thing is None:
            return None
        what, things = self._kin(thing)
        return self._pointing(self._one(ALIKE).format(what), _in_order(things)) if len(things) <= MOST_LISTED else None

    def what(self) -> Question | None:
        """What stands at a point of which a pixel is seen, or that nothing does."""
        thing = self._any
        if thing is None or self.rng.random() < 0.15:
            return self._nowhere()
        rows, columns = np.nonzero(self.scene.ids == thing.number)
        k = int(self.rng.integers(len(rows)))
        x, y = columns[k] / self.scene.ids.shape[1], rows[k] / self.scene.ids.shape[0]
        return self._pointing(self._one(WHAT).format(markup.pair("x", "y").format({"x": x, "y": y})), [thing])

    def _nowhere(self) -> Question | None:
        x, y = int(self.rng.integers(FRONT.width)), int(self.rng.integers(20, FRONT.height))
        if within(Box(x - GAP, y - GAP, x + GAP, y + GAP), self.scene.things):
            return None
        point = markup.pair("x", "y").format({"x": x / FRONT.width, "y": y / FRONT.height})
        return Question(self._one(WHAT).format(point), NOTHING)

    def beside(self) -> Question | None:
        """The next thing from another one or from a point in a compass direction, or that there is none."""
        named = [(name, thing) for name, thing in self.unambiguous if name == thing.name]
        if not named:
            return None
        name, thing = named[int(self.rng.integers(len(named)))]
        others = [other for other in self.scene.things if other is not thing]
        sides = [side for side, way in SIDES.items() if on_side(thing, others, way)]
        side = self._one(sides if sides and self.rng.random() < 0.9 else list(SIDES))
        by_name = self.rng.random() < 0.35
        text = self._one(BESIDE).format(side, name) if by_name else self._from(side, name, thing)
        there = on_side(thing, others, SIDES[side])
        if not there:
            return Question(text, NOTHING) if self.rng.random() < 0.3 else None
        mentions = _mentions(text, [thing]) if by_name else ()
        return replace(self._pointing(text, [there[0]]), mentions=mentions)

    def _from(self, side: str, name: str, thing: Thing) -> str:
        """Asks for what lies beside a point: that of a thing, or where one is said to have been."""
        if self._coin:
            return self._one(BESIDE_POINT).format(side, _middle(thing))
        teller = Teller(self.scene, self.rng)
        said = name if self._coin else teller.things(1)[0].name
        end = _middle(replace(thing, box=teller.somewhere()))
        return self._one(BESIDE_BEFORE).format(side=side, name=said, start=_middle(thing), end=end)

    def likened(self) -> Question | None:
        """Which of two things an invented comparative fits, where it means how dark something is, or how high."""
        dark = self._coin
        pairs = self._shades() if dark else self._heights()
        if not pairs:
            return None
        alike = [(one, other) for one, other in pairs if one.shape == other.shape and len(self._shaped(one)) == 2]
        named = {thing.number for name, thing in self.unambiguous if name == thing.name}
        apart = [(one, other) for one, other in pairs if {one.number, other.number} <= named]
        by_shape = bool(alike) and (not apart or self.rng.random() < 0.8)
        if not by_shape and not apart:
            return None
        pair = self._one(alike if by_shape else apart)
        teller = Teller(self.scene, self.rng)
        lesson = teller.lesson(teller.opposites(int(self.rng.integers(1, 4)), dark=dark), dark=dark)
        if by_shape:
            text = self._one(LIKENED_ALIKE).format(lesson.told, pair[0].shape, lesson.wanted)
        else:
            names = [one.name for one in self._pick(pair, 2)]
            text = self._one(LIKENED_TWO).format(lesson.told, *names, lesson.wanted)
        question = self._pointing(text, [pair[lesson.which]])
        # Where to look for the name is known too late for the heads that are taught to look; afterwards it is not.
        place = replace(question.pointers[0], start=question.answer.index("</p>"))
        return lesson.asked(replace(question, pointers=(place,)))

    def _shades(self) -> list[tuple[Thing, Thing]]:
        """Pairs of a thing that has a light texture and one that has a dark one."""
        seen = [thing for thing in self.scene.things if thing.pixels >= LEAST_PIXELS]
        dark = [thing for thing in seen if thing.texture.startswith("dark ")]
        return [(light, thing) for light in seen for thing in dark if light.texture in SHADED]

    def _heights(self) -> list[tuple[Thing, Thing]]:
        """Pairs of a low thing and one that is `HIGHER` times as high in the picture."""
        tall = {thing: thing.box.bottom - thing.box.top for thing in self.scene.things if thing.pixels >= LEAST_PIXELS}
        return [(low, high) for low in tall for high in tall if tall[high] >= HIGHER * tall[low]]

    def blocked(self) -> Question | None:
        """What stands where a thing is told to be, or that nothing does."""
        (thing,), seen = Teller(self.scene, self.rng).things(1), self._any
        if seen is not None and self.rng.random() < 0.7:
            dx, dy = (int(off) for off in self.rng.integers((-8, -6), (9, 7)))
            box = seen.box
            thing = replace(thing, box=Box(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy))
        there = within(thing.box, self.scene.things)
        if len(there) > 1 or not inside(thing.box):
            return None
        text = self._one(BLOCKED).format(name=thing.name, scene=scene_of([thing]))
        if not there:
            return Question(text, NOTHING)
        start = text.index(sentence(thing))
        mention = Pointer(start + sentence(thing).index("</p>"), start + len(sentence(thing)), there[0].number)
        return replace(self._pointing(text, there), mentions=(mention,))

    def elsewhere(self) -> Question | None:
        """What stands elsewhere than in a scene that is told of the same things; and in one after that."""
        whole = Counter(thing.name for thing in self.scene.things)
        things = [thing for thing in self.scene.things if whole[thing.name] == 1 and thing.pixels >= LEAST_PIXELS]
        length = int(self.rng.choice((0, 1, 2, 3), p=(0.08, 0.45, 0.35, 0.12)))
        most = {0: 4, 1: 4, 2: 3, 3: 2}[length]  # so that it is not too long
        things = self._pick(things, int(self.rng.integers(1 if length < 2 else 2, most + 1)))
        if len(things) < min(length, 2) or not things:
            return None
        (now, *later), moves = Teller(self.scene, self.rng).story(things, length)
        scenes = later or [now]
        text, begins = told(self._one(ELSEWHERE), scenes)
        told_of = [(sentence(thing), thing) for thing in scenes[0]]
        spots = [(text.index(said, begins[0]), said, thing) for said, thing in told_of]
        mentions = [
            Pointer(at + said.index("</p>") - 1, at + said.index("}"), thing.number) for at, said, thing in spots
        ]
        if not later:
            return Question(text, NOTHING, mentions=tuple(mentions))
        off = next(thing for thing in now if thing.number == moves[0].thing)
        at, goal = next((at, said) for at, said, thing in spots if thing.number == off.number)
        question = compared(text, later, begins, [Move(move.thing) for move in moves[1:]], (sentence(off), goal))
        return replace(
            question,
            pointers=(Pointer(0, len(sentence(off)), off.number),),
            mentions=tuple(mentions),
            signs=(Quote(0, sentence(off).index("</p>"), at + goal.index("}")), *question.signs),
        )

    def all(self) -> Question | None:
        """Everything, from left to right."""
        if not 0 < len(self.scene.things) <= MOST_LISTED:
            return None
        asked = self._one(wording("").obj_det) if self.rng.random() < 0.5 else self._one(LIST)
        return self._pointing(asked, _in_order(self.scene.things), scene=True)

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
        what, things = self._kin(thing)
        return Question(self._one(COUNT).format(what), COUNTED.format({"number": NUMBERS[min(len(things), 10)]}))

    def _kin(self, thing: Thing) -> tuple[str, list[Thing]]:
        """What things like this one are called, by shape or by texture; and those that are."""
        if self.rng.random() < 0.5:
            return f"{thing.shape}s", self._shaped(thing)
        return f"{thing.texture} objects", [other for other in self.scene.things if other.texture == thing.texture]

    def _shaped(self, thing: Thing) -> list[Thing]:
        return [other for other in self.scene.things if other.shape == thing.shape]

    def _pointing(
        self, asked: str, things: Sequence[Thing], *, scene: bool = False, said: Sequence[str] = ()
    ) -> Question:
        sentences = said or [sentence(thing) for thing in things]
        answer = scene_of(things) if scene else "\n".join(sentences)
        pointers, end = [], 0
        for thing, line in zip(things, sentences, strict=True):
            start = answer.index(line, end)
            end = start + len(line)
            pointers.append(Pointer(start, end, thing.number))
        spots = [(thing.name, spot) for thing in things if (spot := _mention(asked, thing.name)) is not None]
        question = quoting(asked, answer, [] if said else spots)
        return replace(question, pointers=tuple(pointers), mentions=_mentions(asked, things))

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
                found += [(f"{thing.texture} object", thing)] * 2
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

    def _one(self, choices: Sequence[Some]) -> Some:
        return choices[int(self.rng.integers(len(choices)))]

    def _pick(self, choices: Sequence[Some], count: int) -> list[Some]:
        return [choices[int(k)] for k in self.rng.permutation(len(choices))[:count]]


def _named(name: str) -> str:
    return markup.NAMED.format({"object": name})


def _mention(text: str, name: str) -> int | None:
    """Where a text has a whole name."""
    return next((text.index(lead + name) + len(lead) for lead in ("the ", "<p>") if lead + name in text), None)


def _mentions(text: str, things: Sequence[Thing]) -> tuple[Pointer, ...]:
    """Where a text has said the whole name of a thing, for each whose name it has."""
    ends = [(spot + len(one.name), one.number) for one in things if (spot := _mention(text, one.name)) is not None]
    return tuple(Pointer(end - 1, end, number) for end, number in ends)


def _middle(thing: Thing) -> str:
    """Where the middle of a thing is, as it is written."""
    x, y = markup.middle(thing.box, FRONT)
    return markup.pair("x", "y").format({"x": x, "y": y})


def _in_order(things: Sequence[Thing]) -> list[Thing]:
    """From left to right."""
    return sorted(things, key=lambda thing: (thing.box.left + thing.box.right, thing.number))
