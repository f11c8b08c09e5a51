"""What of a track is believed, and how good it is."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.demo import Point
from instar.robot import Floats
from instar.seeing.track import Distances, Quality, Track, as_rows, leaps, quality
from tests.arm import FRONT, arm_episode


def line(length: int, **changed: Point | None) -> list[Point | None]:
    """A point that moves two pixels a frame; `t3=(9, 9)` puts that of frame 3 elsewhere."""
    places: list[Point | None] = [(10.0 + 2 * t, 20.0) for t in range(length)]
    for name, place in changed.items():
        places[int(name[1:])] = place
    return places


def leapt(places: list[Point | None], most: float = 10.0) -> list[int]:
    return np.flatnonzero(leaps(as_rows(places), most)).tolist()


def test_a_point_that_leaps_away_and_comes_back_is_not_believed() -> None:
    assert leapt(line(10)) == []
    assert leapt(line(10, t4=(60.0, 60.0))) == [4]
    assert leapt(line(10, t4=(22.0, 29.0))) == [], "nine pixels are no leap"
    assert leapt(line(12, t2=(60.0, 60.0), t8=(0.0, 60.0))) == [2, 8]


def test_nor_are_two_or_three_of_them() -> None:
    assert leapt(line(10, t4=(60.0, 60.0), t5=(61.0, 60.0))) == [4, 5]
    assert leapt(line(10, t4=(60.0, 60.0), t5=(0.0, 60.0), t6=(61.0, 60.0))) == [4, 5, 6]
    four: Any = {f"t{t}": (60.0, 60.0) for t in (3, 4, 5, 6)}
    assert leapt(line(10, **four)) == [], "it stays there: it went there"


def test_at_the_ends_and_beside_long_gaps_nobody_can_tell() -> None:
    assert leapt(line(6, t0=(60.0, 60.0))) == []
    assert leapt(line(6, t5=(60.0, 60.0))) == []
    assert leapt(line(9, t3=None, t4=None, t5=(60.0, 60.0), t6=None, t7=None)) == []
    assert leapt(line(9, t4=None, t5=(60.0, 60.0))) == [5], "one missing neighbour is no excuse"
    assert leapt([None] * 4) == []
    assert leapt([]) == []


def test_a_fast_hand_does_not_leap_but_may_be_seen_elsewhere_once() -> None:
    for speed in (5.0, 9.9, 10.1, 30.0):
        steady: list[Point | None] = [(speed * t, 20.0) for t in range(10)]
        assert leapt(steady) == []
    fast: list[Point | None] = [(9.0 * t, 20.0) for t in range(10)]
    assert leapt([*fast[:5], (45.0, 80.0), *fast[6:]]) == [5]


def test_a_hand_that_went_elsewhere_is_believed() -> None:
    there = line(5)
    elsewhere: list[Point | None] = [(60.0 + t, 60.0) for t in range(5)]
    assert leapt([*there, *elsewhere]) == []


rows = st.lists(st.none() | st.tuples(st.floats(0, 100), st.floats(0, 100)), max_size=30)


@given(rows, st.floats(1, 50))
def test_only_points_leap_and_never_the_first_or_the_last(places: list[Point | None], most: float) -> None:
    found = leapt(places, most)
    there = [k for k, place in enumerate(places) if place is not None]
    assert set(found) <= set(there[1:-1])


def close(found: Distances | None, expected: Distances) -> bool:
    return found is not None and vars(found) == pytest.approx(vars(expected))


def track(id: str, places: list[Point | None], known: list[Point | None] | None = None) -> Track:
    return Track(id, as_rows(places), as_rows(known or [None] * len(places)))


def test_the_quality_is_counted_over_all_tracks() -> None:
    found = quality([
        track("a", [(0.0, 0.0), (3.0, 4.0), None, None, None, (9.0, 9.0), None]),
        track("b", [None, None]),
        track("c", line(3)),
    ])  # fmt: skip
    assert (found.episodes, found.frames, found.points, found.never) == (3, 12, 6, ("b",))
    assert found.coverage == 0.5
    assert (found.gap, found.gap_where) == (3, "a frame 2")
    assert close(found.jumps, Distances(3, 2.0, 4.4, 4.94, 5.0, "a frame 1"))
    assert found.errors is None


def test_what_was_seen_is_held_against_what_is_known() -> None:
    known: list[Point | None] = [(10.0, 20.0), (12.0, 23.0), (0.0, 0.0), None]
    found = quality([track("a", line(4, t2=None), known)])
    assert close(found.errors, Distances(2, 1.5, 2.7, 2.97, 3.0, "a frame 1"))


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    assert quality([]) == Quality(0, 0, 0, (), 0, "", None, None)
    assert quality([]).coverage == 0.0


def test_an_episode_tells_its_own_track() -> None:
    one = Track.of(arm_episode(3), FRONT)
    expected: Floats = np.array([[64.0, 32.0], [64.0, 35.2], [64.0, 38.4]])
    np.testing.assert_allclose(one.known, expected)
    assert np.isnan(one.points).all()
    assert not one.watched
    np.testing.assert_allclose(one.worked_out.points, expected)
