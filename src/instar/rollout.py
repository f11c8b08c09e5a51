"""One episode: a policy acts in a simulator until there is an outcome, and everything said and done is on record."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from instar.demo import Context, Instruction, Observation
from instar.errors import DataError, MismatchError
from instar.policy import Policy
from instar.robot import ActionChunk, ActionSpace, Floats
from instar.simulator import Simulator, Transition, Trial

logger = logging.getLogger(__name__)

Film = Callable[[Observation], None]  # is shown every observation of an episode, the first and the last included
Move = tuple[Floats, Observation]  # an action (dim,) and what was seen after it
T = TypeVar("T")


class Outcome(StrEnum):
    """How an episode ended."""

    SUCCESS = "success"
    FAILURE = "failure"  # the simulator ended it for good without success
    TIMEOUT = "timeout"  # the task's max_steps were used up
    UNREADABLE = "unreadable"  # the policy's answer held no action
    CRASHED = "crashed"  # the simulator broke down; says nothing about the policy


@dataclass(frozen=True)
class TraceStep:
    """One action and what it was read from; the later actions of one chunk have no words of their own."""

    question: str
    reply: str
    action: tuple[float, ...]  # in the robot's units; empty where the reply could not be read and nothing was done
    unreadable: str | None = None  # why the reply could not be read
    milliseconds: float = 0.0  # duration of the policy call, shared by all that it answered at once


@dataclass(frozen=True)
class EpisodeRecord:
    """What became of one trial."""

    id: str  # "<suite>/<task>/<seed>"
    suite: str
    task: str
    seed: int
    outcome: Outcome
    steps: int  # actions taken
    instruction: str = ""  # the words shown to the policy
    trace: tuple[TraceStep, ...] = ()
    error: str = ""  # why it failed, was unreadable or crashed, where somebody knows
    labels: Mapping[str, str] = field(default_factory=dict)  # the trial's labels

    def to_json(self) -> dict[str, Any]:
        """As a row of episodes.jsonl."""
        return asdict(self)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "EpisodeRecord":
        """Back from `to_json`. Raises DataError for a row that is no record."""
        try:
            trace = tuple(TraceStep(**{**step, "action": tuple(step["action"])}) for step in row["trace"])
            return cls(**{**row, "outcome": Outcome(row["outcome"]), "trace": trace})
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"not an episode record ({type(error).__name__}: {error}): {str(row)[:200]}") from error

    def untimed(self) -> "EpisodeRecord":
        """The record without its clock readings: all that must be equal when an episode is played again."""
        return replace(self, trace=tuple(replace(step, milliseconds=0.0) for step in self.trace))


def crashed(trial: Trial, error: str) -> EpisodeRecord:
    """The record of a trial that could not be played to an end."""
    return EpisodeRecord(
        trial.id,
        trial.task.suite,
        trial.task.name,
        trial.seed,
        Outcome.CRASHED,
        0,
        error=error,
        labels=dict(trial.labels),
    )


class Play:
    """One episode in play, as a state machine: there is either a `context` that waits for a chunk, or a `record`.

    Any exception of the simulator ends the episode as CRASHED; exceptions of the policy never come near it.
    """

    def __init__(
        self, simulator: Simulator, trial: Trial, past: int | None, replan: int = 1, film: Film | None = None
    ) -> None:
        """Reset the simulator. `past` None is as many steps as the simulator's own expert looks at."""
        self.trial = trial
        self.context: Context | None = None
        self.record: EpisodeRecord | None = None
        self.moves: list[Move] = []  # what the last `advance` did, except for an ending
        self._simulator, self._replan, self._film = simulator, replan, film
        self._trace: list[TraceStep] = []
        self._taken = 0
        self._expert: Policy | None = None  # for the episode in play
        self._past = past if past is not None else 0
        opening = self._guarded(lambda: simulator.reset(trial.task, trial.seed))
        if opening is not None:
            self._open(*opening, ask_expert=past is None)

    def _open(self, instruction: Instruction, observation: Observation, *, ask_expert: bool) -> None:
        if self._film is not None:
            self._film(observation)
        if ask_expert:
            self._expert = self._guarded(self._simulator.expert)
            self._past = self._expert.spec.past if self._expert is not None else 0
        if self.record is None:
            self.context = Context(self._simulator.robot, instruction, observation)

    def advance(self, chunk: ActionChunk, milliseconds: float = 0.0) -> None:
        """Take the first `replan` actions of `chunk`, or end the episode if it has none.

        Raises MismatchError if the actions are not as wide as the robot's.
        """
        assert self.context is not None, "an episode that has ended takes no more actions"
        self.moves = []
        problem = _problem(chunk, self.context.robot.actions)
        if problem is not None:
            self._trace.append(TraceStep(chunk.question, chunk.reply, (), problem, milliseconds))
            self._end(Outcome.UNREADABLE, problem)
            return
        words = (chunk.question, chunk.reply, chunk.unreadable, milliseconds)
        for action in np.asarray(chunk.actions, dtype=np.float64)[: self._replan]:
            question, reply, unreadable, spent = words
            self._trace.append(TraceStep(question, reply, tuple(action.tolist()), unreadable, spent))
            self._act(action)
            if self.record is not None:
                return
            words = ("", "", None, 0.0)

    def follow_expert(self) -> None:
        """Advance by what the simulator's own expert says; its exceptions are the simulator's.

        Raises MismatchError if the simulator has no expert for this task.
        """
        assert self.context is not None
        expert, context = self._expert, self.context
        if expert is None:
            raise MismatchError(f"{self.trial.id}: the simulator has no expert for this task; choose another policy")
        answer = self._guarded(lambda: timed(expert, [context]))
        if answer is not None:
            self.advance(answer[0][0], answer[1])

    def _act(self, action: Floats) -> None:
        assert self.context is not None
        # A copy, because an action stays in the context and a simulator may clip in place.
        transition = self._guarded(lambda: self._simulator.step(action.copy()))
        if transition is None:
            return
        self._taken += 1
        if self._film is not None:
            self._film(transition.observation)
        if transition.terminated:
            self._end(Outcome.SUCCESS if transition.success else Outcome.FAILURE, _reason(transition))
        elif self._taken >= self.trial.task.max_steps:
            self._end(Outcome.TIMEOUT, transition.reason)
        else:
            self.moves.append((action, transition.observation))
            self.context = self.context.after(action, transition.observation, self._past)

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """What a call of the simulator returns, or None after it ended the episode as CRASHED."""
        try:
            return call()
        except Exception as error:
            # Whatever a simulator raises is the simulator's failure; the run goes on.
            logger.warning("%s: the simulator crashed", self.trial.id, exc_info=True)
            self._end(Outcome.CRASHED, f"{type(error).__name__}: {error}")
            return None

    def _end(self, outcome: Outcome, error: str) -> None:
        trial, task = self.trial, self.trial.task
        text = self.context.instruction.text if self.context is not None else ""
        self.record = EpisodeRecord(
            id=trial.id,
            suite=task.suite,
            task=task.name,
            seed=trial.seed,
            outcome=outcome,
            steps=self._taken,
            instruction=text,
            trace=tuple(self._trace),
            error=error,
            labels=dict(trial.labels),
        )
        self.context = None


def _reason(transition: Transition) -> str:
    return "" if transition.success else transition.reason


def _problem(chunk: ActionChunk, space: ActionSpace) -> str | None:
    """Why nothing can be done with `chunk`, or None."""
    actions = np.asarray(chunk.actions)
    if actions.size == 0:
        return chunk.unreadable or "the policy answered without an action"
    if actions.ndim != 2 or actions.shape[1] != space.dim:
        raise MismatchError(
            f"the policy answered with actions of shape {actions.shape}; the robot takes (n, {space.dim}): "
            + ", ".join(space.names)
        )
    return None if np.isfinite(actions).all() else "the policy answered with an action that is not finite"


def rollout(
    policy: Policy | None, simulator: Simulator, trial: Trial, replan: int = 1, film: Film | None = None
) -> EpisodeRecord:
    """Play one trial to its end, asking again after every `replan` actions. `policy` None is the simulator's expert.

    Raises MismatchError, before the first step, if policy and simulator do not describe the same robot.
    """
    if policy is not None:
        agree(policy, simulator)
    play = Play(simulator, trial, None if policy is None else policy.spec.past, replan, film)
    while play.context is not None:
        if policy is None:
            play.follow_expert()
        else:
            [chunk], milliseconds = timed(policy, [play.context])
            play.advance(chunk, milliseconds)
    assert play.record is not None
    return play.record


def agree(policy: Policy, simulator: Simulator) -> None:
    """Raise MismatchError unless `policy` can act on the robot of `simulator`."""
    policy.spec.own(simulator.robot)


def timed(policy: Policy, contexts: Sequence[Context]) -> tuple[list[ActionChunk], float]:
    """The policy's chunks for `contexts`, and the milliseconds that it took."""
    start = time.perf_counter()
    chunks = policy.act(contexts)
    assert len(chunks) == len(contexts), f"{policy.spec.name}: {len(chunks)} chunks for {len(contexts)} contexts"
    return chunks, 1000 * (time.perf_counter() - start)
