"""What a model sees: how far off it points, what it finds and names, by number of things and for what it never saw.

python -m pretraining.measure src/instar/models/larva

Replies are generated as `instar ask` would, within the grammar of the answer, from whole pictures through the
checkpoint's own processor.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, NamedTuple, TypeAlias

import numpy as np
import tyro
from numpy.typing import NDArray
from typing_extensions import Doc

from instar import markup
from instar.backbones.hf import HfBackbone, load
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Box, Image
from instar.embodiments.vima import FRONT
from instar.files import write_json
from instar.grammar import Grammar, Repeat
from instar.metrics import Interval, wilson
from instar.progress import Clock, Progress, silent
from instar.seeing.detect import Sighting, pairs
from pretraining.questions import COUNT, COUNTED, LIST, NOTHING, NUMBERS, WHAT, WHERE, Asker
from pretraining.scenes import MOST, Scene, Thing, draw
from pretraining.told import ANGLE, MEANING, MOVES, Teller
from studies.command import logged
from studies.pages import table

KINDS: Final = ("plain", "tasks", "unseen_textures", "unseen_shapes")
CROWDS: Final = {"1": (1, 1), "2 to 3": (2, 3), "4 to 6": (4, 6), "7 or more": (7, 99)}  # things in a picture
TOLD: Final = {  # answers to what a question tells
    "read": markup.LOCATED_SENTENCE,
    "moved": MOVES,
    "turned": ANGLE,
    "likened": markup.LOCATED_SENTENCE,
    "meant": MEANING,
}
POINTED: Final = Grammar(Repeat("points", Grammar("<b>", markup.pair("x", "y"), "</b>"), most=4))
LISTED: Final = Grammar("<scene>", Repeat("objects", markup.LOCATED_SENTENCE, most=MOST), "</scene>")
NEAR: Final = (5.0, 10.0)  # pixels of a picture of 256 by 128
BATCH: Final = 32


class Share(NamedTuple):
    """How many of how many answers are right."""

    right: int
    of: int

    @property
    def interval(self) -> Interval:
        """Wilson's, at 95 %."""
        return wilson(self.right, self.of)

    def __str__(self) -> str:
        """In per cent, with interval and number; a dash where nothing was asked."""
        if not self.of:
            return "-"
        low, high = (100 * end for end in (self.interval.low, self.interval.high))
        return f"{100 * self.right / self.of:.1f} % [{low:.1f}, {high:.1f}] of {self.of}"


Figures: TypeAlias = dict[str, dict[str, Share | float]]  # by kind of picture and by what is measured


@dataclass(frozen=True)
class Measuring:
    """What to measure, and on how much."""

    model: Annotated[tyro.conf.Positional[Path], Doc("folder of the model")]
    scenes: Annotated[int, Doc("pictures of each kind, drawn apart from those that were learned from")] = 200
    seed: Annotated[str, Doc("of the pictures")] = "measure"
    out: Annotated[Path | None, Doc("JSON file of the figures; a share is [right, of]")] = None


@dataclass
class Tally:
    """Counts of one kind of picture."""

    errors: list[tuple[int, float]] = field(default_factory=list)  # things in the picture, pixels off
    found: list[tuple[int, int, int, int]] = field(default_factory=list)  # said, there, boxes right, names right too
    named: list[bool] = field(default_factory=list)
    counted: list[bool] = field(default_factory=list)
    elsewhere: list[bool] = field(default_factory=list)
    pointed: list[bool] = field(default_factory=list)  # at several things, in the order of their names
    beside: list[bool] = field(default_factory=list)
    likened: list[bool] = field(default_factory=list)
    told: dict[str, list[bool]] = field(default_factory=dict)  # by what is asked of a scene that is told

    def figures(self) -> dict[str, Share | float]:
        """What comes of the counts."""
        errors = np.array([error for _, error in self.errors])
        said, there, boxes, names = np.array(self.found).sum(0).tolist()
        shares = {f"within {near:g} px": _share((errors <= near).tolist()) for near in NEAR}
        crowds = {
            f"within 10 px by things: {name}": _share(
                [error <= NEAR[1] for count, error in self.errors if low <= count <= high]
            )
            for name, (low, high) in CROWDS.items()
        }
        return {
            "median px off": round(float(np.median(errors)), 2),
            "mean px off": round(float(errors.mean()), 2),
            **shares,
            **crowds,
            "boxes found (recall)": Share(boxes, there),
            "boxes right (precision)": Share(boxes, said),
            "found and named (recall)": Share(names, there),
            "found and named (precision)": Share(names, said),
            "named at a point": _share(self.named),
            "counted": _share(self.counted),
            "pointed in order": _share(self.pointed),
            "told what is beside": _share(self.beside),
            "told what a comparative fits": _share(self.likened),
            "told what is elsewhere": _share(self.elsewhere),
            **{f"quoted word for word: {kind}": _share(right) for kind, right in self.told.items()},
        }


@dataclass(frozen=True, eq=False)
class Examination:
    """A model before its pictures."""

    backbone: HfBackbone

    def tally(self, scenes: Sequence[Scene], progress: Progress = silent) -> Tally:
        """Every scene is asked where something is, for everything, a name, a number, and what the question tells."""
        tally = Tally()
        for first in range(0, len(scenes), BATCH):
            progress(first, len(scenes), "pictures")
            some = scenes[first : first + BATCH]
            self._where(some, tally)
            self._all(some, tally)
            self._what(some, tally)
            self._count(some, tally)
            self._points(some, tally, first)
            for kind, found in (("beside", tally.beside), ("likened", tally.likened)):
                replies = self._replies(kind, some, markup.LOCATED_SENTENCE, (10, first))
                found.extend(_same(mine, there) for mine, there in replies)
            self._elsewhere(some, tally, first)
            self._told(some, tally, first)
        return tally

    def _where(self, scenes: Sequence[Scene], tally: Tally) -> None:
        asked = [(scene, *one) for k, scene in enumerate(scenes) for one in _unique(scene, k)]
        replies = self._said([(scene, WHERE[0].format(name)) for scene, name, _ in asked], markup.LOCATED_SENTENCE)
        for (scene, _, thing), reply in zip(asked, replies, strict=True):
            box = markup.box(markup.LOCATED_SENTENCE.parse(reply), FRONT)
            tally.errors.append((len(scene.things), _between(box, thing.box)))

    def _all(self, scenes: Sequence[Scene], tally: Tally) -> None:
        for scene, reply in zip(scenes, self._said([(scene, LIST[1]) for scene in scenes], LISTED), strict=True):
            said = [Sighting(row["object"], markup.box(row, FRONT)) for row in LISTED.parse(reply)["objects"]]
            there = [Sighting(thing.name, thing.box) for thing in scene.things]
            boxes, names = (pairs(said, there, named=named) for named in (False, True))
            tally.found.append((len(said), len(there), boxes, names))

    def _what(self, scenes: Sequence[Scene], tally: Tally) -> None:
        asked = [(scene, thing) for k, scene in enumerate(scenes) for _, thing in _unique(scene, k)]
        points = [markup.pair("x", "y").format(_seen_at(scene, thing)) for scene, thing in asked]
        questions = [(scene, WHAT[0].format(point)) for (scene, _), point in zip(asked, points, strict=True)]
        for (_, thing), reply in zip(asked, self._said(questions, markup.LOCATED_SENTENCE), strict=True):
            tally.named.append(markup.LOCATED_SENTENCE.parse(reply)["object"] == thing.name)

    def _count(self, scenes: Sequence[Scene], tally: Tally) -> None:
        shapes = [scene.things[0].shape for scene in scenes]
        questions = [(scene, COUNT[0].format(f"{shape}s")) for scene, shape in zip(scenes, shapes, strict=True)]
        replies = self._said(questions, COUNTED)
        for scene, shape, reply in zip(scenes, shapes, replies, strict=True):
            number = sum(thing.shape == shape for thing in scene.things)
            tally.counted.append(COUNTED.parse(reply)["number"] == NUMBERS[number])

    def _points(self, scenes: Sequence[Scene], tally: Tally, first: int) -> None:
        for mine, there in self._replies("points", scenes, POINTED, (9, first)):
            said, true = (_pixels(POINTED.parse(text)["points"]) for text in (mine, there))
            same = len(said) == len(true)
            tally.pointed.append(same and bool((np.linalg.norm(said - true, axis=-1) <= NEAR[1]).all()))

    def _elsewhere(self, scenes: Sequence[Scene], tally: Tally, first: int) -> None:
        for mine, there in self._replies("elsewhere", scenes, MOVES, (8, first)):
            (seen, *told), (thing, *goals) = mine.split("\n"), there.split("\n")
            tally.elsewhere.append(_same(seen, thing) and told == goals)

    def _replies(
        self, kind: str, scenes: Sequence[Scene], grammar: Grammar, seed: tuple[int, int]
    ) -> Iterator[tuple[str, str]]:
        """What is said and what is true, for every scene that has an answer to such a question."""
        askers = [Asker(scene, np.random.default_rng((seed[0], seed[1] + k))) for k, scene in enumerate(scenes)]
        drawn = [(asker.scene, getattr(asker, kind)()) for asker in askers]
        asked = [(scene, question) for scene, question in drawn if question and question.answer != NOTHING]
        said = self._said([(scene, question.text) for scene, question in asked], grammar)
        return zip(said, (question.answer for _, question in asked), strict=True)

    def _told(self, scenes: Sequence[Scene], tally: Tally, first: int) -> None:
        for kind, grammar in TOLD.items():
            rngs = (np.random.default_rng((7, first + k)) for k in range(len(scenes)))
            asked = [getattr(Teller(scene, rng), kind)() for scene, rng in zip(scenes, rngs, strict=True)]
            texts = [(scene, question.text) for scene, question in zip(scenes, asked, strict=True)]
            said = self._said(texts, grammar)
            right = [reply == question.answer for reply, question in zip(said, asked, strict=True)]
            tally.told.setdefault(kind, []).extend(right)

    def _said(self, asked: Sequence[tuple[Scene, str]], grammar: Grammar) -> list[str]:
        conversations = [
            Conversation((Turn("user", f"{IMAGE}\n{question}"),), (Image.of(scene.rgb),)) for scene, question in asked
        ]
        return self.backbone.generate(conversations, [grammar] * len(conversations))


def _unique(scene: Scene, k: int) -> Iterator[tuple[str, Thing]]:
    """One thing whose whole name is its own, and that name."""
    every = Asker(scene, np.random.default_rng(k)).unambiguous
    named = {name: thing for name, thing in every if name == thing.name}
    if named:
        yield list(named.items())[k % len(named)]


def _seen_at(scene: Scene, thing: Thing) -> dict[str, float]:
    rows, columns = np.nonzero(scene.ids == thing.number)
    middle = len(rows) // 2
    return {"x": float(columns[middle]) / FRONT.width, "y": float(rows[middle]) / FRONT.height}


def _pixels(points: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Points in pixels, (N, 2)."""
    return np.array([(point["x"] * FRONT.width, point["y"] * FRONT.height) for point in points]).reshape(-1, 2)


def _same(said: str, true: str) -> bool:
    """Whether a thing is called the same and is near where it is."""
    seen, thing = (markup.LOCATED_SENTENCE.parse(line) for line in (said, true))
    return seen["object"] == thing["object"] and _between(markup.box(seen, FRONT), markup.box(thing, FRONT)) <= NEAR[1]


def _between(one: Box, other: Box) -> float:
    """Pixels from the middle of one box to that of another."""
    return float(np.hypot(*np.subtract(_middle(one), _middle(other))))


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


def _share(hits: Sequence[bool]) -> Share:
    return Share(sum(hits), len(hits))


def measure(measuring: Measuring, progress: Progress = silent) -> Figures:
    """The figures by kind of picture."""
    examination, clock = Examination(load(measuring.model, "cpu", "float32")), Clock(progress)
    figures = {}
    for kind in KINDS:
        scenes = [draw(measuring.seed, k, kind, most=2 + k % 7) for k in range(measuring.scenes)]
        figures[kind] = examination.tally(scenes, clock.stage(f"{measuring.model}: {kind}")).figures()
    return figures


def as_table(figures: Figures) -> str:
    """The figures as Markdown: a row for each, a column for each kind of picture."""
    rows = [(name, *(str(found[name]) for found in figures.values())) for name in next(iter(figures.values()))]
    return table(("", *(kind.replace("_", " ") for kind in figures)), rows)


def main() -> None:
    """Measure and print."""
    measuring = tyro.cli(Measuring, prog="python -m pretraining.measure", description=__doc__)
    figures = measure(measuring, logged())
    if measuring.out is not None:
        write_json(measuring.out, figures)
    sys.stdout.write(as_table(figures) + "\n")


if __name__ == "__main__":
    main()
