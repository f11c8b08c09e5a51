"""Scales, ticks and lines of figures."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.reporting.plots import (
    POINTS,
    Series,
    curve,
    duration,
    histogram,
    number,
    round_times,
    smoothed,
    thinned,
    ticks,
)

finite = st.floats(-1e6, 1e6)


@given(low=finite, span=st.floats(1e-3, 1e6))
def test_ticks_are_few_and_inside_and_evenly_spaced(low: float, span: float) -> None:
    marks = ticks(low, low + span)
    assert 1 <= len(marks) <= 6
    slack = 1e-6 * (abs(low) + span)
    assert all(low - slack <= mark <= low + span + slack for mark in marks)
    gaps = [b - a for a, b in itertools.pairwise(marks)]
    assert all(math.isclose(gap, gaps[0], rel_tol=1e-3, abs_tol=slack) for gap in gaps)


def test_an_axis_without_length_has_one_tick() -> None:
    assert ticks(3.0, 3.0) == [3.0]


@given(values=st.lists(finite, min_size=1, max_size=120))
def test_a_moving_average_stays_within_the_values_and_keeps_the_ends(values: list[float]) -> None:
    average = smoothed(values)
    assert len(average) == len(values)
    assert average[0] == values[0]
    assert average[-1] == values[-1]
    slack = 1e-6 * (1 + max(map(abs, values)))
    assert all(min(values) - slack <= value <= max(values) + slack for value in average)


def test_a_moving_average_leaves_a_straight_line_alone() -> None:
    line = [0.5 * k for k in range(100)]
    assert smoothed(line) == pytest.approx(line)


def test_long_lines_are_thinned_and_keep_both_ends() -> None:
    kept = thinned(10_000)
    assert len(kept) == POINTS
    assert (kept[0], kept[-1]) == (0, 9999)
    assert thinned(3) == [0, 1, 2]


def test_a_curve_fits_into_its_frame_with_the_largest_value_on_top() -> None:
    plot = curve("loss", [Series(0, "a", (10, 20, 30), (3.0, 2.0, 1.0)), Series(1, "b", (20, 40), (2.0, 0.5))])
    points = [point.split(",") for line in plot.lines for point in line.smooth.split()]
    assert all(plot.left <= float(x) <= plot.right for x, _ in points)
    assert all(plot.top <= float(y) <= plot.bottom for _, y in points)
    assert points[0] == [str(plot.left), str(plot.top)]
    assert plot.lines[1].end_x == plot.right


def test_a_single_logged_value_is_a_curve_too() -> None:
    plot = curve("loss", [Series(0, "a", (10,), (0.0,))])
    assert plot.lines[0].smooth == f"{plot.left},{plot.bottom}"


@given(times=st.lists(st.floats(0.01, 1e5), min_size=1, max_size=50))
def test_every_call_is_in_a_bar_inside_the_frame(times: list[float]) -> None:
    plot = histogram(0, "a", times, 0.8 * min(times), 1.25 * max(times))
    assert sum(int(bar.words.split()[0]) for bar in plot.bars) == len(times)
    assert all(plot.left <= bar.x and bar.x + bar.width <= plot.right for bar in plot.bars)
    assert all(bar.y >= plot.top and bar.y + bar.height <= plot.bottom + 0.2 for bar in plot.bars)


def test_times_on_an_axis_are_round() -> None:
    assert round_times(0.9, 60) == [1, 2, 5, 10, 20, 50]
    assert round_times(0.5, 2000) == [1, 10, 100, 1000]


def test_times_and_numbers_are_short() -> None:
    assert [duration(time) for time in (0.423, 4.26, 42.6, 426, 4260)] == [
        "0.42 ms",
        "4.3 ms",
        "43 ms",
        "426 ms",
        "4.26 s",
    ]
    assert [number(value) for value in (0, 0.25, 1500, 2_000_000)] == ["0", "0.25", "1.5k", "2M"]
