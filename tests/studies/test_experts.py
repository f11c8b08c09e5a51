"""The study of the tabletop's experts."""

from dataclasses import replace

import pytest

from instar.rollout import EpisodeRecord, Outcome
from studies.experts import play, report, row


@pytest.fixture(scope="module")
def records() -> list[EpisodeRecord]:
    return play("tabletop:per_task=2,tasks=rotate+follow_motion,seed=900000", workers=0)


def test_it_plays_every_task_at_each_of_its_levels_in_the_benchmarks_order(records: list[EpisodeRecord]) -> None:
    levels = ["placement", "combinatorial", "novel_object"]
    expected = [f"{level}/rotate/90000{k}" for level in levels for k in (0, 1)]
    assert [record.id for record in records] == [*expected, *(f"novel_task/follow_motion/90000{k}" for k in (0, 1))]
    lines = report(records).splitlines()
    assert lines[2] == "| rotate | placement | 2 of 2 | 34.2 to 100.0 % | 1.00 | 1 |"
    assert lines[5] == "| follow_motion | novel_task | 2 of 2 | 34.2 to 100.0 % | 2.00 | 2 |"
    assert lines[6] == "| all | all | 8 of 8 | 67.6 to 100.0 % | 1.25 | 2 |"
    assert len(lines) == 7


def test_what_is_not_solved_is_counted_and_named(records: list[EpisodeRecord]) -> None:
    spoilt = [replace(records[0], outcome=Outcome.CRASHED, error="no room"), *records[1:]]
    assert row("rotate", "placement", spoilt[:2])[2] == "1 of 2"
    assert report(spoilt).endswith("Not solved:\n\n* placement/rotate/900000: crashed, no room\n")
