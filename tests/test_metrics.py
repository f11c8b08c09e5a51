"""Numbers that are known from elsewhere."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.embodiments.vima import ACTIONS
from instar.metrics import Comparison, action_error, compare, mcnemar, paired_bootstrap, summarise, wilson
from instar.robot import ActionSpace
from instar.rollout import EpisodeRecord, Outcome
from tests.point_world import SPACE

S, F, C = Outcome.SUCCESS, Outcome.FAILURE, Outcome.CRASHED


def records(outcomes: Iterable[Outcome], task: str = "slide", suite: str = "L1") -> list[EpisodeRecord]:
    return [
        EpisodeRecord(f"{suite}/{task}/{seed}", suite, task, seed, outcome, 1) for seed, outcome in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (480, 500, 0.9390, 0.9739),
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 1998, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0000),
    ],
)
def test_wilson_agrees_with_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


def test_nothing_played_means_nothing_known() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert summarise([]).overall.rate is None


@given(st.integers(1, 2000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilson_holds_the_rate_and_mirrors(n: int, share: float, confidence: float) -> None:
    successes = round(share * n)
    ours, mirrored = wilson(successes, n, confidence), wilson(n - successes, n, confidence)
    assert 0 <= ours.low <= successes / n <= ours.high <= 1
    assert (1 - ours.high, 1 - ours.low) == pytest.approx((mirrored.low, mirrored.high), abs=1e-12)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 5, 0.21875),  # 2 (1 + 6) / 64
        (0, 6, 0.03125),
        (6, 16, 0.05248),  # R: binom.test(6, 22)
        (59, 121, 4.434e-06),  # the example of Wikipedia's article, exact
    ],
)
def test_mcnemar_is_the_exact_binomial_test(only_a: int, only_b: int, p: float) -> None:
    assert mcnemar(only_a, only_b) == mcnemar(only_b, only_a) == pytest.approx(p, rel=2e-3)


def test_mcnemar_of_thousands_neither_overflows_nor_exceeds_one() -> None:
    assert 0 < mcnemar(1000, 1200) < 1e-4
    assert mcnemar(3000, 3001) <= 1


def test_crashed_episodes_count_for_nobody() -> None:
    summary = summarise(records([S, F, C, S, Outcome.TIMEOUT, Outcome.UNREADABLE, C]))
    assert (summary.overall.successes, summary.overall.n, summary.overall.crashed) == (2, 5, 2)
    assert summary.overall.rate == 0.4
    assert summary.outcomes == {"success": 2, "failure": 1, "timeout": 1, "unreadable": 1, "crashed": 2}


def test_success_is_told_by_task_by_suite_and_overall() -> None:
    played = [*records([S, S], "a", "L1"), *records([S, F], "b", "L1"), *records([F, F, F], "a", "L2")]
    summary = summarise(reversed(played))
    assert {name: (rate.successes, rate.n) for name, rate in summary.tasks.items()} == {
        "L1/a": (2, 2),
        "L1/b": (1, 2),
        "L2/a": (0, 3),
    }
    assert {name: (rate.successes, rate.n) for name, rate in summary.suites.items()} == {"L1": (3, 4), "L2": (0, 3)}
    assert (summary.overall.successes, summary.overall.n) == (3, 7)
    assert summary == summarise(played)
    assert summary.to_json()["tasks"]["L1/b"]["rate"] == 0.5


def both(a: str, b: str) -> Comparison:
    """Two runs as strings of S(uccess), F(ailure) and C(rash)."""
    letters = {"S": S, "F": F, "C": C}
    return compare(records(letters[letter] for letter in a), records(letters[letter] for letter in b))


def test_comparison_pairs_episodes_by_id() -> None:
    result = both("SSSFFFFFFF", "SSFSSSSSSF")
    assert (result.n, result.both, result.only_a, result.only_b, result.neither) == (10, 2, 1, 6, 1)
    assert (result.rate_a, result.rate_b, result.difference) == (0.3, 0.8, 0.5)
    assert result.p == mcnemar(1, 6) == 0.125
    assert result.interval is not None
    assert result.interval.low < 0.5 < result.interval.high


def test_comparison_leaves_out_crashes_and_names_what_has_no_partner() -> None:
    result = both("SCFS", "SSCFSS")
    assert result.n == 2
    assert result.crashed == ("L1/slide/1", "L1/slide/2")
    assert (result.unpaired_a, result.unpaired_b) == ((), ("L1/slide/4", "L1/slide/5"))
    assert (result.only_a, result.only_b) == (1, 0)


def test_comparison_of_nothing_claims_nothing() -> None:
    result = both("", "SS")
    assert (result.n, result.difference, result.interval, result.p) == (0, None, None, 1.0)


def test_equal_runs_differ_by_nothing() -> None:
    result = both("SFSF", "SFSF")
    assert result.interval is not None
    assert (result.difference, result.interval.low, result.interval.high, result.p) == (0.0, 0.0, 0.0, 1.0)


def test_bootstrap_agrees_with_the_normal_interval_of_paired_proportions() -> None:
    n, only_a, only_b = 1000, 100, 160
    difference = (only_b - only_a) / n
    half = 1.96 * math.sqrt(only_a + only_b - (only_b - only_a) ** 2 / n) / n
    interval = paired_bootstrap(only_a, only_b, n)
    assert (interval.low, interval.high) == pytest.approx((difference - half, difference + half), abs=0.002)
    assert interval == paired_bootstrap(only_a, only_b, n)


def test_action_error_is_in_metres_and_degrees_the_shorter_way_round() -> None:
    expert = np.array([[0.5, 0.0, 0.0, 0.4, 0.1, 3.1], [0.5, 0.0, 0.0, 0.4, 0.1, -3.1]])
    predicted = expert + np.array([0.03, 0.04, 0.0, 0.0, -0.1, 0.0])
    predicted[:, 5] = [-3.1, 3.1]
    error = action_error(predicted, expert, ACTIONS)
    assert error.n == 2
    assert error.metres == pytest.approx({"start": 0.05, "end": 0.1})
    assert error.degrees == pytest.approx({"start": 0.0, "end": np.degrees(2 * np.pi - 6.2)})


def test_action_error_tells_of_a_lone_position_and_of_no_joints() -> None:
    assert action_error(np.ones((3, 1)), np.zeros((3, 1)), SPACE).metres == {"position": 1.0}
    joints = ActionSpace(("shoulder", "gripper"), ("rad", "1"), "base", "delta", (0, 0), (1, 1))
    error = action_error(np.ones((3, 2)), np.zeros((3, 2)), joints)
    assert error.to_json() == {"n": 3, "metres": {}, "degrees": {}}
