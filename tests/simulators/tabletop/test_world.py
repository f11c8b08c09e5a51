"""Picking and placing."""

from dataclasses import replace

import numpy as np
import pytest

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import container, sample
from instar.simulators.tabletop.world import bowl_axis, grasped, pick_and_place, reached, settle

FAR = (0.6, 0.3)


def _body(number: int, name: str, x: float, y: float, yaw: float = 0.0) -> Body:
    shape = sample(name, np.random.default_rng(0))
    return Body(number, shape, "red", x, y, shape.nominal[2] / 2, yaw)


def _placed(load: str, base: Body) -> Body:
    """`load` after it was put at the origin of `base`."""
    bodies = [base, _body(9, load, 0.3, -0.4)]
    return pick_and_place(bodies, np.array([0.3, -0.4]), base.place, 0.0)[1]


def test_a_load_keeps_its_grip_while_it_turns() -> None:
    block = _body(5, "block", 0.4, 0.0)
    (moved,) = pick_and_place([block], np.array([0.42, 0.0]), np.array([0.5, 0.2]), np.pi / 2)
    assert (moved.x, moved.y) == pytest.approx((0.5, 0.18), abs=0.003)
    assert moved.yaw == pytest.approx(np.pi / 2)


# Where the real arm stopped that was sent to a place: measured, millimetres beside it.
STOPS = [
    ((0.31, -0.34), (1.9, 0.3)),
    ((0.5, 0.0), (0.7, 0.3)),
    ((0.65, -0.4), (-0.3, 0.9)),
    ((0.55, 0.45), (0.0, -0.7)),
]


@pytest.mark.parametrize(("place", "off"), STOPS)
def test_the_arm_stops_where_the_real_one_does(place: tuple[float, float], off: tuple[float, float]) -> None:
    assert 1000 * (reached(np.array(place)) - place) == pytest.approx(np.array(off), abs=0.4)


def test_the_hole_of_a_ring_can_be_grasped_but_not_the_table_beside_it() -> None:
    ring = _body(5, "ring", 0.5, 0.0)
    assert grasped([ring], np.array([0.5, 0.0])) is ring
    assert grasped([ring], np.array([0.5, 0.051])) is ring  # within the cup's reach of its edge
    assert grasped([ring], np.array([0.5, 0.054])) is None
    assert grasped([ring], np.array([0.447, 0.0])) is ring  # the cup comes down nearer to the viewer than it is sent
    assert grasped([ring], np.array([0.553, 0.0])) is None


def test_the_topmost_thing_is_grasped_and_bases_never_are() -> None:
    low, high = _body(5, "block", 0.5, 0.0), Body(6, _body(6, "block", 0, 0).shape, "blue", 0.5, 0.0, 0.104)
    assert grasped([high, low], np.array([0.5, 0.0])) is high
    pallet = _body(7, "pallet", 0.5, 0.0)
    assert grasped([pallet], np.array([0.5, 0.0])) is None
    assert pick_and_place([pallet], np.array([0.5, 0.0]), np.array(FAR), 0.0) == (pallet,)


def test_nothing_grasped_leaves_everything_but_lets_it_drop() -> None:
    letter = _body(5, "letter A", 0.5, 0.0)
    (after,) = pick_and_place([letter], np.array([0.3, 0.3]), np.array(FAR), 0.0)
    assert (after.x, after.y) == (0.5, 0.0)
    assert (letter.z, after.z) == pytest.approx((0.018, 0.0))


# Heights of the origin measured in the real physics: kit shape, block, shorter block.
HEIGHTS = [
    ("frame", (0.0035, 0.0375, 0.0175)),
    ("square", (0.0025, 0.0365, 0.0165)),
    ("pallet", (0.0326, 0.0666, 0.0466)),
    ("pan", (0.0365, 0.0705, 0.0505)),
]


@pytest.mark.parametrize(("base", "heights"), HEIGHTS)
def test_things_rest_as_high_on_a_base_as_they_really_do(base: str, heights: tuple[float, ...]) -> None:
    for load, height in zip(("cross", "block", "shorter block"), heights, strict=True):
        assert _placed(load, _body(5, base, 0.5, 0.1)).z == pytest.approx(height, abs=1e-4)


def test_things_rest_on_the_floor_of_a_container() -> None:
    base = Body(5, container(0.16, 0.16), "blue", 0.5, 0.1, 0.025)
    assert [_placed(load, base).z for load in ("cross", "block")] == pytest.approx([0.0043, 0.0383], abs=1e-4)


def test_things_pile_up_and_the_pile_falls_when_its_foot_is_taken() -> None:
    pile = settle([Body(5 + k, _body(5, "flower", 0, 0).shape, "red", 0.5, 0.0, 0.1 * k) for k in range(3)])
    assert [body.z for body in pile] == pytest.approx([0.0, 0.0347, 0.0694], abs=1e-4)
    assert settle(pile[1:])[1].z == pytest.approx(0.0347, abs=1e-4)


def test_a_thing_leans_in_a_bowl_unless_it_is_put_in_the_middle() -> None:
    bowl = _body(5, "bowl", 0.5, 0.1, 1.0)
    leaning = _placed("cross", bowl)
    assert (leaning.z, leaning.lean) == pytest.approx((0.040, 0.5), abs=5e-3)
    bodies = [bowl, _body(9, "cross", 0.3, -0.4)]
    flat = pick_and_place(bodies, np.array([0.3, -0.4]), bowl_axis(bowl), 0.0)[1]
    assert (flat.z, flat.lean) == pytest.approx((0.017, 0.0), abs=1e-3)
    heaped = pick_and_place([bowl, leaning, _body(7, "ring", 0.3, -0.4)], np.array([0.3, -0.4]), bowl.place, 0.0)[2]
    assert (heaped.z, heaped.lean) == pytest.approx((0.071, 0.5), abs=5e-3)
    toppled = _placed("block", bowl)
    assert toppled.lean == 1.5
    assert np.hypot(*(toppled.place - bowl.place)) < 0.1


def test_what_lies_in_a_bowl_stays_as_it_is_while_others_move() -> None:
    bowl, other = _body(5, "bowl", 0.5, 0.1), _body(6, "letter E", 0.3, 0.4)
    lying = _placed("cross", bowl)
    after = pick_and_place([bowl, other, lying], other.place, np.array(FAR), 0.0)
    assert after[2] == lying


@pytest.mark.parametrize("off", [0.0, 3.7e-9, 1e-6])
def test_a_thing_put_exactly_on_its_like_lies_on_top_of_it(off: float) -> None:
    low, high = _body(5, "triangle", 0.5, -0.25), _body(6, "triangle", 0.5, -0.25 + off)
    high = replace(high, z=0.1)
    settled = settle([low, high])
    assert settled[1].z - settled[0].z == pytest.approx(0.0311, abs=1e-4)


# The load, what is under it, how far beside its middle it is let go; how it really leaned, and its height then.
LEANS = [("heart", "letter A", 0.073, 0.44, 0.021), ("round", "letter R", 0.08, 0.43, 0.020)]


@pytest.mark.parametrize(("load", "below", "beside", "lean", "height"), LEANS)
def test_what_is_put_over_an_edge_leans_as_it_really_does(
    load: str, below: str, beside: float, lean: float, height: float
) -> None:
    base = settle([_body(5, below, 0.5, 0.1)])[0]
    bodies = [base, _body(6, load, 0.3, -0.4)]
    after = pick_and_place(bodies, np.array([0.3, -0.4]), base.place + np.array([beside, 0.0]), 0.0)
    assert after[1].lean == pytest.approx(lean, abs=0.1)
    assert after[1].z == pytest.approx(height, abs=0.006)
    assert after[1].toward == pytest.approx(0.0, abs=0.5)
    assert settle(after) == after  # and stays so
    gone = pick_and_place(after, base.place - np.array([0.02, 0.0]), np.array([0.3, -0.4]), 0.0)
    assert (gone[1].z, gone[1].lean) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_a_block_that_is_let_go_over_a_wall_falls_into_the_container() -> None:
    base = Body(5, container(0.16, 0.16), "blue", 0.5, 0.1, 0.025)
    bodies = [base, _body(6, "shorter block", 0.3, -0.4)]
    fallen = pick_and_place(bodies, np.array([0.3, -0.4]), np.array([0.445, 0.1]), 0.0)[1]
    assert fallen.z == pytest.approx(0.0183, abs=1e-3)
    assert 0.46 < fallen.x < 0.51
    assert fallen.lean == 0.0
