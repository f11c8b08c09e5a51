"""Where the end effector is in the picture, and what becomes of frames that do not show it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.demo import Episode, Observation, Point
from instar.robot import Camera
from instar.tracing import bridged, evenly, pixels_per_metre, points, projected, published, seen
from tests.arm import FRONT, PANDA, arm_episode

# A pinhole half a metre above the floor that looks along x: 100 pixels of focal length, 128 x 128 pixels.
PINHOLE = Camera("front", 128, 128, ((64.0, -100.0, 0.0, 0.0), (64.0, 0.0, -100.0, 50.0), (1.0, 0.0, 0.0, 0.0)))
ROBOT = replace(PANDA, cameras=(PINHOLE,))


def at(*place: float) -> Observation:
    """The hand somewhere, in metres."""
    return Observation({}, np.array([*[0.0] * 7, *place]))


def watched(places: dict[int, Point], length: int = 6) -> Episode:
    """An episode in some of whose frames somebody saw the hand."""
    one = arm_episode(length)
    steps = []
    for t, step in enumerate(one.steps):
        effector = {"front": places[t]} if t in places else {}
        steps.append(replace(step, observation=replace(step.observation, effector=effector)))
    return replace(one, steps=steps)


def test_a_place_is_where_the_map_of_the_camera_has_it() -> None:
    assert projected(at(2.0, 0.2, 0.6), ROBOT, PINHOLE) == pytest.approx((54.0, 59.0))
    assert seen(at(2.0, 0.2, 0.6), PINHOLE) is None


def test_what_is_behind_the_camera_or_outside_the_picture_is_not_in_it() -> None:
    behind = at(-2.0, 0.2, 0.6)
    assert np.all((PINHOLE.project(behind.state[7:]) > 0) & (PINHOLE.project(behind.state[7:]) < 128)), (
        "its mirror image"
    )
    assert projected(behind, ROBOT, PINHOLE) is None
    assert projected(at(0.0, 0.2, 0.6), ROBOT, PINHOLE) is None
    assert projected(at(2.0, 5.0, 0.6), ROBOT, PINHOLE) is None


def test_without_a_map_or_a_place_nobody_can_tell() -> None:
    assert projected(at(2.0, 0.2, 0.6), ROBOT, replace(PINHOLE, world_to_pixel=None)) is None
    assert projected(at(2.0, 0.2, 0.6), replace(ROBOT, state=tuple(f"s{k}" for k in range(10))), PINHOLE) is None


def test_what_is_twice_as_far_is_half_as_large() -> None:
    # On the axis of the camera a metre across is the focal length over the distance.
    assert pixels_per_metre(at(2.0, 0.0, 0.5), ROBOT, PINHOLE) == pytest.approx(50.0)
    assert pixels_per_metre(at(4.0, 0.0, 0.5), ROBOT, PINHOLE) == pytest.approx(25.0)
    assert pixels_per_metre(at(0.3, 0.0, 0.2), PANDA, FRONT) == pytest.approx(100.0)
    assert pixels_per_metre(at(-1.0, 0.0, 0.5), ROBOT, PINHOLE) is None


def test_a_trace_has_one_origin() -> None:
    worked_out = points(arm_episode(), 2, FRONT)
    assert worked_out == [pytest.approx((64.0, 32 + 3.2 * t)) for t in range(2, 6)]
    # The map would have said where the hand is in the others, too, a few pixels off.
    assert points(watched({1: (10.0, 20.0), 3: (12.0, 20.0)}), 0, FRONT) == [
        None, (10.0, 20.0), None, (12.0, 20.0), None, None
    ]  # fmt: skip
    assert points(watched({1: (10.0, 128.0)}), 0, FRONT) == points(arm_episode(), 0, FRONT), "that was outside"


def test_short_gaps_are_bridged_and_long_ones_and_ends_are_not() -> None:
    trace: list[Point | None] = [None, (0.0, 8.0), None, None, (6.0, 2.0), None, None, None, (0.0, 0.0), None]
    filled = bridged(trace, 2)
    assert filled[:5] == [None, (0.0, 8.0), pytest.approx((2.0, 6.0)), pytest.approx((4.0, 4.0)), (6.0, 2.0)]
    assert filled[5:] == [None, None, None, (0.0, 0.0), None]
    assert bridged(trace, 0) == trace
    assert bridged([None] * 3, 5) == [None] * 3


traces = st.lists(st.none() | st.tuples(st.floats(0, 63), st.floats(0, 63)), max_size=40)


@given(traces, st.integers(1, 12))
def test_a_spread_trace_is_some_of_the_points_in_their_order(trace: list[Point | None], most: int) -> None:
    there = [(k, point) for k, point in enumerate(trace) if point is not None]
    chosen = evenly(trace, most)
    assert len(chosen) <= min(len(there), most)
    rest = iter(point for _, point in there)
    assert all(any(point == other for other in rest) for point in chosen), "another order, or points of its own"
    if len(there) <= most:
        assert chosen == [point for _, point in there]
    elif most > 1:
        assert (chosen[0], chosen[-1]) == (there[0][1], there[-1][1])


def test_a_gap_leaves_fewer_points_and_not_closer_ones() -> None:
    trace: list[Point | None] = [(float(t), 0.0) for t in range(21)]
    assert evenly(trace, 5) == [(0.0, 0.0), (5.0, 0.0), (10.0, 0.0), (15.0, 0.0), (20.0, 0.0)]
    trace[4:17] = [None] * 13
    assert evenly(trace, 5) == [(0.0, 0.0), (3.0, 0.0), (17.0, 0.0), (20.0, 0.0)]


def test_the_published_trace_closes_gaps() -> None:
    assert published([None, (0.5, 1.5), None, (2.4, 3.6)]) == [(0, 2), (2, 4)]
    assert published([None]) == []
