"""Tests of the published arithmetic: LLaRA's numbers by hand, and its parser on what models say."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar import compat, markup
from instar.compat import Numbers, loose_moves, settled_pose, settled_yaw
from instar.demo import Box, Episode, SceneObject
from instar.embodiments.vima import FRONT, TOP, VIMA, yaw_to_quaternion
from instar.errors import MismatchError, ReplyError
from instar.plugins import make
from instar.robot import Camera
from tests.toy import toy_episode, toy_objects, whole_pixel_episode

PUBLISHED = Numbers(compat=True)
GOLDEN = (
    "Pick up the <p>a</p> at <b>(0.301,  0.727)</b>, rotate <r>[-14]</r> degrees, and drop it at <b>(0.500, 0.617)</b>."
)

many = settings(derandomize=True, max_examples=200, deadline=None)
xs, ys = st.floats(0.25, 0.75, width=32), st.floats(-0.5, 0.5, width=32)


def action(x: float, y: float, degrees: float = 0.0) -> np.ndarray:
    return np.array([x, y, 0.0, x, y, math.radians(degrees)])


def said(x: float, y: float, camera: Camera = FRONT) -> tuple[float, float]:
    values = PUBLISHED.values(action(x, y), camera)
    return values["x0"], values["y0"]


@pytest.mark.parametrize(
    ("camera", "place", "pixel"),
    [
        (FRONT, (0.5, 0.0), (128, 78)),
        (FRONT, (0.25, -0.5), (3, 34)),
        (FRONT, (0.75, 0.5), (254, 123)),
        (TOP, (0.25, -0.5), (2, 1)),
        (TOP, (0.5, 0.0), (127, 64)),
        (TOP, (0.75, 0.5), (253, 127)),
    ],
)
def test_positions_are_the_whole_pixels_of_llara(
    camera: Camera, place: tuple[float, float], pixel: tuple[int, int]
) -> None:
    assert said(*place, camera) == (pixel[0] / 256, pixel[1] / 128)


def test_the_middle_of_the_table_in_text() -> None:
    text = markup.MOVES["suction"].format({"object": "a", **PUBLISHED.values(action(0.5, 0.0), FRONT)})
    assert "<b>(0.500, 0.609)</b>" in text


@many
@given(xs, ys)
def test_every_position_is_cut_down_to_a_whole_pixel(x: float, y: float) -> None:
    column, row = (part * size for part, size in zip(said(x, y), (256, 128), strict=True))
    assert (column, row) == (int((y + 0.5) * 251 + 3), int((x - 0.25) * 178 + 34))


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        *((0, -30.4, 30), (0, 90.6, -90), (0, -90.9, 90), (0, 0.9, 0), (0, -0.9, 0), (0, 90, -90), (0, -90, 90)),
        *((-170, 170.5, -340), (170.5, -170, 340), (0, 200, 160), (0, -200, -160)),
    ],
)
def test_a_turn_is_cut_down_to_whole_degrees_and_the_difference_of_two_is_not_wrapped(
    start: float, end: float, text: int
) -> None:
    move = np.array([0.5, 0.0, math.radians(start), 0.5, 0.0, math.radians(end)])
    assert PUBLISHED.values(move, FRONT)["degrees"] == text


def test_a_turn_read_is_kept_as_a_quaternion_in_float32() -> None:
    read = PUBLISHED.action({"x0": 0.5, "y0": 0.6, "degrees": 30, "x1": 0.5, "y1": 0.6}, FRONT, VIMA)
    half = math.radians(-15)
    kept = np.array([math.sin(half), math.cos(half)], dtype=np.float32)
    assert math.tan(read[5] / 2) == pytest.approx(float(kept[0]) / float(kept[1]), rel=1e-15)
    assert np.allclose(yaw_to_quaternion(read[5]), [0, 0, *kept], atol=1e-6)
    assert np.degrees(read[5]) == pytest.approx(-30, abs=1e-5)


def test_what_was_executed_is_told_a_degree_short_where_float32_falls_short() -> None:
    # -float32(sin 15) / float32(cos 15) is an angle a little under or over 30 degrees; int() takes what is below.
    told = [-compat.degrees(np.array([0, 0, 0, 0, 0, settled_yaw(-degrees)])) for degrees in range(181)]
    assert all(told[degrees] in (degrees, degrees - 1) for degrees in range(1, 181))
    assert told[0] == 0
    assert told[90] == 90
    assert sum(told[degrees] == degrees - 1 for degrees in range(181)) > 40


@many
@given(st.floats(-1, 2), st.floats(-1, 2))
def test_positions_read_are_inside_the_table_and_in_float32(x: float, y: float) -> None:
    values = {"x0": x, "y0": y, "degrees": 0, "x1": x, "y1": y}
    read = PUBLISHED.action(values, FRONT, VIMA)
    assert np.array_equal(VIMA.actions.clip(read), read)
    wanted = np.clip(((y * 128 - 34) / 178 + 0.25, (x * 256 - 3) / 251 - 0.5), (0.25, -0.5), (0.75, 0.5))
    assert np.array_equal(read[:2].astype(np.float32), wanted.astype(np.float32))
    assert np.array_equal(read[:2].astype(np.float32).astype(np.float64), read[:2])


def test_a_position_off_the_table_is_moved_to_its_border() -> None:
    assert settled_pose(-3.0, math.inf) == (0.25, 0.5)


def test_reads_the_loose_text_of_released_models() -> None:
    assert loose_moves(GOLDEN) == [{"x0": 0.301, "y0": 0.727, "degrees": -14, "x1": 0.500, "y1": 0.617}]
    read = make("recipes", "llara:compat=true").read(GOLDEN, toy_episode().context(0, 0))
    j, i = (0.301 * 256 - 3) / 251 - 0.5, (0.727 * 128 - 34) / 178 + 0.25
    assert read[0, :2] == pytest.approx([i, j], abs=1e-7)
    assert math.degrees(read[0, 5]) == pytest.approx(14, abs=1e-5)


@pytest.mark.parametrize(
    ("reply", "count"),
    [
        ("from (0.1, 0.2) to (0.3, 0.4) turning [5]", 1),
        ("Step 9: (0.1,0.2) (0.3,\t0.4) [5]\nStep 2: (0.1, 0.2) (0.3, 0.4) [-5]", 2),
        ("(0.1, 0.2) (0.3, 0.4) [5] and then (0.5, 0.6)", 1),
        ("(0.1, 0.2) (0.3, 0.4) (0.1, 0.2) (0.3, 0.4) [5]", 1),
        ("(0.1, 0.2) (0.3, 0.4) [5] (x, y) (0.3, 0.4) [6]", 1),
        ("(0.1, 0.2) (0.3, 0.4) [12.5] [7]", 1),  # a rotation with decimals is not seen, the next one is
        ("(inf, 0.2) (-7, 0.4) [0]", 1),
        (GOLDEN + "\nStep 2: Pick up the <p>green he", 1),
    ],
)
def test_only_the_numbers_of_a_reply_count(reply: str, count: int) -> None:
    assert len(loose_moves(reply)) == count


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot do that.",
        "(0.1, 0.2) [5]",
        "(0.1, 0.2) (0.3, 0.4)",
        "(0.1, 0.2) (0.3, 0.4) [ 5 ]",
        "(0.1, 0.2) (0.3, 0.4) [--5]",
        "(0.1, 0.2) (0.3, 0.4) []",
        "(0.1, 0.2) (x, 0.4) [5]",
        "(0.1, 0.2, 0.3) (0.3, 0.4) [5]",
        "(nan, 0.2) (0.3, 0.4) [5]",
        "(0.1,\n0.2) (0.3, 0.4) [5]",
    ],
)
def test_a_reply_without_a_whole_action_is_refused(reply: str) -> None:
    with pytest.raises(ReplyError, match="two positions"):
        loose_moves(reply)


def test_a_turn_beyond_all_numbers_is_no_turn() -> None:
    far = "(0.1, 0.2) (0.3, 0.4) [%s]"
    assert len(loose_moves(far % 30 + far % ("9" * 400))) == 1
    with pytest.raises(ReplyError):
        loose_moves(far % ("-" + "9" * 400))


def test_a_reply_gives_at_most_as_many_actions_as_the_recipe_asks_for() -> None:
    context = toy_episode().context(0, 0)
    assert make("recipes", "llara:compat=true,longest=2").read("\n".join([GOLDEN] * 5), context).shape == (2, 6)
    assert make("recipes", "llara:compat=true,multi=false").read("\n".join([GOLDEN] * 5), context).shape == (1, 6)


def moving(before: tuple[SceneObject, ...], after: tuple[SceneObject, ...]) -> Episode:
    episode = whole_pixel_episode()
    first, second = (
        replace(step, observation=replace(step.observation, objects=objects))
        for step, objects in zip(episode.steps[:2], (before, after), strict=True)
    )
    return replace(episode, steps=[first, second])


def test_the_object_of_an_action_is_the_one_that_best_explains_it() -> None:
    assert [PUBLISHED.moved(whole_pixel_episode(), t, FRONT) for t in (0, 1)] == ["red swirl block", "green heart"]


def test_of_objects_that_explain_it_equally_the_first_one_is_named() -> None:
    here, there = Box(42, 82, 62, 102), Box(170, 72, 190, 92)
    first = moving(toy_objects((6, here), (5, here)), toy_objects((6, there), (5, there)))
    assert PUBLISHED.moved(first, 0, FRONT) == "green heart"


def test_an_object_that_is_hidden_before_or_after_is_not_named() -> None:
    seen = toy_objects((4, Box(0, 0, 9, 9)), (5, Box(42, 82, 62, 102)))
    assert PUBLISHED.moved(moving(seen, seen[:1]), 0, FRONT) == "blue bowl"
    assert PUBLISHED.moved(moving(seen, ()), 0, FRONT) == markup.UNNAMED


def test_other_cameras_than_those_of_llara_are_refused() -> None:
    for camera in (replace(FRONT, name="wrist"), replace(FRONT, height=256)):
        with pytest.raises(MismatchError, match=f"'{camera.name}' of {camera.height}x256"):
            PUBLISHED.values(action(0.5, 0.0), camera)


def test_without_compat_numbers_are_those_of_the_markup() -> None:
    episode, exact = toy_episode(), Numbers()
    move = episode.action(0)
    assert exact.values(move, FRONT) == markup.move_values(move, FRONT)
    assert exact.moved(episode, 0, FRONT) == markup.moved_object(episode, 0, FRONT)
    values = {"x0": 0.2, "y0": 0.7, "degrees": 30, "x1": 0.7, "y1": 0.6}
    assert np.array_equal(exact.action(values, FRONT, VIMA), markup.move_action(values, FRONT, VIMA))
