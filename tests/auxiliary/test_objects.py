"""Tests of obj_det and obj_loc on the toy, where every box is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from instar import markup
from instar.auxiliary.objects import Detection, Localization
from instar.chat import AuxiliaryTask
from instar.demo import Episode, SceneObject, Step
from instar.embodiments.vima import FRONT
from instar.errors import DataError, MismatchError
from instar.plugins import choice_of, make
from instar.wording import OURS, wording
from tests.auxiliary.scenes import all_of, answer, titled
from tests.golden import assert_golden
from tests.toy import ALONE, BOWL, toy_episode, toy_objects, toy_observation


def with_hidden(episode: Episode) -> Episode:
    """`episode` with one more object that only the top camera sees."""
    star = SceneObject(9, "star", "gray", {"top": ALONE})
    steps = [
        Step(replace(step.observation, objects=(*step.observation.objects, star)), step.action)
        for step in episode.steps
    ]
    return replace(episode, steps=steps)


@pytest.mark.parametrize(
    ("task", "count"),
    [
        (Detection(), 8),
        (Detection(references=False), 6),
        (Localization(), 22),
        (Localization(references=False), 18),
    ],
)
def test_asks_as_often_as_llara(task: AuxiliaryTask, count: int) -> None:
    assert len(all_of(task)) == count


@pytest.mark.parametrize("choice", ["obj_det:camera=top", "obj_loc:references=false"])
def test_is_an_auxiliary_task_with_options_that_make_it_again(choice: str) -> None:
    task = make("auxiliary", choice)
    assert isinstance(task, AuxiliaryTask)
    assert make("auxiliary", choice_of("auxiliary", task)) == task


def test_detection_answers_with_the_scene_of_the_view() -> None:
    for view, conversation in all_of(Detection()):
        assert conversation.images == (view.images["front"],)
        assert answer(conversation) == markup.scene(view.objects, FRONT)
        read = markup.SCENE.parse(answer(conversation))["objects"]
        assert [item["object"] for item in read] == [thing.name for thing in view.objects]


def test_detection_asks_with_one_of_its_templates() -> None:
    questions = {conversation.question for _, conversation in all_of(Detection())}
    assert questions <= {f"<image>\n{template}" for template in wording().obj_det}
    assert len(questions) > 1


def test_localization_asks_about_each_object_and_answers_with_its_box() -> None:
    asked = all_of(Localization(), toy_episode("object"))
    first = asked[0][1]
    assert answer(first) == "<p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>."
    assert answer(asked[-1][1]) == "<p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>."
    for _, conversation in asked:
        values = markup.LOCATED_SENTENCE.parse(answer(conversation))
        assert f"<p>{values['object']}</p>" in conversation.question
        assert "{object}" not in conversation.question


def test_the_same_seed_asks_the_same_and_another_seed_something_else() -> None:
    once, again, other = (
        [conversation.question for _, conversation in all_of(Localization(), seed=seed)] for seed in (3, 3, 4)
    )
    assert once == again
    assert once != other


def test_what_the_camera_cannot_see_is_not_asked_about() -> None:
    episode = with_hidden(toy_episode())
    assert len(all_of(Localization(references=False), episode)) == 9
    assert len(all_of(Localization(camera="top", references=False), episode)) == 12
    assert all("star" not in answer(conversation) for _, conversation in all_of(Detection(), episode))


@pytest.mark.parametrize("task", [Detection(), Localization()])
def test_nothing_is_asked_where_nothing_is_known(task: AuxiliaryTask) -> None:
    blank = replace(toy_episode(), steps=[Step(toy_observation(()), None)])
    assert {view.key for view, _ in all_of(task, blank)} == {"a_scene"}


@pytest.mark.parametrize("task", [Detection(camera="wrist"), Localization(camera="wrist")])
def test_a_camera_that_the_robot_lacks_is_refused(task: AuxiliaryTask) -> None:
    with pytest.raises(MismatchError, match="no camera 'wrist'"):
        all_of(task)


def test_a_view_without_the_picture_is_refused() -> None:
    episode = toy_episode()
    view = replace(next(iter(episode.views())), images={}, objects=toy_objects((4, BOWL)))
    with pytest.raises(DataError, match="view '0' has no picture of camera 'front'"):
        list(Detection().conversations(episode, view, np.random.default_rng(0)))


def test_another_wording_is_used(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(OURS.read_text(encoding="utf-8").replace("Where is {object}", "Whither {object}"), encoding="utf-8")
    questions = [c.question for seed in range(4) for _, c in all_of(Localization(wording=str(path)), seed=seed)]
    assert any(question.startswith("<image>\nWhither <p>") for question in questions)


@pytest.mark.parametrize(("name", "task"), [("obj_det", Detection()), ("obj_loc", Localization())])
def test_conversations_are_those_in_the_golden_file(name: str, task: AuxiliaryTask) -> None:
    assert_golden(name, titled(task))
