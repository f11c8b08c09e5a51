"""A benchmark from the first episode to the manifest, with interruptions."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instar.errors import ConfigError, DataError, PluginError
from instar.evaluate import EvaluateConfig, chosen, evaluate, identity
from instar.rollout import Outcome
from instar.run import Run, read_run
from instar.train import train
from tests.point_world import trial
from tests.training.lessons import lessons, run_of

BENCHMARK = "tabletop:tasks=visual_manipulation+rotate,suites=placement,per_task=4,max_steps=3"


def config(out: Path, policy: str = "random", **options: Any) -> EvaluateConfig:
    return replace(EvaluateConfig(policy, out, BENCHMARK, videos="none"), **options)


def untimed(run: Run) -> list[object]:
    return [record.untimed() for record in run.records]


def test_a_whole_run_says_what_was_played_and_how_it_went(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    run = evaluate(config(tmp_path, "expert"), lambda done, total, note: told.append((done, total, note)))
    assert run.whole
    assert len(run.records) == 8
    assert run.summary.overall.successes == 8
    assert told[0] == (0, 8, "0 solved")
    assert told[-1] == (8, 8, "8 solved")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["summary"] == json.loads(json.dumps(run.summary.to_json()))
    assert run.settings["benchmark"]["options"]["per_task"] == 4
    assert "instar" in run.description["versions"]
    assert str(tmp_path) not in (tmp_path / "run.json").read_text()


def test_workers_and_batch_change_nothing_on_the_tabletop(tmp_path: Path) -> None:
    one = evaluate(config(tmp_path / "one", batch=1))
    many = evaluate(config(tmp_path / "many", batch=5, workers=2))
    assert untimed(one) == untimed(many)
    assert one.settings == many.settings


@pytest.fixture(scope="module", params=["llava", "qwen2_5_vl"])
def untaught(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights: where it says something else than before, nothing was learned to hide it."""
    folder = tmp_path_factory.mktemp("untaught")
    made = run_of(lessons(folder / "samples"), folder / "policy", model=f"tiny:{request.param},layers=1", steps=0)
    return train(made).checkpoint


def test_a_model_says_the_same_for_any_number_of_workers_and_any_batch(untaught: Path, tmp_path: Path) -> None:
    runs = {}
    benchmark = "tabletop:tasks=rotate,suites=placement,per_task=5,max_steps=1"
    for workers, batch in ((0, 1), (0, 3), (0, 16), (1, 1), (1, 16), (2, 3)):
        how = config(tmp_path / f"{workers} {batch}", str(untaught), workers=workers, batch=batch, device="cpu")
        runs[workers, batch] = evaluate(replace(how, benchmark=benchmark))
    alone = untimed(runs[0, 1])
    assert len({record.trace[0].reply for record in runs[0, 1].records}) > 1
    assert [pair for pair, run in runs.items() if untimed(run) != alone] == []


def test_a_run_tells_who_waited_for_whom(tmp_path: Path) -> None:
    told: list[str] = []
    evaluate(config(tmp_path, workers=1, batch=2), lambda _done, _total, note: told.append(note))
    timing = json.loads((tmp_path / "manifest.json").read_text())["timing"]
    assert (timing["episodes"], timing["workers"], timing["batch"]) == (8, 1, 2)
    assert timing["model"]["contexts"] == 24
    assert timing["simulators"]["orders"] == 32
    assert 0 < timing["model"]["share"] <= 1
    assert 0 < timing["simulators"]["share"] <= 1
    assert re.fullmatch(r"0 solved, model \d+%, simulators \d+% of the time", told[-1])


def test_a_whole_run_is_not_played_again(tmp_path: Path) -> None:
    evaluate(config(tmp_path))
    before = (tmp_path / "episodes.jsonl").stat()
    told: list[int] = []
    assert evaluate(config(tmp_path, workers=1, batch=2), lambda done, _total, _note: told.append(done)).whole
    assert (tmp_path / "episodes.jsonl").stat() == before
    assert told == []


def test_only_missing_episodes_are_played(tmp_path: Path) -> None:
    whole = evaluate(config(tmp_path))
    (tmp_path / "manifest.json").unlink()
    rows = (tmp_path / "episodes.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "episodes.jsonl").write_text("".join(rows[:3]) + rows[3][:50])
    told: list[int] = []
    resumed = evaluate(config(tmp_path), lambda done, _total, _note: told.append(done))
    assert told == [3, 4, 5, 6, 7, 8]
    assert untimed(resumed) == untimed(whole)
    assert (tmp_path / "episodes.jsonl").read_text().startswith("".join(rows[:3]))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"policy": "random:seed=1"}, "policy"),
        ({"replan": 2}, "replan"),
        ({"benchmark": "tabletop:per_task=5"}, "benchmark"),
        ({"limit": 1}, "limit"),
    ],
)
def test_a_folder_with_other_settings_is_refused(tmp_path: Path, changed: dict[str, Any], what: str) -> None:
    evaluate(config(tmp_path, limit=2))
    with pytest.raises(ConfigError, match=f"other settings.*{what}"):
        evaluate(config(tmp_path, **{"limit": 2, **changed}))


def test_crashed_episodes_are_played_again_if_asked(tmp_path: Path) -> None:
    whole = evaluate(config(tmp_path))
    path = tmp_path / "episodes.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[2] |= {"outcome": "crashed", "error": "the power went out"}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert evaluate(config(tmp_path)).summary.overall.crashed == 1
    again = evaluate(config(tmp_path, retry_crashed=True))
    assert again.summary.overall.crashed == 0
    assert untimed(again) == untimed(whole)


def test_going_on_with_other_versions_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    evaluate(config(tmp_path))
    (tmp_path / "manifest.json").unlink()
    description = json.loads((tmp_path / "run.json").read_text())
    description["versions"]["numpy"] = "0.9"
    (tmp_path / "run.json").write_text(json.dumps(description))
    assert evaluate(config(tmp_path)).whole
    assert "numpy 0.9 then" in caplog.text


def test_films_are_made_of_the_first_episodes_and_of_failures(tmp_path: Path) -> None:
    expert = evaluate(config(tmp_path / "expert", "expert", videos="failures"))
    random = evaluate(config(tmp_path / "random", "random", videos="failures", workers=1))
    assert expert.summary.overall.rate == 1
    assert len(list((tmp_path / "expert" / "frames").glob("*/*/*"))) == 4, "two of each task"
    assert {record.outcome for record in random.records} == {Outcome.TIMEOUT}
    assert len(list((tmp_path / "random" / "frames").glob("*/*/*/film.json"))) == 8
    assert len(list((tmp_path / "random" / "frames").glob("*/*/*/*.jpg"))) == 8 * 4


def test_limit_is_per_task_and_ids_are_unique() -> None:
    trials = [trial(name, seed) for name in ("a", "b") for seed in range(5)]
    assert [item.id for item in chosen(trials, 2)] == ["line/a/0", "line/a/1", "line/b/0", "line/b/1"]
    assert chosen(trials, None) == trials
    with pytest.raises(DataError, match="line/a/0 more than once"):
        chosen([*trials, trials[0]], None)


def test_a_policy_is_known_by_what_it_is_and_not_by_where_it_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        (tmp_path / place / "mine").mkdir(parents=True)
        (tmp_path / place / "mine" / "card.json").write_text('{"recipe": "llara"}')
    here, there = (identity(str(tmp_path / place / "mine")) for place in ("here", "there"))
    assert here == there
    (tmp_path / "there" / "mine" / "card.json").write_text('{"recipe": "other"}')
    assert identity(str(tmp_path / "there" / "mine")) != here
    assert identity("random") == identity("random:seed=0") != identity("random:seed=1")


@pytest.mark.parametrize(
    ("policy", "error", "words"),
    [
        ("runs/none", DataError, "no such checkpoint folder"),
        ("randum", PluginError, "did you mean 'random'"),
        (".", DataError, "not a checkpoint"),
    ],
)
def test_a_policy_that_does_not_exist_is_refused_before_anything_is_written(
    tmp_path: Path, policy: str, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        evaluate(config(tmp_path / "run", policy))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", [{"workers": -1}, {"batch": 0}, {"replan": 0}, {"limit": 0}])
def test_options_that_cannot_work_are_refused(tmp_path: Path, option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(option))):
        config(tmp_path, **option)


PROGRAM = """
import sys
from pathlib import Path
from typing import Any
from instar.evaluate import EvaluateConfig, evaluate

if __name__ == "__main__":
    evaluate(EvaluateConfig("random", Path(sys.argv[1]), sys.argv[2], workers=1, batch=4, videos="none"))
"""


def started(folder: Path, out: Path, benchmark: str) -> "subprocess.Popen[bytes]":
    (folder / "program.py").write_text(PROGRAM)
    return subprocess.Popen([sys.executable, str(folder / "program.py"), str(out), benchmark])


def ids(path: Path) -> list[str]:
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line)["id"] for line in lines]


def wait_for(path: Path, count: int, process: "subprocess.Popen[bytes]") -> Sequence[str]:
    """The ids in the file once there are at least `count`."""
    deadline = time.monotonic() + 60
    while len(found := ids(path)) < count:
        assert process.poll() is None, "ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def test_killed_twice_and_run_again_no_episode_is_lost_or_doubled(tmp_path: Path) -> None:
    benchmark = "tabletop:tasks=visual_manipulation+rotate,suites=placement,per_task=30,max_steps=2"
    out, seen = tmp_path / "run", 0
    for more in (3, 10):
        process = started(tmp_path, out, benchmark)
        seen = len(wait_for(out / "episodes.jsonl", seen + more, process))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not (out / "manifest.json").exists()
    assert seen < 60
    assert not read_run(out).whole
    assert started(tmp_path, out, benchmark).wait(timeout=60) == 0
    played = ids(out / "episodes.jsonl")
    assert len(played) == len(set(played)) == 60
    whole = evaluate(config(tmp_path / "whole", benchmark=benchmark))
    assert untimed(read_run(out)) == untimed(whole)
