"""Conversations about images, and the two things that hold them: recipes that teach acting, tasks that teach seeing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from instar.demo import Context, Episode, Image, Point, View
from instar.errors import DataError
from instar.grammar import Grammar
from instar.robot import Floats, Robot

IMAGE = "<image>"  # stands in a turn's text where a picture goes; the k-th one is the conversation's k-th image


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance. `learn` decides the loss mask, nothing else does."""

    role: Literal["system", "user", "assistant"]
    text: str
    learn: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Conversation:
    """Turns about images. Every `IMAGE` in a text is one image, in order."""

    turns: tuple[Turn, ...]
    images: tuple[Image, ...]

    def __post_init__(self) -> None:
        places = 0
        for turn in self.turns:
            places += turn.text.count(IMAGE)
        if places != len(self.images):
            raise DataError(f"a conversation has {len(self.images)} images and {places} places {IMAGE!r} for them")

    @property
    def question(self) -> str:
        """All that was said before the last assistant turn, for people to read."""
        return "\n".join(turn.text for turn in self.turns if turn.role != "assistant")

    def answered(self, answer: str) -> "Conversation":
        """The conversation with `answer` said by the assistant and learned from."""
        return Conversation((*self.turns, Turn("assistant", answer, learn=True)), self.images)


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a picture of a sample comes from."""

    name: str  # its path in a folder of pictures: "<episode>/rgb_<camera>/3.jpg", or ".../a_<slot>.png" for a reference
    number: int  # its place in a list of the sample's pictures: references in the instruction's order, the frame last

    @property
    def is_reference(self) -> bool:
        """Whether the instruction pointed to it; else it is a frame."""
        return self.name.rpartition("/")[2].startswith("a_")


@dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """A conversation to learn from, with where it came from."""

    id: str  # "<episode>/<view or step>/<kind>[/<n>]"
    kind: str  # the recipe's or auxiliary task's plugin name; counted and weighted by it
    conversation: Conversation
    weight: float = 1.0
    shows: tuple[Shown, ...] = ()  # one for each of the conversation's images; () where that is not known


@runtime_checkable
class Recipe(Protocol):
    """How acting becomes talking. Whoever writes the question also reads the answer."""

    @property
    def past(self) -> int:
        """How many earlier steps the question mentions."""
        ...

    @property
    def horizon(self) -> int:
        """At most so many actions are read from one reply."""
        ...

    def ask(self, context: Context) -> Conversation:
        """The question a model is asked: in training, in evaluation and when serving."""
        ...

    def answer(self, episode: Episode, t: int) -> str:
        """What the model should have said at step `t` of a demonstration."""
        ...

    def grammar(self, context: Context) -> Grammar:
        """The shape of every good reply in this context."""
        ...

    def read(self, reply: str, context: Context) -> Floats:
        """The actions in a reply, (n, dim) with n <= horizon, in the robot's units. Raises ReplyError."""
        ...

    def robot(self, robot: Robot) -> Robot:
        """`robot` cut down to what this recipe relies on: the cameras it looks through, say."""
        ...


@runtime_checkable
class Tracing(Protocol):
    """A recipe whose replies say where the end effector will go in the picture."""

    def traced(self, reply: str, robot: Robot) -> list[Point]:
        """The points of a reply in pixels of the picture, in order; none where it says none. Raises ReplyError."""
        ...


@runtime_checkable
class AuxiliaryTask(Protocol):
    """Self-supervised questions about one look at an episode, answered from what the source knows to be true."""

    def conversations(self, episode: Episode, view: View, rng: np.random.Generator) -> Iterator[Conversation]:
        """Question and answer pairs about `view`; none where the task has nothing to ask."""
        ...
