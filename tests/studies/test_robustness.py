"""The study of what a policy does when it is told and shown otherwise."""

from dataclasses import replace

import pytest

from instar.errors import ConfigError
from instar.rollout import Outcome
from studies.robustness import DISTURBANCES, UNDISTURBED, Study, play, report


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study("expert", tmp_path_factory.mktemp("robustness"), seeds=2, tasks="rotate", suites="placement")


def test_it_plays_the_same_episodes_under_every_disturbance(study: Study) -> None:
    runs = play(study)
    assert {name: run.disturbance for name, run in runs.items()} == DISTURBANCES
    assert {tuple(record.id for record in run.records) for run in runs.values()} == {
        ("placement/rotate/200000", "placement/rotate/200001")
    }
    lines = report(runs).splitlines()
    assert len(lines) == 2 + len(DISTURBANCES)
    assert lines[2] == "| nothing |  | 2 of 2 | 100.0 % | 34.2 to 100.0 % |  |  |  |"
    # The table's expert acts behind the scenes.
    assert lines[5] == (
        "| camera moved by 4 pixels | `shift=4` | 2 of 2 | 100.0 % | 34.2 to 100.0 % | +0.0 points | +0.0 to +0.0 | 1 |"
    )


def test_a_drop_is_paired_by_episode(study: Study) -> None:
    runs = play(study)
    first, second = runs["noise, 8 of 255"].records
    worse = replace(runs["noise, 8 of 255"], records=(replace(first, outcome=Outcome.FAILURE), second))
    row = report({UNDISTURBED: runs[UNDISTURBED], "noise": worse}).splitlines()[3]
    assert row.endswith("| 1 of 2 | 50.0 % | 9.5 to 90.5 % | -50.0 points | -100.0 to +0.0 | 1 |")


def test_what_was_played_is_not_played_again_and_other_episodes_are_refused(study: Study) -> None:
    play(study)
    told: list[tuple[int, int, str]] = []
    play(study, lambda done, total, note: told.append((done, total, note)))
    assert told == []
    with pytest.raises(ConfigError, match="other settings"):
        play(replace(study, seeds=1))
