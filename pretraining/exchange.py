"""A question and its answer, and what is known of their parts: what they are about, where they stand already."""

from collections.abc import Sequence
from dataclasses import dataclass

from instar import markup
from instar.demo import SceneObject
from instar.embodiments.vima import FRONT
from pretraining.scenes import Thing


@dataclass(frozen=True)
class Pointer:
    """A stretch of an answer, or of a question, that is about one thing in the picture."""

    start: int  # characters
    stop: int
    number: int  # of the thing in the picture's ids


@dataclass(frozen=True)
class Quote:
    """A stretch of an answer, or of the question itself, that goes back to an earlier one of the question."""

    start: int  # characters of the answer, or of the question
    stop: int
    source: int  # where what it goes back to begins in the question


@dataclass(frozen=True)
class Sense:
    """A word of a question that means something there which other words of the question give away."""

    stop: int  # characters; where the word ends
    meaning: int


@dataclass(frozen=True)
class Question:
    """One exchange about a picture."""

    text: str
    answer: str
    pointers: tuple[Pointer, ...] = ()  # stretches of the answer that are about a thing: its name and its box
    mentions: tuple[Pointer, ...] = ()  # stretches of the question where it is known which thing it speaks of
    quotes: tuple[Quote, ...] = ()  # stretches of the answer that stand in the question
    signs: tuple[Quote, ...] = ()  # stretches of the answer that one character of the question gives away
    again: tuple[Quote, ...] = ()  # stretches of the question that tell of a thing that it told of before
    senses: tuple[Sense, ...] = ()  # words of the question whose meaning it gives


def sentence(thing: Thing) -> str:
    """A thing's name and box."""
    return markup.LOCATED_SENTENCE.format(markup.located(_as_object(thing), FRONT))


def scene_of(things: Sequence[Thing]) -> str:
    """A scene that is told: a sentence for each thing."""
    return markup.SCENE.format({"objects": [markup.located(_as_object(thing), FRONT) for thing in things]})


def quoting(text: str, answer: str, sources: Sequence[tuple[str, int]]) -> Question:
    """An exchange whose answer has stretches of the question, one after the other, each with where it stands there."""
    quotes, end = [], 0
    for quoted, source in sources:
        start = answer.index(quoted, end)
        end = start + len(quoted)
        quotes.append(Quote(start, end, source))
    return Question(text, answer, quotes=tuple(quotes))


def _as_object(thing: Thing) -> SceneObject:
    """A thing as the toolkit's own sentences take it."""
    return SceneObject(thing.number, thing.shape, thing.texture, {FRONT.name: thing.box})
