"""Tests of LLaRA's markup: what is written can be read, and says the same again."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar import markup
from instar.demo import Box, Episode, SceneObject, Step
from instar.embodiments.vima import FRONT, TOP, VIMA
from instar.errors import DataError, MismatchError, ReplyError
from instar.robot import Camera
from tests.toy import ALONE, BLOCK_AFTER, BOWL, HEART_BEFORE, toy_action, toy_episode, toy_objects, toy_observation

# The table in thousandths of the front picture: 3/256 to 254/256 across, 34/128 to 123/128 down.
across = st.integers(12, 992).map(lambda value: value / 1000)
down = st.integers(266, 961).map(lambda value: value / 1000)
many = settings(derandomize=True, max_examples=150, deadline=None)


def sentence(x0: float, y0: float, degrees: int, x1: float, y1: float) -> str:
    values = {"object": "red block", "x0": x0, "y0": y0, "degrees": degrees, "x1": x1, "y1": y1}
    return markup.MOVES["suction"].format(values)


def written_again(text: str, kind: type = np.float64) -> str:
    values = markup.MOVES["suction"].parse(text)
    action = markup.move_action(values, FRONT, VIMA).astype(kind).astype(np.float64)
    return markup.MOVES["suction"].format({"object": values["object"], **markup.move_values(action, FRONT)})


@many
@given(across, down, st.integers(-180, 180), across, down)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_a_move_read_and_written_again_is_the_same_text(
    kind: type, x0: float, y0: float, degrees: int, x1: float, y1: float
) -> None:
    text = sentence(x0, y0, degrees, x1, y1)
    assert written_again(text, kind) == text


@many
@given(
    *(st.floats(0.25, 0.75), st.floats(-0.5, 0.5), st.floats(0.25, 0.75), st.floats(-0.5, 0.5)),
    *(st.floats(-math.pi, math.pi), st.sampled_from([FRONT, TOP])),
)
def test_an_action_survives_its_text_to_half_a_thousandth_of_the_picture_and_half_a_degree(
    x0: float, y0: float, x1: float, y1: float, yaw: float, camera: Camera
) -> None:
    action = np.array([x0, y0, 0.0, x1, y1, yaw])
    text = markup.MOVES["spatula"].format({"object": "a", **markup.move_values(action, camera)})
    back = markup.move_action(markup.MOVES["spatula"].parse(text), camera, VIMA)
    seen, seen_back = camera.project(action[[0, 1]]), camera.project(back[[0, 1]])
    assert np.all(np.abs(seen - seen_back) <= 0.00051 * np.array([256, 128]))
    assert abs(math.remainder(back[5] - yaw, 2 * math.pi)) <= math.radians(0.501)
    assert np.array_equal(VIMA.actions.clip(back), back)


def test_the_middle_of_the_table_is_where_the_camera_sees_it_and_not_at_a_whole_pixel() -> None:
    values = markup.move_values(np.array([0.5, 0.0, 0.0, 0.25, -0.5, 0.0]), FRONT)
    text = markup.MOVES["suction"].format({"object": "a", **values})
    assert "(0.502, 0.613)" in text  # 128.5 / 256 and 78.5 / 128
    assert "(0.012, 0.266)" in text


@pytest.mark.parametrize(
    ("yaw", "degrees"), [(-30.4, 30), (90.6, -91), (-0.3, 0), (270.0, 90), (-350.0, -10), (180.0, -180), (-180.0, 180)]
)
def test_a_rotation_is_clockwise_rounded_and_at_most_half_a_turn(yaw: float, degrees: int) -> None:
    action = np.array([0.5, 0.0, 0.0, 0.5, 0.0, math.radians(yaw)])
    assert markup.move_values(action, FRONT)["degrees"] == degrees


def test_a_rotation_is_relative_to_the_yaw_at_the_start() -> None:
    action = np.array([0.5, 0.0, math.radians(20), 0.5, 0.0, math.radians(50)])
    assert markup.move_values(action, FRONT)["degrees"] == -30


def test_a_rotation_beyond_half_a_turn_is_read_as_the_shorter_one() -> None:
    action = markup.move_action(markup.MOVES["suction"].parse(sentence(0.5, 0.5, 270, 0.5, 0.5)), FRONT, VIMA)
    assert action[5] == pytest.approx(math.pi / 2)


def test_positions_off_the_table_are_read_as_its_border() -> None:
    action = markup.move_action(markup.MOVES["suction"].parse(sentence(0.0, 0.0, 0, 1.0, 1.0)), FRONT, VIMA)
    assert action.tolist() == [0.25, -0.5, 0.0, 0.75, 0.5, 0.0]


def test_a_yaw_is_not_clipped_to_bounds_that_count_from_zero() -> None:
    low, high = (0.25, -0.5, 0.0, 0.25, -0.5, 0.0), (0.75, 0.5, 6.3, 0.75, 0.5, 6.3)
    robot = replace(VIMA, actions=replace(VIMA.actions, low=low, high=high))
    action = markup.move_action(markup.MOVES["suction"].parse(sentence(0.5, 0.5, 30, 0.5, 0.5)), FRONT, robot)
    assert action[5] == pytest.approx(math.radians(-30))


@pytest.mark.parametrize(
    "loose",
    [
        "at <b>(0.301,  0.727)</b>, rotate <r>[-14]</r> degrees, and drop it at <b>(0.500, 0.617)</b>.",
        "at <b>(0.301,0.727)</b>, rotate <r>[-14]</r> degrees, and drop it at <b>(0.5,0.617)</b>.",
        " at  <b>( 0.301 , 0.727 )</b>,\nrotate<r>[-14]</r> degrees, and drop it at <b>(0.500, 0.617 )</b>.",
    ],
)
def test_white_space_is_forgiven_in_reading(loose: str) -> None:
    values = markup.MOVES["suction"].parse(f"Pick up the <p>a</p> {loose}")
    assert values == {"object": "a", "x0": 0.301, "y0": 0.727, "degrees": -14, "x1": 0.5, "y1": 0.617}


def test_a_sweep_is_not_read_as_a_pick() -> None:
    text = markup.MOVES["spatula"].format(markup.MOVES["suction"].parse(sentence(0.5, 0.5, 0, 0.5, 0.5)))
    assert text.startswith("Sweep the <p>red block</p>")
    assert text.endswith("and stop at <b>(0.500, 0.500)</b>.")
    with pytest.raises(ReplyError, match="expected 'Pick'"):
        markup.MOVES["suction"].parse(text)


def test_a_box_is_its_floored_centre_and_the_distance_of_its_borders() -> None:
    thing = SceneObject(5, "block", "red swirl", {"front": Box(40, 80, 63, 103)})
    text = markup.LOCATED_SENTENCE.format(markup.located(thing, FRONT))
    assert text == "<p>red swirl block</p> at <b>(0.199, 0.711), {0.090, 0.180}</b>."


@many
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 127), st.integers(0, 255), st.integers(0, 127)), min_size=1)
)
def test_a_scene_can_be_read_back(corners: list[tuple[int, int, int, int]]) -> None:
    objects = [
        SceneObject(k, f"thing {k}", "", {"front": Box(min(a, c), min(b, d), max(a, c), max(b, d))})
        for k, (a, b, c, d) in enumerate(corners)
    ]
    read = markup.SCENE.parse(markup.scene(objects, FRONT))["objects"]
    assert [item["object"] for item in read] == [thing.name for thing in objects]
    for item, thing in zip(read, objects, strict=True):
        wanted = markup.located(thing, FRONT)
        assert all(abs(item[slot] - wanted[slot]) <= 0.00051 for slot in ("cx", "cy", "w", "h"))
    assert markup.SCENE.format({"objects": read}) == markup.scene(objects, FRONT)


def test_what_a_camera_cannot_see_is_not_in_its_scene() -> None:
    hidden = SceneObject(9, "star", "", {"top": ALONE})
    text = markup.scene([*toy_objects((4, BOWL)), hidden], FRONT)
    assert text == "<scene><p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.</scene>"
    with pytest.raises(DataError, match="objects has 0 items"):
        markup.scene([hidden], FRONT)


def test_a_scene_is_put_into_words_once_and_never_taken_for_another() -> None:
    objects, elsewhere = toy_objects((4, BOWL)), toy_objects((4, ALONE))
    assert markup.sight(objects, FRONT) is markup.sight(objects, FRONT)
    assert markup.sight(objects, TOP) is not markup.sight(objects, FRONT)
    told = markup.scene(objects, FRONT)
    assert markup.scene(elsewhere, FRONT) != told
    for _ in range(2 * markup.RECENT):  # more than are remembered, each gone before the next one takes its place
        assert markup.scene(toy_objects((4, ALONE)), FRONT) == markup.scene(elsewhere, FRONT)
    assert markup.scene(objects, FRONT) == told
    changing = list(objects)
    markup.scene(changing, FRONT)
    changing[:] = elsewhere
    assert markup.scene(changing, FRONT) == markup.scene(elsewhere, FRONT)


def test_a_name_that_would_break_the_markup_is_refused() -> None:
    with pytest.raises(DataError, match="without any of"):
        markup.scene([SceneObject(1, "<image>", "", {"front": BOWL})], FRONT)


def test_the_object_moved_is_the_one_that_went_from_start_to_end() -> None:
    episode = toy_episode()
    assert [markup.moved_object(episode, t, FRONT) for t in (0, 1)] == ["red swirl block", "green heart"]


def episode_of(before: tuple[SceneObject, ...], *after: tuple[SceneObject, ...]) -> Episode:
    """One action from the block's place to the bowl, with what is seen before it and perhaps after it."""
    steps = [Step(toy_observation(before), toy_action((52, 92), (180, 82), 0.0))]
    return replace(toy_episode(), steps=[*steps, *(Step(toy_observation(seen), None) for seen in after)])


def test_an_object_that_vanishes_at_the_end_is_still_the_one_moved() -> None:
    before = toy_objects((4, BOWL), (5, Box(40, 80, 63, 103)), (6, HEART_BEFORE))
    after = toy_objects((4, BOWL), (6, HEART_BEFORE))
    assert markup.moved_object(episode_of(before, after), 0, FRONT) == "red swirl block"


def test_without_an_observation_afterwards_the_object_nearest_to_the_start_is_meant() -> None:
    before = toy_objects((4, BOWL), (6, HEART_BEFORE))
    assert markup.moved_object(episode_of(before), 0, FRONT) == "green heart"


def test_where_nothing_is_seen_beforehand_the_object_has_no_name() -> None:
    assert markup.moved_object(episode_of((), toy_objects((5, BLOCK_AFTER))), 0, FRONT) == "object"


def test_a_point_outside_the_picture_cannot_be_written() -> None:
    values = markup.move_values(np.array([0.5, 0.9, 0.0, 0.5, 0.0, 0.0]), FRONT)
    with pytest.raises(DataError, match=r"x0 = 1\.384 is not a number from 0 to 1"):
        markup.MOVES["suction"].format({"object": "a", **values})


def test_a_robot_with_other_actions_is_refused() -> None:
    robot = replace(VIMA, name="arm", actions=replace(VIMA.actions, names=("a", "b", "c", "d", "e", "f")))
    with pytest.raises(MismatchError, match=r"start_x.*'arm'.*absolute \(a, b, c, d, e, f\)"):
        markup.require_planar(robot)


@pytest.mark.parametrize("spaces", [0, 1, 2])
def test_a_move_may_have_other_spaces_in_its_first_position_and_is_read_with_any(spaces: int) -> None:
    values = {"object": "a", "x0": 0.1, "y0": 0.2, "degrees": 3, "x1": 0.4, "y1": 0.5}
    tools: tuple[markup.Tool, ...] = ("suction", "spatula")
    for tool in tools:
        text = markup.moves(spaces)[tool].format(values)
        assert f"(0.100,{' ' * spaces}0.200)" in text
        assert "(0.400, 0.500)" in text
        assert markup.MOVES[tool].parse(text) == values


def test_a_state_without_a_tool_means_a_suction_cup() -> None:
    assert markup.tool(VIMA, np.array([1.0])) == "spatula"
    assert markup.tool(VIMA, np.array([0.0])) == "suction"
    assert markup.tool(replace(VIMA, state=()), np.array([])) == "suction"
