"""Whether things lie level."""

import numpy as np
import pytest

from instar.robot import Floats
from instar.simulators.tabletop.balance import inside, nearest, shared, tilt

SQUARE = np.array([[-0.05, -0.05], [0.05, -0.05], [0.05, 0.05], [-0.05, 0.05]])
MIDDLE = np.zeros(2)


def _strip(left: float, right: float) -> Floats:
    return np.array([[left, -0.05], [right, -0.05], [right, 0.05], [left, 0.05]])


def test_a_thing_held_under_its_middle_lies_level() -> None:
    assert tilt(SQUARE, MIDDLE, [_strip(-0.05, 0.01)], drop=0.03) is None
    assert tilt(SQUARE, MIDDLE, [_strip(-0.05, -0.04), _strip(0.04, 0.05)], drop=0.03) is None  # like a bridge


def test_a_thing_held_on_one_side_leans_to_the_other_until_it_touches_what_is_below() -> None:
    found = tilt(SQUARE, MIDDLE, [_strip(-0.05, -0.02)], drop=0.03)
    assert found is not None
    assert found.way == pytest.approx([1.0, 0.0])
    assert (found.beside, found.back) == pytest.approx((0.02, 0.05))
    assert 0.07 * np.sin(found.angle) == pytest.approx(0.03)  # 20 mm to the middle and 50 mm on to its end


def test_a_small_step_tilts_nothing_and_a_deep_one_turns_it_upright() -> None:
    assert tilt(SQUARE, MIDDLE, [_strip(-0.05, -0.02)], drop=0.002) is None
    found = tilt(SQUARE, MIDDLE, [_strip(-0.05, -0.02)], drop=0.5)
    assert found is not None
    assert found.angle == pytest.approx(np.pi / 2)


@pytest.mark.parametrize("way", [1, -1])
def test_the_shared_area_of_two_outlines_does_not_depend_on_which_way_they_run(way: int) -> None:
    found = shared(SQUARE, (SQUARE + 0.02)[::way])
    assert found.min(axis=0) == pytest.approx([-0.03, -0.03])
    assert found.max(axis=0) == pytest.approx([0.05, 0.05])
    assert len(shared(SQUARE, (SQUARE + 0.2)[::way])) == 0
    assert shared(SQUARE, SQUARE[::way]).max(axis=0) == pytest.approx([0.05, 0.05])


def test_what_is_inside_and_what_is_nearest() -> None:
    assert inside(SQUARE, MIDDLE)
    assert not inside(SQUARE[::-1], np.array([0.06, 0.0]))
    assert nearest(SQUARE, np.array([0.08, 0.01])) == pytest.approx([0.05, 0.01])
    assert nearest(SQUARE, np.array([0.08, 0.09])) == pytest.approx([0.05, 0.05])
