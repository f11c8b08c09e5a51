"""Policies: contexts in, action chunks out. Where a policy runs, and what it is made of, is nobody else's business."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from instar.chat import Conversation, Recipe
from instar.demo import Context
from instar.errors import MismatchError, ReplyError
from instar.grammar import Grammar
from instar.robot import ActionChunk, Robot


@dataclass(frozen=True)
class PolicySpec:
    """What a policy is, as far as others must know to use it."""

    name: str
    robots: tuple[Robot, ...]  # those it was taught on; () if it can act on any
    past: int  # earlier steps it looks at
    horizon: int  # at most so many actions per chunk

    def own(self, robot: Robot) -> Robot:
        """`robot` as this policy knows it, with the bounds that it learned; `robot` itself where it can act on any.

        Raises MismatchError naming all disagreements if it is none of its robots, and where it is two of them that
        differ in their bounds.
        """
        if not self.robots:
            return robot
        if len(self.robots) == 1:
            self.robots[0].require(robot)
            return self.robots[0]
        return self._one_of_several(robot)

    def _one_of_several(self, robot: Robot) -> Robot:
        found, refusals = [], []
        for mine in self.robots:
            try:
                mine.require(robot, mine.name)
                found.append(mine)
            except MismatchError as error:
                refusals.append(str(error))
        if not found:
            raise MismatchError(
                f"{self.name} was taught on {len(self.robots)} robots and this is none of them: " + "; ".join(refusals)
            )
        if len({(mine.actions.low, mine.actions.high) for mine in found}) > 1:
            raise MismatchError(
                f"{self.name} was taught on {found[0].name} by {len(found)} sources with other bounds of actions; "
                "name the source that is meant (`source`)"
            )
        return found[0]


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
    robots: tuple[Robot, ...]  # those it was taught on, as the recipe looks at them
    recipe: Recipe
    speaker: Speaker
    constrained: bool = True  # let the model say only what can be read

    @cached_property
    def spec(self) -> PolicySpec:
        """The robots and the recipe's window."""
        return PolicySpec(self.name, self.robots, self.recipe.past, self.recipe.horizon)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """Ask about every context at once and read every reply. Bounds of actions are those that were learned."""
        contexts = [replace(context, robot=self.spec.own(context.robot)) for context in contexts]
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
            return ActionChunk(np.empty((0, context.robot.actions.dim)), reply, question, unreadable=str(error))
