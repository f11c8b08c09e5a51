"""Tests of act_pred and fut_pred on the toy, where every action and its outcome are known."""

from dataclasses import replace

import pytest

from instar import markup
from instar.auxiliary.actions import ActionPrediction, FuturePrediction
from instar.chat import AuxiliaryTask
from instar.demo import Step
from instar.embodiments.vima import FRONT, VIMA
from instar.errors import MismatchError
from instar.plugins import choice_of, make
from instar.recipes.llara import Llara
from instar.wording import wording
from tests.auxiliary.scenes import all_of, answer, titled
from tests.golden import assert_golden
from tests.toy import toy_episode, toy_observation

TASKS = [ActionPrediction(), FuturePrediction()]


@pytest.mark.parametrize("task", TASKS)
def test_asks_once_per_action_about_the_frame_before_it(task: AuxiliaryTask) -> None:
    asked = all_of(task)
    assert len(asked) == 4
    assert [view.key for view, _ in asked] == ["0", "1"] * 2
    assert all(conversation.images == (view.images["front"],) for view, conversation in asked)


@pytest.mark.parametrize("choice", ["act_pred:camera=top", "fut_pred:camera=top"])
def test_is_an_auxiliary_task_with_options_that_make_it_again(choice: str) -> None:
    task = make("auxiliary", choice)
    assert isinstance(task, AuxiliaryTask)
    assert make("auxiliary", choice_of("auxiliary", task)) == task


@pytest.mark.parametrize("spatula", [0.0, 1.0])
def test_the_action_predicted_is_that_of_the_recipe_without_its_number(spatula: float) -> None:
    episode = toy_episode(spatula=spatula)
    steps = Llara().answer(episode, 0).split("\n")
    sentences = [answer(conversation) for _, conversation in all_of(ActionPrediction(), episode)]
    assert [f"Step {k}: {sentence}" for k, sentence in enumerate(sentences, start=1)] == steps
    tool: markup.Tool = "spatula" if spatula else "suction"
    assert markup.MOVES[tool].parse(sentences[0])["object"] == "red swirl block"


@pytest.mark.parametrize("spatula", [0.0, 1.0])
def test_predicting_an_action_shows_the_next_scene_and_then_the_format_of_the_tool(spatula: float) -> None:
    episode = toy_episode(spatula=spatula)
    tool: markup.Tool = "spatula" if spatula else "suction"
    for view, conversation in all_of(ActionPrediction(), episode):
        assert view.t is not None
        assert markup.scene(episode.steps[view.t + 1].observation.objects, FRONT) in conversation.question
        assert conversation.question.endswith("\n" + wording().format[tool])


def test_predicting_the_future_tells_the_action_in_the_middle_of_a_sentence() -> None:
    first, second = (conversation for _, conversation in all_of(FuturePrediction(), toy_episode()))
    action = (
        "pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, "
        "and drop it at <b>(0.703, 0.641)</b>"
    )
    assert action in first.question
    assert f"{action}.." not in first.question
    assert "pick up the <p>green heart</p>" in second.question
    assert "sweep the <p>" in all_of(FuturePrediction(), toy_episode(spatula=1.0))[0][1].question


def test_the_future_predicted_is_the_next_scene() -> None:
    episode = toy_episode()
    for t, (_, conversation) in enumerate(all_of(FuturePrediction(), episode)):
        after = episode.steps[t + 1].observation.objects
        assert answer(conversation) == markup.scene(after, FRONT)
        assert len(markup.SCENE.parse(answer(conversation))["objects"]) == 3


@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_asked_about_an_action_whose_outcome_is_unknown(task: AuxiliaryTask) -> None:
    episode = toy_episode()
    unseen = replace(episode, steps=episode.steps[:2])
    assert [view.key for view, _ in all_of(task, unseen)] == ["0"]
    blank = replace(episode, steps=[*episode.steps[:2], Step(toy_observation(()), None)])
    assert [view.key for view, _ in all_of(task, blank)] == ["0"]


@pytest.mark.parametrize("task", TASKS)
def test_a_robot_with_other_actions_is_refused(task: AuxiliaryTask) -> None:
    arm = replace(VIMA, actions=replace(VIMA.actions, mode="delta"))
    with pytest.raises(MismatchError, match="Choose another recipe or task"):
        all_of(task, replace(toy_episode(), robot=arm))


@pytest.mark.parametrize(("name", "task"), [("act_pred", TASKS[0]), ("fut_pred", TASKS[1])])
def test_conversations_are_those_in_the_golden_file(name: str, task: AuxiliaryTask) -> None:
    assert_golden(name, titled(task, toy_episode("scene"), toy_episode("scene", spatula=1.0)))
