"""The study of the arm's experts."""

from dataclasses import replace

import pytest

from instar.rollout import EpisodeRecord, Outcome
from studies.arm_experts import report
from studies.experts import play
from tests.simulators.arm.playing import needs_mujoco

pytestmark = needs_mujoco


@pytest.fixture(scope="module")
def records() -> list[EpisodeRecord]:
    return play("arm:per_task=2,tasks=open_drawer+pick_and_lift,seed=900000", workers=0)


def test_each_task_has_a_row_for_each_suite(records: list[EpisodeRecord]) -> None:
    lines = report(records, {"joint_velocity": records[:3]}).splitlines()
    assert [line.split(" | ")[:3] for line in lines[2:]] == [
        ["| open_drawer", "seen", "2 of 2"],
        ["| open_drawer", "unseen", "2 of 2"],
        ["| pick_and_lift", "seen", "2 of 2"],
        ["| pick_and_lift", "unseen", "2 of 2"],
        ["| all", "all", "8 of 8"],
        ["| all, by joint_velocity", "seen", "3 of 3"],
    ]


def test_what_is_not_solved_is_named(records: list[EpisodeRecord]) -> None:
    spoilt = [replace(records[0], outcome=Outcome.FAILURE, error="it fell"), *records[1:]]
    assert report(spoilt, {}).endswith(f"Not solved:\n\n* {records[0].id}: failure, it fell")
