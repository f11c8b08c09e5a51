"""Tests of the auxiliary tasks in compat mode: LLaRA's toy outputs character by character, its slips included."""

import re
from dataclasses import replace
from typing import Any

import pytest

from instar.auxiliary.actions import ActionPrediction, FuturePrediction
from instar.auxiliary.relations import PUBLISHED_PLACE, SpatialRelation, TemporalRelation, measured, place_values
from instar.chat import AuxiliaryTask
from instar.demo import Box, Step
from instar.embodiments.vima import FRONT
from instar.plugins import choice_of, make, names
from instar.wording import wording
from tests.auxiliary.scenes import all_of, answer, titled
from tests.golden import assert_golden
from tests.toy import toy_action, toy_episode, toy_objects, toy_observation, whole_pixel_episode

TOYS = (whole_pixel_episode("scene"), whole_pixel_episode("object"))
SECOND_SCENE = (
    "<scene><p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.\n"
    "<p>red swirl block</p> at <b>(0.699, 0.633), {0.090, 0.180}</b>.\n"
    "<p>green heart</p> at <b>(0.387, 0.461), {0.074, 0.148}</b>.</scene>"
)
FIRST = (
    "Pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, "
    "and drop it at <b>(0.703, 0.641)</b>."
)
SECOND = (
    "Pick up the <p>green heart</p> at <b>(0.391, 0.469)</b>, rotate <r>[-90]</r> degrees, "
    "and drop it at <b>(0.195, 0.469)</b>."
)


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        *(("obj_det", 8), ("obj_loc", 22), ("act_pred", 4), ("fut_pred", 4), ("spa_rel", 42), ("tmp_rel", 24)),
        *(("obj_det:references=false", 6), ("obj_loc:references=false", 18), ("spa_rel:references=false", 36)),
    ],
)
@pytest.mark.parametrize("compat", ["true", "false"])
def test_every_data_set_has_the_size_of_llara_on_its_toy(choice: str, count: int, compat: str) -> None:
    task: AuxiliaryTask = make("auxiliary", f"{choice}{',' if ':' in choice else ':'}compat={compat}")
    assert len(all_of(task, *TOYS)) == count


@pytest.mark.parametrize("name", ["obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel"])
def test_every_task_has_the_option_knows_its_wording_and_can_be_made_again(name: str) -> None:
    task: Any = make("auxiliary", f"{name}:compat=true")
    assert name in names("auxiliary")
    assert task.compat
    assert task.wording_hash == wording().hash
    assert make("auxiliary", choice_of("auxiliary", task)) == task


def test_an_action_is_predicted_with_whole_pixels_and_degrees() -> None:
    asked = all_of(ActionPrediction(compat=True), TOYS[0])
    assert [answer(conversation) for _, conversation in asked] == [FIRST, SECOND]
    assert SECOND_SCENE in asked[0][1].question
    assert asked[0][1].question.endswith("\n" + wording().format["suction"])


def test_the_future_is_asked_about_with_the_action_in_lower_case_and_answered_with_the_scene() -> None:
    [(_, first), (_, second)] = all_of(FuturePrediction(compat=True), TOYS[0])
    assert FIRST.removesuffix(".").replace("Pick", "pick") in first.question
    assert SECOND.removesuffix(".").replace("Pick", "pick") in second.question
    assert answer(first) == SECOND_SCENE


def test_a_place_is_told_as_by_llara() -> None:
    assert answer(all_of(SpatialRelation(compat=True), TOYS[0])[0][1]) == (
        "<p>blue bowl</p> is right and top from <p>red swirl block</p> with 2d center distance (x,y) of "
        "<d>(0.500, -0.094)</d> and euclidean center distance of <e>0.509</e>."
    )


def test_a_change_is_told_with_a_line_break_at_its_end_and_a_slash_after_the_picture() -> None:
    first = all_of(TemporalRelation(compat=True), TOYS[0])[0][1]
    assert answer(first) == (
        "<p>red swirl block</p> moves closer to <p>blue bowl</p>. 2d center distance (x,y) of <p>blue bowl</p> from "
        "<p>red swirl block</p> changes by <d>(-0.500, 0.078)</d> and Euclidean center distance between them "
        "<e>-0.493</e>.\n"
    )
    assert first.question.startswith("<image>/n")
    assert "<image>\n" not in first.question


def test_the_example_of_a_change_keeps_its_full_stop_and_line_break() -> None:
    asked = [conversation for view, conversation in all_of(TemporalRelation(compat=True), TOYS[0]) if view.key == "0"]
    for k, conversation in enumerate(asked):
        assert answer(asked[k - 1]) in conversation.question
        assert answer(asked[k - 1]).endswith("</e>.\n")


@pytest.mark.parametrize(
    ("ego", "across", "down"),
    [
        (Box(0, 0, 9, 9), "left", "top"),
        (Box(10, 10, 75, 75), "horizontally containig", "vertically containig"),
        (Box(30, 30, 90, 90), "horizontally containig", "horizontally containig"),  # the wrong axis
        (Box(60, 60, 90, 90), "right", "bottom"),
    ],
)
def test_sides_are_misspelt_and_once_of_the_wrong_axis(ego: Box, across: str, down: str) -> None:
    spots = measured({"a": ego, "b": Box(40, 40, 70, 70)}, FRONT, compat=True)
    values = place_values("a", "b", spots, compat=True)
    assert (values["horizontal"], values["vertical"]) == (across, down)
    assert f" is {across} and {down} from " in PUBLISHED_PLACE.format(values)


def test_the_ends_of_a_box_are_counted_from_its_rounded_middle() -> None:
    # Columns 10 to 21 have their middle at 15, so that the box is taken to end at 20.5, before 21.
    boxes = {"a": Box(10, 0, 21, 9), "b": Box(12, 0, 20, 9)}
    assert place_values("a", "b", measured(boxes, FRONT))["horizontal"] == "horizontally containing"
    boxes = {"a": Box(10, 0, 21, 9), "b": Box(11, 0, 21, 9)}
    assert place_values("a", "b", measured(boxes, FRONT))["horizontal"] == "horizontally containing"
    published = place_values("a", "b", measured(boxes, FRONT, compat=True), compat=True)
    assert published["horizontal"] == "left"


def test_a_distance_that_shrinks_by_next_to_nothing_is_minus_zero() -> None:
    before = toy_objects((4, Box(0, 0, 9, 9)), (5, Box(200, 3, 209, 12)))
    after = toy_objects((4, Box(0, 0, 9, 9)), (5, Box(200, 2, 209, 11)))
    steps = [Step(toy_observation(before), toy_action((100, 60), (50, 60), 0.0)), Step(toy_observation(after), None)]
    episode = replace(toy_episode(), steps=steps)
    told = {compat: answer(all_of(TemporalRelation(compat=compat), episode)[0][1]).strip() for compat in (True, False)}
    assert told[True].endswith("<e>-0.000</e>.")
    assert told[False].endswith("<e>0.000</e>.")
    assert told[True].replace("-0.000", "0.000") == told[False].replace("-0.000", "0.000")


def test_by_default_words_are_spelt_right() -> None:
    for task in (SpatialRelation(), TemporalRelation()):
        for _, conversation in all_of(task):
            assert not re.search("containig|<image>/n", conversation.question)
            assert "containig" not in answer(conversation)
            assert not answer(conversation).endswith("\n")


def test_conversations_are_those_in_the_golden_file() -> None:
    assert_golden("tmp_rel_compat", titled(TemporalRelation(compat=True), whole_pixel_episode()))
