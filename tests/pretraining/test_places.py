"""What lies in a direction from a thing, and what is in the way."""

from instar.demo import Box
from pretraining.places import SIDES, inside, on_side, within
from pretraining.scenes import Thing


def _at(number: int, left: int, top: int) -> Thing:
    return Thing(number, "red", "block", Box(left, top, left + 10, top + 10), 100)


def test_on_a_side_is_what_lies_more_that_way_than_aside_and_the_nearest_first() -> None:
    middle, near, far, askew = _at(1, 100, 50), _at(2, 130, 52), _at(3, 170, 50), _at(4, 120, 90)
    assert on_side(middle, [far, near, askew], SIDES["east"]) == [near, far]
    assert on_side(middle, [far, near, askew], SIDES["south"]) == [askew]
    assert on_side(middle, [far, near, askew], SIDES["west"]) == []


def test_what_lies_straight_in_a_direction_is_nearer_than_what_lies_askew() -> None:
    middle, straight, askew = _at(1, 100, 50), _at(2, 165, 50), _at(3, 163, 82)
    assert on_side(middle, [askew, straight], SIDES["east"]) == [straight, askew]


def test_in_the_way_is_what_shares_a_pixel() -> None:
    one, other = _at(1, 100, 50), _at(2, 110, 50)
    assert within(Box(105, 55, 110, 70), [one, other]) == [one]
    assert within(Box(105, 55, 111, 70), [one, other]) == [one, other]


def test_a_box_is_inside_the_picture_up_to_its_edges() -> None:
    assert inside(Box(0, 0, 256, 128))
    assert not inside(Box(-1, 0, 10, 10))
    assert not inside(Box(250, 120, 256, 129))
