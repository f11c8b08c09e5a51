"""From a detector of the robot's hand, through traces on disk, to answers that tell them."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instar import plugins
from instar.cli import run
from instar.doctor import DoctorConfig, examine
from instar.errors import ConfigError, DataError
from instar.files import read_jsonl
from instar.seeing.teach_detector import (
    Detection,
    DetectorMeasureConfig,
    DetectorTrainConfig,
    measure_detector,
    train_detector,
)
from instar.seeing.trace import TraceConfig, TraceSummary, trace_demos
from instar.seeing.track_file import Tracks
from tests.seeing import hands


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"rlbench:{hands.calibrated(tmp_path_factory.mktemp('demos'), 10)}"


@pytest.fixture(scope="module")
def eye(demos: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that learned for a few seconds what a hand looks like."""
    out = tmp_path_factory.mktemp("taught") / "eye"
    options: dict[str, Any] = {"steps": 60, "batch": 8, "lr": 1e-2, "clip": 1.0, "shift": 10, "device": "cpu"}
    plain = DetectorTrainConfig(out, hands.TOY, demos, finds="effector:box=12", held_out=0.3, workers=1, **options)
    return train_detector(plain).detector


def traced(demos: str, eye: Path, out: Path, **options: Any) -> TraceSummary:
    return trace_demos(TraceConfig(demos, f"detr:{eye},threshold=0.3,device=cpu", out, **{"workers": 1, **options}))


def measured(demos: str, eye: Path, **options: Any) -> Detection:
    detector = f"detr:{eye},threshold=0.3,device=cpu"
    return measure_detector(DetectorMeasureConfig(demos, detector, finds="effector", workers=1, **options))


def test_a_hand_is_found_near_its_place_in_episodes_that_were_not_learned_from(demos: str, eye: Path) -> None:
    found = measured(demos, eye)
    assert found.scores == ()
    assert found.aim is not None
    assert found.aim.pictures == 8 * found.episodes == 40
    assert found.aim.found.n == 40
    assert found.aim.found.successes > 25
    assert found.aim.errors is not None
    assert found.aim.errors.count == found.aim.found.successes
    assert found.aim.errors.median < 6, "by chance it would be about 20 pixels"
    assert found.aim.invented.n == 0


def test_the_command_line_tells_how_far_off_it_is(
    demos: str, eye: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = f"detr:{eye},threshold=0.3,device=cpu"
    who = ["--finds", "effector", "--detector", detector, "--demos", demos, "--workers", "1"]
    assert run(["detector", "measure", *who]) == 0
    told = capsys.readouterr().out
    assert "40 pictures" in told
    assert "off by at most, in 90 %" in told
    assert run(["trace", *who[2:], "--out", str(tmp_path / "traces.parquet"), "--episodes", "1"]) == 0
    assert "error median" in capsys.readouterr().out


def test_traces_of_a_calibrated_camera_are_held_against_its_map(demos: str, eye: Path, tmp_path: Path) -> None:
    summary = traced(demos, eye, tmp_path / "traces.parquet")
    tracks = Tracks(tmp_path / "traces.parquet")
    believed = np.concatenate([tracks.of(id).believed for id in tracks.ids()])
    truth = np.concatenate([hands.path(number, 8) for number in range(10)])
    there = ~np.isnan(believed[:, 0])
    errors = np.hypot(*(believed - truth)[there].T)
    assert (summary.episodes, summary.frames, summary.points) == (10, 80, there.sum())
    assert summary.coverage == there.mean() > 0.6
    assert summary.error_median == pytest.approx(np.median(errors), abs=1e-3)
    assert summary.error_90 == pytest.approx(np.quantile(errors, 0.9), abs=1e-3)
    assert (tracks.facts.height, tracks.facts.width, tracks.facts.leap) == (64, 64, 6.4)
    assert tracks.facts.run.detector == {"name": "detr", "options": {"threshold": 0.3, "overlap": 0.8, "most": 15}}


def test_traces_of_a_camera_that_nobody_calibrated(eye: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    away = hands.path(3, 8)
    away[5:] = np.nan
    demos = f"rlds:{hands.uncalibrated(tmp_path, [hands.path(0, 8), away])}"
    out = tmp_path / "traces.parquet"
    summary = traced(demos, eye, out, camera="image_0")
    assert "taught on pictures of camera 'front', these are of 'image_0'" in caplog.text
    assert summary.error_median is None
    assert summary.points >= 6
    tracks = Tracks(out)
    source = plugins.make("demos", f"traced:{out}")
    assert source.ids() == tracks.ids() == ["train/000000", "train/000001"]
    seen = [not np.isnan(u) for u, _ in tracks.of("train/000001").believed]
    assert [bool(step.observation.effector) for step in source.episode("train/000001").steps] == seen
    found = {finding.subject: finding.text for finding in examine(DoctorConfig(plugin=f"traced:{out}"))}
    assert found["trace image_0"].startswith(f"seen in {summary.coverage:.1%} of 16 frames")


def test_the_same_command_again_changes_nothing_and_another_is_refused(demos: str, eye: Path, tmp_path: Path) -> None:
    out = tmp_path / "traces.parquet"
    first = traced(demos, eye, out, episodes=2)
    before = out.read_bytes()
    again = traced(demos, eye, out, episodes=2)
    assert replace(again, seconds=first.seconds, resumed=0) == first
    assert again.resumed == 2
    assert out.read_bytes() == before
    with pytest.raises(ConfigError, match=r"holds another run: leap: was None, is 3\.0"):
        traced(demos, eye, out, episodes=2, leap=3.0)


def test_an_interrupted_look_goes_on_to_the_same_bytes(demos: str, eye: Path, tmp_path: Path) -> None:
    traced(demos, eye, tmp_path / "whole.parquet", episodes=4)

    def interrupted(done: int, _total: int, _note: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    out = tmp_path / "traces.parquet"
    plain = TraceConfig(demos, f"detr:{eye},threshold=0.3,device=cpu", out, episodes=4, workers=1)
    with pytest.raises(KeyboardInterrupt):
        trace_demos(plain, interrupted)
    assert not out.exists()
    with pytest.raises(
        ConfigError, match=r"traces\.parquet\.partial holds another run: name: was end effector, is hand"
    ):
        trace_demos(replace(plain, name="hand"))
    assert trace_demos(plain).resumed == 2
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["traces.parquet", "whole.parquet"]


def test_a_killed_look_loses_only_what_was_under_way(demos: str, eye: Path, tmp_path: Path) -> None:
    out = tmp_path / "traces.parquet"
    detector = f"detr:{eye},threshold=0.3,device=cpu"
    command = [sys.executable, "-m", "instar.cli", "trace", "--demos", demos, "--detector", detector, "--out", str(out)]
    partial = tmp_path / "traces.parquet.partial"
    process = subprocess.Popen([*command, "--workers", "1"], env=os.environ | {"OMP_NUM_THREADS": "1"})
    while process.poll() is None and len(read_jsonl(partial)) < 3:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(read_jsonl(partial)) - 1 if partial.exists() else 10
    summary = traced(demos, eye, out)
    assert summary.resumed == kept >= 2
    assert summary.episodes == 10


def test_workers_make_no_difference(demos: str, eye: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        traced(demos, eye, tmp_path / f"{workers}.parquet", workers=workers, episodes=3)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


def test_points_that_leap_are_gaps_and_are_counted(demos: str, eye: Path, tmp_path: Path) -> None:
    summary = traced(demos, eye, tmp_path / "traces.parquet", leap=0.01)
    tracks = Tracks(tmp_path / "traces.parquet")
    every = [tracks.of(id) for id in tracks.ids()]
    assert summary.leaps == sum(int(seen.leaps.sum()) for seen in every)
    assert summary.points == sum(int((~np.isnan(seen.points[:, 0])).sum()) for seen in every) - summary.leaps


def test_nothing_seen_is_told_and_not_an_error(
    demos: str, eye: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = traced(demos, eye, tmp_path / "traces.parquet", name="gripper", episodes=2)
    assert (summary.points, summary.never, summary.longest_gap.split()[0]) == (0, 2, "8")
    assert "no frame shows the gripper" in caplog.text


def test_episodes_that_cannot_be_read_are_left_out(eye: Path, tmp_path: Path) -> None:
    home = hands.calibrated(tmp_path / "demos", 2)
    whole = next(home.rglob("episode0/front_rgb/3.png"))
    torn = whole.read_bytes()[:50]
    whole.write_bytes(torn)
    summary = traced(f"rlbench:{home}", eye, tmp_path / "traces.parquet")
    assert (summary.episodes, summary.left_out) == (1, 1)
    [why] = Tracks(tmp_path / "traces.parquet").facts.left_out.values()
    assert "cannot be decoded" in why
    next(home.rglob("episode1/front_rgb/3.png")).write_bytes(torn)
    with pytest.raises(DataError, match=r"none of the 2 episodes can be looked at; push/.*cannot be decoded"):
        traced(f"rlbench:{home}", eye, tmp_path / "none.parquet")


@pytest.mark.parametrize(("options", "words"), [({"leap": 0.0}, "leap is 0"), ({"episodes": 0}, "episodes must be")])
def test_options_that_cannot_work_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(TraceConfig("rlds:x", "detr:y", Path("z")), **options)


def test_a_detector_learns_and_is_measured_by_hand_labels_alone(eye: Path, tmp_path: Path) -> None:
    rows = ["image,x,y,episode"]
    for number in range(12):
        place = hands.path(number, 1)[0] if number % 4 else np.array([np.nan, np.nan])
        (tmp_path / f"{number}.png").write_bytes(hands.picture(place, number))
        told = ",".join("" if np.isnan(part) else f"{part:.2f}" for part in place)
        rows.append(f"{number}.png,{told},{number // 2}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    labels = (tmp_path / "labels.csv",)
    options: dict[str, Any] = {"steps": 2, "batch": 4, "device": "cpu", "held_out": 0.4, "zoom": 0.3, "mirror": True}
    plain = DetectorTrainConfig(tmp_path / "own", hands.TOY, labels=labels, finds="effector", camera="", **options)
    summary = train_detector(plain)
    assert summary.episodes + summary.held_out == 6
    assert summary.pictures == 2 * summary.episodes
    assert summary.names == 1
    found = measured("", eye, labels=labels, held_out=1.0).aim
    assert found is not None
    assert (found.pictures, found.found.n, found.invented.n) == (12, 9, 3)
    kept = measured("", tmp_path / "own", labels=labels, camera="any").aim
    assert kept is not None
    assert kept.pictures == 2 * summary.held_out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"finds": "objects", "labels": (Path("labels.csv"),)}, "labels say where an end effector is"),
        ({"demos": ""}, "there is nothing to look at"),
        ({"finds": "objects", "mirror": True}, "letters would be others"),
        ({"zoom": -1.0}, "zoom -1.0 0 or more"),
    ],
)
def test_a_training_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        replace(DetectorTrainConfig(Path("x"), hands.TOY, "rlbench:x", finds="effector"), **options)
