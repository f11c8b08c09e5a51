"""One episode from the first observation to every possible ending."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from instar.demo import Context, Episode, Instruction, Observation, Step
from instar.errors import DataError, MismatchError, SimulatorError
from instar.robot import ActionChunk, Floats
from instar.rollout import EpisodeRecord, Outcome, Play, rollout
from tests.point_world import POINT, SPACE, Constant, PointWorld, Slider, trial


def steady(step: float) -> Constant:
    return Constant(ActionChunk(np.array([[step]])))


def test_reaching_the_goal_is_success() -> None:
    record = rollout(Slider(), PointWorld(), trial(seed=3))
    assert record.outcome is Outcome.SUCCESS
    assert record.id == "line/slide/3"
    assert (record.suite, record.task, record.seed, record.error) == ("line", "slide", 3, "")
    assert record.steps == len(record.trace) > 1
    assert record.instruction == record.trace[0].question
    goal = float(record.instruction.removeprefix("Slide to ").removesuffix("."))
    assert sum(step.action[0] for step in record.trace) == pytest.approx(goal, abs=0.01)


def test_falling_off_is_failure_with_the_reason_of_the_simulator() -> None:
    record = rollout(steady(-0.4), PointWorld(), trial())
    assert (record.outcome, record.steps, record.error) == (Outcome.FAILURE, 3, "fell off the line")


def test_running_out_of_steps_is_a_timeout() -> None:
    record = rollout(steady(0.0), PointWorld(), trial(max_steps=4))
    assert (record.outcome, record.steps) == (Outcome.TIMEOUT, 4)


def test_success_with_the_last_step_is_no_timeout() -> None:
    needed = rollout(Slider(), PointWorld(), trial()).steps
    assert rollout(Slider(), PointWorld(), trial(max_steps=needed)).outcome is Outcome.SUCCESS
    assert rollout(Slider(), PointWorld(), trial(max_steps=needed - 1)).outcome is Outcome.TIMEOUT


def test_a_reply_that_cannot_be_read_ends_the_episode_with_the_reply_on_record() -> None:
    chunk = ActionChunk(np.empty((0, 1)), reply="Sure!", question="Where to?", unreadable="expected a number")
    record = rollout(Constant(chunk), PointWorld(), trial())
    assert (record.outcome, record.steps, record.error) == (Outcome.UNREADABLE, 0, "expected a number")
    assert [(step.question, step.reply, step.action) for step in record.trace] == [("Where to?", "Sure!", ())]


@pytest.mark.parametrize(
    ("actions", "why"), [(np.empty((0, 1)), "without an action"), (np.array([[np.nan]]), "not finite")]
)
def test_an_answer_that_nothing_can_be_done_with_is_unreadable(actions: Floats, why: str) -> None:
    record = rollout(Constant(ActionChunk(actions)), PointWorld(), trial())
    assert record.outcome is Outcome.UNREADABLE
    assert why in record.error


@pytest.mark.parametrize(
    ("name", "steps", "error"),
    [("crash", 1, "ZeroDivisionError: the solver diverged"), ("refuse", 0, "SimulatorError: this scene cannot be set")],
)
def test_whatever_the_simulator_raises_is_a_crash(name: str, steps: int, error: str) -> None:
    record = rollout(Slider(), PointWorld(), trial(name))
    assert (record.outcome, record.steps, record.error) == (Outcome.CRASHED, steps, error)


def test_what_the_policy_raises_is_a_bug_and_stays_one() -> None:
    class Buggy(Slider):
        def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
            raise ZeroDivisionError(f"my own mistake in {len(contexts)} contexts")

    with pytest.raises(ZeroDivisionError, match="my own mistake"):
        rollout(Buggy(), PointWorld(), trial())


def test_refuses_a_simulator_with_other_units_before_the_first_step() -> None:
    other = replace(POINT, actions=replace(SPACE, units=("mm",)))
    world = PointWorld()
    with pytest.raises(MismatchError, match="units"):
        rollout(Slider(robots=(other,)), world, trial())
    assert world.taken == 0


def test_refuses_actions_of_another_width() -> None:
    with pytest.raises(MismatchError, match=r"\(1, 2\).*takes \(n, 1\): x"):
        rollout(Constant(ActionChunk(np.zeros((1, 2)))), PointWorld(), trial())


def test_takes_as_many_actions_of_a_chunk_as_replan_says() -> None:
    policy = Slider(horizon=3, stride=0.01)
    every = rollout(policy, PointWorld(), trial(max_steps=7))
    assert [step.reply.split(" ")[0] for step in every.trace] == [f"t={t}" for t in range(7)]
    third = rollout(policy, PointWorld(), trial(max_steps=7), replan=3)
    assert [step.reply.split(" ")[0] for step in third.trace] == ["t=0", "", "", "t=3", "", "", "t=6"]
    long = rollout(policy, PointWorld(), trial(max_steps=7), replan=100)
    assert [step.question != "" for step in long.trace] == [True, False, False] * 2 + [True]


def test_the_expert_of_the_simulator_plays_where_no_policy_is_given() -> None:
    ours = rollout(Slider(), PointWorld(), trial(seed=5))
    assert rollout(None, PointWorld(), trial(seed=5)).untimed() == ours.untimed()


def test_a_simulator_without_expert_is_refused() -> None:
    class Expertless(PointWorld):
        def expert(self) -> None:
            return None

    with pytest.raises(MismatchError, match="no expert"):
        rollout(None, Expertless(), trial())


def test_an_expert_at_its_wits_end_is_a_crash() -> None:
    class Lost(Slider):
        def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
            raise SimulatorError(f"no way to the goal from t={contexts[0].t}")

    class Maze(PointWorld):
        def expert(self) -> Slider:
            return Lost()

    record = rollout(None, Maze(), trial())
    assert (record.outcome, record.error) == (Outcome.CRASHED, "SimulatorError: no way to the goal from t=0")


@pytest.mark.parametrize("past", [0, 1, 3])
@pytest.mark.parametrize("replan", [1, 2])
def test_the_context_accumulated_is_the_context_cut_from_the_episode(past: int, replan: int) -> None:
    seen: list[Observation] = []
    play = Play(PointWorld(), trial(), past, replan, seen.append)
    contexts: list[Context] = []
    while play.context is not None:
        contexts.append(play.context)
        play.advance(Slider(horizon=2, stride=0.03).act([play.context])[0])
    assert play.record is not None
    actions = [np.array(step.action) for step in play.record.trace]
    steps = [Step(observation, action) for observation, action in zip(seen, [*actions, None], strict=True)]
    episode = Episode("line/slide/0", POINT, Instruction(play.record.instruction), steps)
    assert len(contexts) == -(-len(actions) // replan) > 2
    for context in contexts:
        cut = episode.context(context.t, past)
        assert cut.observation is context.observation
        assert [step.observation for step in cut.past] == [step.observation for step in context.past]
        assert [step.action for step in cut.past] == [step.action for step in context.past]


def test_the_film_is_shown_every_observation() -> None:
    seen: list[Observation] = []
    record = rollout(Slider(), PointWorld(), trial(), film=seen.append)
    assert len(seen) == record.steps + 1
    assert abs(seen[-1].state[0] - seen[-1].state[1]) < 0.01


def test_a_record_comes_back_from_its_json() -> None:
    for record in (rollout(Slider(), PointWorld(), trial()), rollout(None, PointWorld(), trial("crash"))):
        assert EpisodeRecord.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_row_that_is_no_record_is_refused() -> None:
    row = rollout(Slider(), PointWorld(), trial()).to_json()
    for damaged in ({**row, "outcome": "victory"}, {**row, "extra": 1}, {"id": "line/slide/0"}):
        with pytest.raises(DataError, match="not an episode record"):
            EpisodeRecord.from_json(damaged)


def test_labels_of_the_trial_are_on_record() -> None:
    labelled = replace(trial(), labels={"object": "bowl"})
    assert rollout(Slider(), PointWorld(), labelled).labels == {"object": "bowl"}
