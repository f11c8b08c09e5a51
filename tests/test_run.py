"""The folder of a run."""

import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instar.errors import ConfigError, DataError, MismatchError
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run, append_record, close_run, compare_runs, open_run, read_run

SETTINGS = {"policy": {"name": "random"}, "benchmark": {"name": "tabletop", "options": {"levels": (1, 2)}}, "replan": 1}
PLAYED = [
    EpisodeRecord(f"L1/a/{seed}", "L1", "a", seed, outcome, 2)
    for seed, outcome in ((10, Outcome.SUCCESS), (2, Outcome.CRASHED), (1, Outcome.FAILURE))
]


def opened(folder: Path, *, retry_crashed: bool = False, **changed: Any) -> AbstractContextManager[Run]:
    return open_run(folder, {**SETTINGS, **changed}, {"versions": {"instar": "0"}}, retry_crashed=retry_crashed)


def begun(folder: Path, *, retry_crashed: bool = False, **changed: Any) -> Run:
    with opened(folder, retry_crashed=retry_crashed, **changed) as run:
        return run


def whole(folder: Path, **changed: Any) -> Run:
    begun(folder, **changed)
    for record in PLAYED:
        append_record(folder, record)
    return close_run(folder)


def test_reads_back_what_it_wrote_in_the_order_of_the_seeds(tmp_path: Path) -> None:
    run = whole(tmp_path / "run")
    assert [record.seed for record in run.records] == [1, 2, 10]
    assert run.whole
    assert run.name == "run"
    assert (run.summary.overall.successes, run.summary.overall.n) == (1, 2)
    assert read_run(tmp_path / "run") == run


def test_a_run_is_resumed_with_the_same_settings_only(tmp_path: Path) -> None:
    whole(tmp_path)
    assert len(begun(tmp_path).records) == 3
    with pytest.raises(ConfigError, match=r"other settings.*replan: 1 there, 2 now"):
        begun(tmp_path, replan=2)
    with pytest.raises(ConfigError, match="limit: None there, 5 now"):
        begun(tmp_path, limit=5)


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks there")
def test_two_cannot_write_to_one_run_at_once(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ConfigError, match="another evaluation is writing here"), opened(tmp_path):
        raise AssertionError("both are in")
    with opened(tmp_path) as run:
        assert not run.whole


def test_a_torn_last_line_is_not_there_and_the_next_record_takes_its_place(tmp_path: Path) -> None:
    begun(tmp_path)
    append_record(tmp_path, PLAYED[0])
    with (tmp_path / "episodes.jsonl").open("a") as file:
        file.write('{"id": "L1/a/2", "outc')
    assert [record.id for record in read_run(tmp_path).records] == ["L1/a/10"]
    append_record(tmp_path, PLAYED[1])
    assert [record.id for record in read_run(tmp_path).records] == ["L1/a/2", "L1/a/10"]


def test_crashed_episodes_are_struck_when_they_are_to_be_played_again(tmp_path: Path) -> None:
    whole(tmp_path)
    run = begun(tmp_path, retry_crashed=True)
    assert [record.outcome for record in run.records] == [Outcome.FAILURE, Outcome.SUCCESS]
    assert not run.whole
    assert not (tmp_path / "manifest.json").exists()


def test_retrying_without_a_crash_leaves_the_run_whole(tmp_path: Path) -> None:
    begun(tmp_path)
    append_record(tmp_path, PLAYED[0])
    close_run(tmp_path)
    assert begun(tmp_path, retry_crashed=True).whole


def test_an_episode_twice_is_refused(tmp_path: Path) -> None:
    whole(tmp_path)
    append_record(tmp_path, PLAYED[0])
    with pytest.raises(DataError, match="L1/a/10 is there twice"):
        read_run(tmp_path)


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run here"):
        read_run(tmp_path)
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a run of ours"):
        begun(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "other"}')
    with pytest.raises(DataError, match="not a run of the format"):
        read_run(tmp_path)


def test_runs_are_paired_over_the_same_benchmark_only(tmp_path: Path) -> None:
    ours = whole(tmp_path / "a")
    better = replace(ours, records=tuple(replace(record, outcome=Outcome.SUCCESS) for record in ours.records))
    result = compare_runs(ours, better)
    assert (result.n, result.only_b, result.crashed) == (2, 1, ("L1/a/2",))
    other = whole(tmp_path / "b", benchmark={"name": "tabletop", "options": {"levels": [1]}})
    with pytest.raises(MismatchError, match="cannot be paired: benchmark"):
        compare_runs(ours, other)
