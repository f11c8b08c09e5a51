"""Sweeping blocks."""

import numpy as np
import pytest

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.sweep import sweep

START, END = np.array([0.7, 0.0]), np.array([0.5, 0.0])


def _block(number: int, x: float, y: float, yaw: float = 0.2) -> Body:
    return Body(number, sample("small block", np.random.default_rng(0)), "red", x, y, 0.015, yaw)


def test_a_block_on_the_path_ends_short_of_its_end_with_its_faces_along_it() -> None:
    swept = sweep([_block(5, 0.7, 0.0)], START, END)
    (block,) = swept.bodies
    assert (block.x, block.z) == pytest.approx((0.5335, 0.014))
    assert abs(block.y) < 0.004
    assert block.yaw % (np.pi / 2) == pytest.approx(0.0, abs=1e-9)
    trail = swept.trails[5]
    assert trail[0] == pytest.approx([0.7, 0.0, 0.2])
    assert trail[-1, :2] == pytest.approx([0.5335, block.y])
    assert np.diff(trail[:, 0]).min() > -0.005  # close enough together to notice a line on the way


# How a lone block lay, turned against the sweep, and how far it went to the left of it: measured.
DRIFTS = [(0.06, -0.0004), (0.29, -0.0038), (0.52, -0.0071), (0.66, -0.0112), (0.76, -0.0129)]


@pytest.mark.parametrize(("turned", "left"), DRIFTS)
def test_a_block_goes_sideways_while_it_turns_as_it_really_does(turned: float, left: float) -> None:
    for sign in (1, -1):
        (block,) = sweep([_block(5, 0.7, 0.0, np.pi + sign * turned)], START, END).bodies
        assert -block.y == pytest.approx(sign * left, abs=0.0015)


def test_blocks_in_the_way_are_pushed_ahead() -> None:
    first, second = sweep([_block(5, 0.7, 0.0), _block(6, 0.6, 0.01)], START, END).bodies
    assert (first.x, second.x) == pytest.approx((0.5335, 0.5035))


@pytest.mark.parametrize(("beside", "share"), [(0.02, 1.0), (0.03, 0.5), (0.038, 0.2), (0.045, 0.0)])
def test_a_block_beside_the_path_is_left_behind(beside: float, share: float) -> None:
    (block,) = sweep([_block(5, 0.7, beside)], START, END).bodies
    assert 0.7 - block.x == pytest.approx(share * 0.1665, abs=1e-3)
    assert (block.y > beside + 0.01) == (0 < share < 1)


def test_a_blade_that_comes_down_past_a_block_leaves_it_behind() -> None:
    swept = sweep([_block(5, 0.72, 0.0)], START, END)
    assert swept.bodies[0].x == 0.72
    assert swept.trails == {}


def test_a_short_sweep_moves_nothing() -> None:
    assert sweep([_block(5, 0.7, 0.0)], START, START + 0.01).bodies[0].x == 0.7


def test_overlapping_blocks_spring_apart() -> None:
    one, two = sweep([_block(5, 0.7, 0.3), _block(6, 0.71, 0.3)], START, END).bodies
    assert two.x - one.x == pytest.approx(0.03)
