"""Tests of spa_rel and tmp_rel on the toy, where every distance is known."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar import markup
from instar.auxiliary.relations import (
    AWAY,
    CLOSER,
    PLACE,
    SAME,
    SpatialRelation,
    TemporalRelation,
    measured,
    place_values,
)
from instar.chat import AuxiliaryTask
from instar.demo import Box, Episode, SceneObject, Step
from instar.embodiments.vima import FRONT
from instar.plugins import choice_of, make
from tests.auxiliary.scenes import all_of, answer, titled
from tests.golden import assert_golden
from tests.toy import BOWL, toy_action, toy_episode, toy_objects, toy_observation


def frames(*scenes: tuple[SceneObject, ...]) -> Episode:
    """An episode without references that shows `scenes` one after another."""
    steps = [Step(toy_observation(scene), toy_action((100, 60), (50, 60), 0.0)) for scene in scenes[:-1]]
    return replace(
        toy_episode(),
        instruction=replace(toy_episode().instruction, references={}),
        steps=[*steps, Step(toy_observation(scenes[-1]), None)],
    )


@pytest.mark.parametrize(
    ("task", "count"), [(SpatialRelation(), 42), (SpatialRelation(references=False), 36), (TemporalRelation(), 24)]
)
def test_asks_as_often_as_llara(task: AuxiliaryTask, count: int) -> None:
    assert len(all_of(task)) == count


@pytest.mark.parametrize("choice", ["spa_rel:references=false", "tmp_rel:camera=top"])
def test_is_an_auxiliary_task_with_options_that_make_it_again(choice: str) -> None:
    task = make("auxiliary", choice)
    assert isinstance(task, AuxiliaryTask)
    assert make("auxiliary", choice_of("auxiliary", task)) == task


def test_the_place_of_the_bowl_relative_to_the_block_is_that_of_llara() -> None:
    assert answer(all_of(SpatialRelation())[0][1]) == (
        "<p>blue bowl</p> is right and top from <p>red swirl block</p> with 2d center distance (x,y) of "
        "<d>(0.500, -0.094)</d> and euclidean center distance of <e>0.509</e>."
    )


def test_the_change_between_bowl_and_block_is_that_of_llara_without_its_line_break() -> None:
    assert answer(all_of(TemporalRelation())[0][1]) == (
        "<p>red swirl block</p> moves closer to <p>blue bowl</p>. 2d center distance (x,y) of <p>blue bowl</p> from "
        "<p>red swirl block</p> changes by <d>(-0.500, 0.078)</d> and Euclidean center distance between them "
        "<e>-0.493</e>."
    )


@pytest.mark.parametrize("task", [SpatialRelation(), TemporalRelation()])
def test_the_example_is_the_answer_about_the_pair_before_without_its_full_stop(task: AuxiliaryTask) -> None:
    asked = [conversation for view, conversation in all_of(task, toy_episode()) if view.key == "0"]
    assert len(asked) == 6
    for k, conversation in enumerate(asked):
        example = answer(asked[k - 1]).removesuffix(".")
        assert example in conversation.question
        assert answer(conversation).removesuffix(".") not in conversation.question
        assert f"{example}.." not in conversation.question


@pytest.mark.parametrize("task", [SpatialRelation(), TemporalRelation()])
def test_a_question_begins_on_the_line_after_the_picture_and_has_no_slot_left(task: AuxiliaryTask) -> None:
    for view, conversation in all_of(task):
        assert conversation.question.startswith("<image>\n")
        assert not any(slot in conversation.question for slot in ("{ego}", "{ref}", "{example}", "{scene}"))
        assert conversation.images == (view.images["front"],)


def test_a_change_is_asked_about_with_the_next_scene() -> None:
    episode = toy_episode()
    for view, conversation in all_of(TemporalRelation(), episode):
        assert view.t is not None
        assert markup.scene(episode.steps[view.t + 1].observation.objects, FRONT) in conversation.question


def related(ego: Box, ref: Box) -> tuple[str, str]:
    values = place_values("a", "b", measured({"a": ego, "b": ref}, FRONT))
    return values["horizontal"], values["vertical"]


@pytest.mark.parametrize(
    ("ego", "horizontal"),
    [
        (Box(0, 0, 20, 9), "left"),
        (Box(30, 0, 60, 9), "left"),
        (Box(10, 0, 75, 9), "horizontally containing"),
        (Box(30, 0, 90, 9), "horizontally containing"),
        (Box(60, 0, 90, 9), "right"),
        (Box(40, 0, 90, 9), "right"),
    ],
)
def test_sides_are_told_by_centres_and_borders_on_each_axis_by_its_own_word(ego: Box, horizontal: str) -> None:
    ref = Box(40, 40, 70, 70)
    assert related(ego, ref)[0] == horizontal
    turned = Box(ego.top, ego.left, ego.bottom, ego.right)
    words = {"left": "top", "right": "bottom", "horizontally containing": "vertically containing"}
    assert related(turned, ref)[1] == words[horizontal]


boxes = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 127), st.integers(0, 127)).map(
    lambda sides: Box(min(sides[:2]), min(sides[2:]), max(sides[:2]), max(sides[2:]))
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(boxes, boxes)
def test_a_place_can_be_read_back(ego: Box, ref: Box) -> None:
    values = place_values("blue bowl", "red block", measured({"blue bowl": ego, "red block": ref}, FRONT))
    read = PLACE.parse(PLACE.format(values))
    assert {slot: read[slot] for slot in ("ego", "ref", "horizontal", "vertical")} == {
        slot: values[slot] for slot in ("ego", "ref", "horizontal", "vertical")
    }
    assert all(abs(read[slot] - values[slot]) <= 0.00051 for slot in ("dx", "dy", "distance"))


@settings(derandomize=True, max_examples=100, deadline=None)
@given(boxes, boxes, boxes, boxes)
def test_a_change_can_be_read_back_and_says_which_way_it_went(a: Box, b: Box, later_a: Box, later_b: Box) -> None:
    episode = frames(toy_objects((4, a), (5, b)), toy_objects((4, later_a), (5, later_b)))
    text = answer(all_of(TemporalRelation(), episode)[0][1])
    offsets = [markup.centre(x, FRONT) - markup.centre(y, FRONT) for x, y in ((a, b), (later_a, later_b))]
    change = math.hypot(*offsets[1]) - math.hypot(*offsets[0])
    grammar = AWAY if change > 0.01 else CLOSER if change < -0.01 else SAME
    read = grammar.parse(text)
    assert (read["ego"], read["ref"]) == ("blue bowl", "red swirl block")
    assert (read["anchor"], read["mover"]) == ("blue bowl", "red swirl block")
    assert abs(read["distance"] - change) <= 0.00051
    assert abs(read["dx"] - (offsets[1] - offsets[0])[0]) <= 0.00051


def test_objects_called_the_same_count_once_with_the_last_of_their_boxes() -> None:
    twins = (*toy_objects((4, BOWL), (5, Box(0, 0, 9, 9))), *toy_objects((4, Box(100, 100, 119, 119))))
    asked = all_of(SpatialRelation(), frames(twins))
    assert len(asked) == 2
    assert PLACE.parse(answer(asked[0][1]))["dx"] == pytest.approx((109 - 4) / 256, abs=0.0005)


def test_only_what_is_seen_both_before_and_after_can_change() -> None:
    before = toy_objects((4, BOWL), (5, Box(0, 0, 9, 9)), (6, Box(20, 20, 29, 29)))
    asked = all_of(TemporalRelation(), frames(before, before[:2]))
    assert len(asked) == 2
    assert all("green heart" not in conversation.question for _, conversation in asked)


def test_nothing_is_asked_about_fewer_than_two_objects_or_without_a_next_frame() -> None:
    lonely = frames(toy_objects((4, BOWL)), toy_objects((4, BOWL)))
    assert not all_of(SpatialRelation(), lonely)
    assert not all_of(TemporalRelation(), lonely)
    unseen = replace(toy_episode(), steps=toy_episode().steps[:2])
    assert [view.key for view, _ in all_of(TemporalRelation(), unseen)] == ["0"] * 6


@pytest.mark.parametrize(("name", "task"), [("spa_rel", SpatialRelation()), ("tmp_rel", TemporalRelation())])
def test_conversations_are_those_in_the_golden_file(name: str, task: AuxiliaryTask) -> None:
    assert_golden(name, titled(task))
