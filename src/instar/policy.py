"""Policies: contexts in, action chunks out. Where a policy runs, and what it is made of, is nobody else's business."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from instar.chat import Conversation, Recipe
from instar.demo import Context
from instar.errors import ReplyError
from instar.grammar import Grammar
from instar.robot import ActionChunk, Robot


@dataclass(frozen=True)
class PolicySpec:
    """What a policy is, as far as others must know to use it."""

    name: str
    robot: Robot | None  # the robot it was taught on; None if it can act on any
    past: int  # earlier steps it looks at
    horizon: int  # at most so many actions per chunk


@runtime_checkable
class Policy(Protocol):
    """Stateless: equal contexts get equal answers, so it can be batched, served, resumed and tested."""

    @property
    def spec(self) -> PolicySpec: ...

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """One chunk per context. A reply that cannot be read is a chunk without actions, not an exception."""
        ...


class Speaker(Protocol):
    """What a policy needs of a model."""

    def generate(self, conversations: Sequence[Conversation], grammars: Sequence[Grammar | None]) -> list[str]:
        """One reply per conversation, within its grammar where there is one."""
        ...


@dataclass(frozen=True)
class VlmPolicy:
    """A vision-language model as a policy: the recipe asks, the model speaks, the recipe reads."""

    name: str
    robot: Robot
    recipe: Recipe
    speaker: Speaker
    constrained: bool = True  # let the model say only what can be read

    @property
    def spec(self) -> PolicySpec:
        """The robot and the recipe's window."""
        return PolicySpec(self.name, self.robot, self.recipe.past, self.recipe.horizon)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """Ask about every context at once and read every reply."""
        conversations = [self.recipe.ask(context) for context in contexts]
        grammars = [self.recipe.grammar(context) if self.constrained else None for context in contexts]
        replies = self.speaker.generate(conversations, grammars)
        return [
            self._read(reply, context, conversation.question)
            for reply, context, conversation in zip(replies, contexts, conversations, strict=True)
        ]

    def _read(self, reply: str, context: Context, question: str) -> ActionChunk:
        try:
            return ActionChunk(self.recipe.read(reply, context), reply, question)
        except ReplyError as error:
            return ActionChunk(np.empty((0, self.robot.actions.dim)), reply, question, unreadable=str(error))
