"""The answers of a result file in place of a policy: an episode played again hears what was said in it before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from instar import plugins
from instar.chat import Recipe
from instar.demo import Context, Instruction, Observation
from instar.errors import InstarError, ReplyError
from instar.plugins import Choice
from instar.policy import Policy, PolicySpec
from instar.robot import ActionChunk, Floats, Robot
from instar.simulator import Simulator, Task, Transition, Trial

SILENT: Final = "the record has no further answer"  # where a replay goes on past the end of the original


@dataclass(frozen=True)
class RecordedPolicy:
    """The answers of one episode on record, read by a recipe."""

    recipe: Recipe
    answers: tuple[str, ...]
    one_step: bool  # one answer per action; otherwise the whole of each answer is played
    name: str = ""  # of the episode: the source of random actions
    random: int | None = None  # the seed of what is done on an unreadable answer; None ends the episode there
    asks: bool = True  # put the recipe's own question into the chunk

    @property
    def spec(self) -> PolicySpec:
        """Remembers as much as the recipe."""
        return PolicySpec("recorded", (), self.recipe.past, self.recipe.horizon)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """What is on record for the step of each context."""
        return [self._chunk(context) for context in contexts]

    def _chunk(self, context: Context) -> ActionChunk:
        index = context.t if self.one_step else self._position(context)
        if index >= len(self.answers):
            return ActionChunk(self._nothing(context), unreadable=SILENT)
        chunk = self._read(self.answers[index], context)
        return replace(chunk, question=self._question(context)) if self.asks else chunk

    def _position(self, context: Context) -> int:
        """Which answer was given at this step, if every answer before it was played to its end."""
        t = 0
        for index, answer in enumerate(self.answers):
            if t >= context.t:
                return index
            t += len(self._read(answer, replace(context, t=t)).actions)
        return len(self.answers)

    def _read(self, answer: str, context: Context) -> ActionChunk:
        try:
            return ActionChunk(self.recipe.read(answer, context), answer)
        except ReplyError as error:
            actions = self._nothing(context) if self.random is None else self._drawn(context)
            return ActionChunk(actions, answer, unreadable=str(error))

    def _question(self, context: Context) -> str:
        try:
            return self.recipe.ask(context).question
        except InstarError as error:
            return f"{type(error).__name__}: {error}"

    def _nothing(self, context: Context) -> Floats:
        return np.empty((0, context.robot.actions.dim))

    def _drawn(self, context: Context) -> Floats:
        """One action between random positions, without a turn, as the original does."""
        space = context.robot.actions
        key = hashlib.blake2b(f"{self.random}/{self.name}/{context.t}".encode(), digest_size=16).digest()
        drawn = np.random.default_rng(int.from_bytes(key, "big")).uniform(space.low, space.high)
        return np.where([unit == "m" for unit in space.units], drawn, 0.0)[None]


@dataclass(frozen=True)
class Script:
    """All that a simulator process must know to play a file again."""

    simulator: Choice
    recipe: Choice
    answers: Mapping[str, tuple[str, ...]]  # by id of the trial
    one_step: bool
    random: int | None
    asks: bool

    def policy(self, recipe: Recipe, trial: str) -> RecordedPolicy:
        """What is on record for a trial."""
        return RecordedPolicy(recipe, self.answers[trial], self.one_step, trial, self.random, self.asks)


@dataclass
class Rerun:
    """A simulator whose expert repeats what is on record for the episode in play."""

    script: Script
    inner: Simulator
    recipe: Recipe
    robot: Robot = field(init=False)
    _trial: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.robot = self.inner.robot

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene of an episode on record."""
        self._trial = Trial(task, seed).id
        return self.inner.reset(task, seed)

    def step(self, action: Floats) -> Transition:
        """As within."""
        return self.inner.step(action)

    def expert(self) -> Policy:
        """What is on record for the episode in play."""
        return self.script.policy(self.recipe, self._trial)

    def close(self) -> None:
        """As within."""
        self.inner.close()


def rerun(script: Script) -> Rerun:
    """The simulator and the recipe of a script, ready to play."""
    return Rerun(script, plugins.make("simulators", script.simulator), plugins.make("recipes", script.recipe))
