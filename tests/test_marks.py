"""What a reply points at is found whatever is written around it, and nonsense is passed over."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar import markup
from instar.demo import Box, SceneObject
from instar.embodiments.vima import FRONT, HEIGHT, WIDTH
from instar.marks import Mark, marks

PIECES = ("<p>", "</p>", "<b>", "</b>", "(", ")", "{", "}", "0.5", "-9", "1e9", ", ", " at ", "Pick up the ", "\n", "ä")


def test_boxes_are_those_that_were_written() -> None:
    boxes = {"red block": Box(10, 20, 41, 61), "blue bowl": Box(0, 0, 254, 126)}
    things = [SceneObject(k, name, boxes={FRONT.name: box}) for k, (name, box) in enumerate(boxes.items())]
    found = marks(markup.scene(things, FRONT), WIDTH, HEIGHT)
    assert {mark.name: mark.box for mark in found} == boxes
    assert [mark.at for mark in found] == [(25, 40), (127, 63)]


def test_points_and_boxes_without_a_name_are_found_anywhere() -> None:
    found = marks("I think <b>(0.5, 0.25)</b>, or\n<b>( 0.25,0.5 ),{0.1,  0.2}</b>?", 100, 200)
    assert found == (Mark("", (50, 50)), Mark("", (25, 100), Box(20, 80, 30, 120)))


def test_a_named_point_is_called_so() -> None:
    assert marks("<p>red block</p> at <b>(0.5, 0.5)</b>", 10, 20) == (Mark("red block", (5, 10)),)
    assert marks("<p>red block</p> is at <b>(0.5, 0.5)</b>", 10, 20) == (Mark("", (5, 10)),)


@pytest.mark.parametrize("tool", ["suction", "spatula"])
@pytest.mark.parametrize("called", ["red block", markup.UNNAMED])
def test_an_action_goes_from_one_place_to_another(tool: markup.Tool, called: str) -> None:
    values = {"x0": 0.25, "y0": 0.5, "degrees": -30, "x1": 0.75, "y1": 0.25}
    named = called != markup.UNNAMED
    sentence = markup.moves(2, named=named)[tool].format({**values, "object": called} if named else values)
    first, second = marks(f"Step 1: {sentence}\nStep 2: {sentence}", WIDTH, HEIGHT)
    assert first == second == Mark(called, (64, 64), to=(192, 32))


def test_half_an_action_is_the_points_in_it() -> None:
    reply = "Pick up the <p>red block</p> at <b>(0.5, 0.5)</b>, and drop it at <b>(0.25, 0.25)</b>."
    assert marks(reply, 100, 100) == (Mark("red block", (50, 50)), Mark("", (25, 25)))


def test_an_action_whose_turn_has_no_end_is_the_points_in_it() -> None:
    values = {"object": "a", "x0": 0.5, "y0": 0.5, "degrees": 11, "x1": 0.25, "y1": 0.25}
    reply = markup.MOVES["suction"].format(values).replace("11", "9" * 5000)
    assert marks(reply, 100, 100) == (Mark("a", (50, 50)), Mark("", (25, 25)))


@pytest.mark.parametrize(
    ("place", "box"),
    [
        ("(0.000, 0.500), {0.200, 0.200}", Box(0, 40, 10, 60)),
        ("(1.050, 0.500), {0.200, 0.200}", Box(95, 40, 99, 60)),
        ("(0.500, 0.500), {3.000, 3.000}", Box(0, 0, 99, 99)),
    ],
)
def test_of_a_box_that_is_partly_outside_the_part_inside_counts(place: str, box: Box) -> None:
    (mark,) = marks(f"<p>a</p> at <b>{place}</b>.", 100, 100)
    assert mark.box == box
    assert 0 <= mark.at[0] < 100


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Put1 Put1 Put1</b></p>",
        "<p>red block</p>",
        "<b>(0.5)</b>",
        "<b>(0.5, 0.5), {-0.1, 0.2}</b>",
        "<b>(1.2, 0.5)</b>",
        "<b>(0.5, -3.0), {0.1, 0.1}</b>",
        f"<b>({'9' * 500}, 0.5)</b>",
        "<b>(nan, inf)</b>",
    ],
)
def test_what_is_no_place_in_the_picture_is_passed_over(reply: str) -> None:
    assert marks(reply, 256, 128) == ()


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40), st.integers(1, 50), st.integers(1, 50))
def test_no_reply_is_too_odd(pieces: list[str], width: int, height: int) -> None:
    for mark in marks("".join(pieces), width, height):
        assert 0 <= mark.at[0] < width
        assert 0 <= mark.at[1] < height
