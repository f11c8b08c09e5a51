"""What is asked of scenes that are only told, as instructions tell of goals: who is to act must read as well as see."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeVar

import numpy as np

from instar import markup
from instar.demo import Box
from instar.embodiments.vima import FRONT
from instar.grammar import Choice, Grammar, Integer, Repeat
from pretraining.exchange import Question, Quote, Sense, quoting, scene_of, sentence
from pretraining.scenes import SHAPES, TEXTURES, Scene, Thing

READ: Final = (
    "In {scene}, where is the {name}?",
    "{scene} Where was the {name}?",
    "<task>Put the {name} as in {scene}.</task> Where should it go?",
)
MOVED: Final = ("From {scenes}, what moved?", "{scenes} What is elsewhere now, and where?")
STACKED: Final = ("From {scenes}, what was put on what?", "{scenes} What went onto what?")
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
LIKENED: Final = (
    "See how {pairs}. Which is {wanted}: {one} or {other}?",
    "{pairs}. What of these is {wanted}: {one}, {other}?",
)
MEANT: Final = ("See how {pairs}. What does {wanted} mean?", "{pairs}. What is meant by {wanted}?")
MEANINGS: Final = ("lighter", "darker", "lower", "higher")
ADJECTIVES: Final = ("daxer", "blicker", "modier", "kobar")
SHADED: Final = tuple(name for name in TEXTURES if f"dark {name}" in TEXTURES)
MOVES: Final = Grammar(Repeat("objects", markup.LOCATED_SENTENCE, most=8))
MEANING: Final = Grammar(Choice("meaning", MEANINGS), ".")
ANGLE: Final = Grammar("<r>[", Integer("angle", -359, 359), "]</r> degrees.")
LESS: Final = 0.3  # of questions of comparatives are for the opposite: from as many as not nobody learned a sign
AWAY: Final = 12  # pixels that something moves at least
TALLEST: Final = 80  # pixels of a thing that is told of
ANGLES: Final = tuple(str(angle) for angle in range(5, 360, 5))

Some = TypeVar("Some")


class Move(NamedTuple):
    """What moved from one scene to the next, by number; and onto what, where that is told."""

    thing: int
    base: int = 0


class Lesson(NamedTuple):
    """Examples of an invented comparative, and what is wanted then."""

    told: str
    wanted: str
    which: int  # of a pair: the lighter or lower one, or the other
    word: str
    shown: int  # which of a pair the word itself means
    first: int  # of MEANINGS, the one that fits the first of a pair; the next one fits the other

    @property
    def meaning(self) -> str:
        """Of what is wanted."""
        return MEANINGS[self.first + self.which]

    def asked(self, question: Question) -> Question:
        """A question that has the lesson, and at its end what is wanted, with what its comparatives mean."""
        ends = [found.end() for found in re.finditer(self.word, question.text)]
        meant = [self.shown] * (len(ends) - 1) + [self.which]
        return replace(question, senses=tuple(Sense(end, self.first + k) for end, k in zip(ends, meant, strict=True)))


@dataclass(frozen=True, eq=False)
class Teller:
    """Scenes made of words, beside a picture that they do not fit."""

    scene: Scene  # whose things lend their names
    rng: np.random.Generator

    def read(self) -> Question:
        """Where something is in a scene that is only told: to be read there, not seen."""
        told = self.things(int(self.rng.integers(1, 4)))
        thing = told[int(self.rng.integers(len(told)))]
        text = self.one(READ).format(scene=scene_of(told), name=thing.name)
        answer = sentence(thing)
        place = answer.index("</p>")
        sources = [(thing.name, text.index(f"the {thing.name}") + 4), (answer[place:], text.index(answer) + place)]
        return quoting(text, answer, sources)

    def moved(self) -> Question:
        """What is elsewhere from one told scene to the next, and where; or what was put on what."""
        things = self.things(int(self.rng.integers(2, 4)))
        scenes, moves = self.story(things, int(self.rng.integers(1, 3)))
        onto = moves[0].base > 0 and self._coin
        text, begins = told(self.one(STACKED if onto else MOVED), scenes)
        return compared(text, scenes, begins, moves if onto else [Move(move.thing) for move in moves])

    def story(self, things: Sequence[Thing], length: int) -> tuple[list[list[Thing]], list[Move]]:
        """Scenes in which one thing after the other goes elsewhere, or onto another; and what moved each time."""
        scenes, moves = [list(things)], []
        stacks = self._coin and len(things) > 1
        for _ in range(length):
            k, base = (int(j) for j in self.rng.permutation(len(things))[[0, -1]])
            after = self.stacked(scenes[-1], k, base) if stacks else self.elsewhere(scenes[-1], k)
            moves.append(Move(after[k].number, after[base].number if stacks else 0))
            scenes.append([after[int(j)] for j in self.rng.permutation(len(after))])
        return scenes, moves

    def elsewhere(self, things: Sequence[Thing], k: int) -> list[Thing]:
        """With thing k well away from where it was."""
        box = self.somewhere(things[k].box)
        while max(abs(box.left - things[k].box.left), abs(box.top - things[k].box.top)) < AWAY:
            box = self.somewhere(things[k].box)
        return [replace(thing, box=box) if j == k else thing for j, thing in enumerate(things)]

    def stacked(self, things: Sequence[Thing], k: int, base: int) -> list[Thing]:
        """With thing k on another, of which less is seen then."""
        mine, under = things[k].box, things[base].box
        left = (under.left + under.right - mine.right + mine.left) // 2 + int(self.rng.integers(-2, 3))
        bottom = under.bottom - int(self.rng.integers(5, 10))
        wide, high = mine.right - mine.left, min(mine.bottom - mine.top, bottom)
        left = max(0, min(left, FRONT.width - wide))
        cut = min(int(self.rng.integers(4, 11)), (under.bottom - under.top) // 2)
        boxes = {k: Box(left, bottom - high, left + wide, bottom), base: replace(under, top=under.top + cut)}
        return [replace(thing, box=boxes.get(j, thing.box)) for j, thing in enumerate(things)]

    def turned(self) -> Question:
        """By how much something is turned that is only told."""
        angle = self.one(ANGLES)
        text = self.one(TURNED).format(name=self.things(1)[0].name, angle=angle)
        return quoting(text, ANGLE.format({"angle": int(angle)}), [(angle, text.index(angle))])

    def done(self) -> Question:
        """What was done, which the question tells in plain words, as a step is written. It fits no picture."""
        tool: markup.Tool = "suction" if self._coin else "spatula"
        name, angle = self.things(1)[0].name, self.one(ANGLES)
        places = [{"x": int(x) / 1000, "y": int(y) / 1000} for x, y in self.rng.integers(0, 1000, (2, 2))]
        start, end = (markup.pair("x", "y").format(place) for place in places)
        text = self.one(DONE[tool]).format(name=name, start=start, end=end, angle=angle)
        numbers = {f"{axis}{k}": value for k, place in enumerate(places) for axis, value in place.items()}
        step = markup.MOVES[tool].format({"object": name, "degrees": int(angle), **numbers})
        spin = text.index(f"by {angle} degrees") + len("by ")
        sources = [(name, text.index(name)), (start, text.index(start)), (angle, spin), (end, text.rindex(end))]
        return quoting(text, f"Step 1: {step}", sources)

    def likened(self) -> Question:
        """Which of two things an invented comparative fits, after examples; often these two are one of them."""
        dark = self._coin
        pairs = self.opposites(int(self.rng.integers(2, 4)), dark=dark)
        asked = self.one(pairs) if self.rng.random() < 0.3 else self.opposites(1, dark=dark)[0]
        lesson = self.lesson(pairs, dark=dark)
        one, other = (asked[int(k)] for k in self.rng.permutation(2))
        text = self.one(LIKENED).format(pairs=lesson.told, wanted=lesson.wanted, one=one, other=other)
        answer = asked[lesson.which]
        return lesson.asked(quoting(text, f"{answer}.", [(answer, text.rindex(answer))]))

    def meant(self) -> Question:
        """What an invented comparative means, in one word."""
        dark = self._coin
        lesson = self.lesson(self.opposites(int(self.rng.integers(1, 4)), dark=dark), dark=dark)
        text = self.one(MEANT).format(pairs=lesson.told, wanted=lesson.wanted)
        return lesson.asked(Question(text, f"{lesson.meaning}."))

    def lesson(self, pairs: Sequence[tuple[str, str]], *, dark: bool) -> Lesson:
        """These pairs as examples of an invented comparative, which is wanted then, or the opposite of it."""
        word, less, swapped = self.one(ADJECTIVES), bool(self.rng.random() < LESS), self._coin
        shown = (pair[::-1] if swapped else pair for pair in pairs)
        told = ", ".join(f"{more} is {word} than {fewer}" for more, fewer in shown)
        wanted, first = f"less {word}" if less else word, MEANINGS.index("lighter" if dark else "lower")
        return Lesson(told, wanted, int(less != swapped), word, int(swapped), first)

    def opposites(self, count: int, *, dark: bool) -> list[tuple[str, str]]:
        """Pairs of things that differ in how dark they are, or in how high: the lighter or lower one first."""
        pairs = (self._shades() if dark else self._heights() for _ in range(count))
        return [(sentence(one).removesuffix("."), sentence(other).removesuffix(".")) for one, other in pairs]

    def _shades(self) -> tuple[Thing, Thing]:
        (thing,), texture = self.things(1), self.one(SHADED)
        return replace(thing, texture=texture), replace(thing, texture=f"dark {texture}")

    def _heights(self) -> tuple[Thing, Thing]:
        (thing,) = self.things(1)
        bottom = thing.box.bottom
        tops = (bottom - int(self.rng.integers(8, 16)), max(bottom - int(self.rng.integers(24, 50)), 0))
        low, high = (replace(thing, box=replace(thing.box, top=top)) for top in tops)
        return low, high

    def things(self, count: int) -> list[Thing]:
        """Things somewhere else than in the picture, some called as those in it are."""
        known = sorted({(thing.texture, thing.shape) for thing in self.scene.things}) if self._coin else []
        same = self.one(SHAPES) if self._coin else None  # often all that differs is the texture
        made = [(self.one(TEXTURES), same or self.one(SHAPES)) for _ in range(count)]
        names = list(dict.fromkeys([*known[: count - 1], *made]))[:count]
        names = [names[int(k)] for k in self.rng.permutation(len(names))]
        return [Thing(k + 1, texture, shape, self.somewhere(), 1) for k, (texture, shape) in enumerate(names)]

    def somewhere(self, like: Box | None = None) -> Box:
        """A box as things on the table have it, perhaps of the size of another."""
        wide, high = (int(side) for side in self.rng.integers((12, 10), (56, 50)))
        if like is not None:
            wide, high = like.right - like.left, min(like.bottom - like.top, TALLEST)
        left, top = int(self.rng.integers(0, FRONT.width - wide)), int(self.rng.integers(20, FRONT.height - high))
        return Box(left, top, left + wide, top + high)

    def one(self, choices: Sequence[Some]) -> Some:
        """Any of them."""
        return choices[int(self.rng.integers(len(choices)))]

    @property
    def _coin(self) -> bool:
        return bool(self.rng.random() < 0.5)


def told(words: str, scenes: Sequence[Sequence[Thing]]) -> tuple[str, list[int]]:
    """The words with the scenes in them, and where each of those begins."""
    parts = [scene_of(scene) for scene in scenes]
    text = words.format(scenes=" ".join(parts))
    begins = [text.index(parts[0])]
    for part in parts[1:]:
        begins.append(text.index(part, begins[-1] + 1))
    return text, begins


def compared(
    text: str,
    scenes: Sequence[Sequence[Thing]],
    begins: Sequence[int],
    moves: Sequence[Move],
    first: Sequence[str] = (),
) -> Question:
    """What moved from each told scene to the next; where they begin in the text; and how one sees it.

    A thing is given away by the first character of its place that is not the one told before. The answer may have a
    `first` part, whose last line stands in the text.
    """
    answers = list(first)
    sources = [(line, text.index(line)) for line in first[-1:]]
    signs: list[Quote] = []
    again: list[Quote] = []
    for k, (earlier, later) in enumerate(itertools.pairwise(scenes)):
        before = {thing.number: sentence(thing) for thing in earlier}
        for thing in later:
            old, now = before[thing.number], sentence(thing)
            source, start, place = text.index(old, begins[k]), text.index(now, begins[k + 1]), now.index("</p>")
            again.append(Quote(start + place, start + len(now), source + place))
        after = {thing.number: sentence(thing) for thing in later}
        old, now, base = before[moves[k].thing], after[moves[k].thing], moves[k].base
        start, place = text.index(now, begins[k + 1]), now.index("</p>")
        other = next((j for j, (one, two) in enumerate(zip(old, now, strict=True)) if one != two), place)
        said = len("\n".join([*answers, ""]))
        signs.append(Quote(said, said + place, start + other + 1))
        sources.append((now[place:], start + place))
        answers.append(now)
        if base:
            sources.append((after[base], text.index(after[base], begins[k + 1])))
            answers.append(after[base])
    question = quoting(text, "\n".join(answers), sources)
    return replace(question, signs=tuple(signs), again=tuple(again))
