"""LeRobotDataset v3.0 as instar writes it: read back as it was, with exact statistics, in as many files as it takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from instar.demos.lerobot import LeRobot
from instar.errors import ConfigError, DataError
from instar.files import read_json
from instar.storing import lerobot_papers as papers
from instar.storing.lerobot import LeRobotConfig, Pictures, export
from instar.storing.statistics import QUANTILES
from tests.storing.made import ARM, LENGTHS, TASKS, Made, made_picture, use

FORMS = pytest.mark.parametrize("pictures", ["image", "h264", "av1"])
FPS = 5


@pytest.fixture(autouse=True)
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made())


def exported(out: Path, pictures: Pictures = "image", **options: Any) -> Path:
    crf = None if pictures == "image" else 5  # nearly nothing is lost
    export(LeRobotConfig("made", out, FPS, pictures, crf, workers=1, **options))
    return out


def assert_as_made(source: LeRobot, lost: float) -> None:
    """Every step is as it was made, its pictures within a mean loss."""
    assert len(source.ids()) == len(LENGTHS)
    for number, id in enumerate(source.ids()):
        episode = source.episode(id)
        assert episode.robot == ARM
        assert (episode.length, len(episode.steps)) == (LENGTHS[number], LENGTHS[number])
        assert episode.instruction.text == TASKS[number]
        for t, step in enumerate(episode.steps):
            assert_array_equal(episode.action(t), np.array([number, t / 8, t % 2], np.float32))
            assert_array_equal(step.observation.state, np.array([t / 4, -number], np.float32))
            for camera in ARM.cameras:
                off = np.abs(step.observation.images[camera.name].pixels - made_picture(camera, number, t).astype(int))
                assert off.mean() <= lost


@FORMS
def test_is_read_back_as_it_was(tmp_path: Path, pictures: Pictures) -> None:
    out = exported(tmp_path, pictures)
    assert_as_made(LeRobot(out), lost=0 if pictures == "image" else 3)
    videos = list(out.glob("videos/*/*/*.mp4"))
    assert len(videos) == (0 if pictures == "image" else 2)
    assert len(list(out.glob("data/*/*.parquet"))) == 1


@FORMS
def test_a_file_that_is_large_is_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Pictures
) -> None:
    for name in ("ROWS_MB", "FILM_MB"):
        monkeypatch.setattr(papers, name, 0)
    monkeypatch.setattr(papers, "CHUNK", 3)
    out = exported(tmp_path, pictures)
    assert [path.relative_to(out / "data").as_posix() for path in sorted(out.glob("data/*/*"))] == [
        "chunk-000/file-000.parquet",
        "chunk-000/file-001.parquet",
        "chunk-000/file-002.parquet",
        "chunk-001/file-000.parquet",
    ]
    assert_as_made(LeRobot(out), lost=0 if pictures == "image" else 3)


def test_the_papers_say_what_there_is(tmp_path: Path) -> None:
    info = read_json(exported(tmp_path, "h264") / "meta/info.json")
    assert (info["codebase_version"], info["robot_type"], info["fps"]) == ("v3.0", "ur5", FPS)
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (4, 14, 3)
    assert info["splits"] == {"train": "0:4"}
    assert info["features"]["action"] == {"dtype": "float32", "shape": [3], "names": ["x", "y", "gripper"]}
    front = info["features"]["observation.images.front"]
    assert (front["dtype"], front["shape"], front["info"]["video.codec"]) == ("video", [16, 24, 3], "h264")
    tasks = pq.read_table(tmp_path / "meta/tasks.parquet").to_pydict()
    assert tasks == {"task_index": [0, 1, 2], "task": ["push it", "pull it", "lift it"]}
    entries = pq.read_table(tmp_path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [entry["dataset_to_index"] for entry in entries] == [3, 8, 10, 14]
    name = "videos/observation.images.wrist"
    assert_allclose([entry[f"{name}/from_timestamp"] for entry in entries], np.array([0, 3, 8, 10]) / FPS)
    assert_allclose([entry[f"{name}/to_timestamp"] for entry in entries], np.array([3, 8, 10, 14]) / FPS)


def test_rows_are_numbered_through(tmp_path: Path) -> None:
    rows = pq.read_table(exported(tmp_path) / "data/chunk-000/file-000.parquet")
    assert rows["index"].to_pylist() == list(range(14))
    assert rows["frame_index"].to_pylist() == [t for length in LENGTHS for t in range(length)]
    assert rows["episode_index"].to_pylist() == [k for k, length in enumerate(LENGTHS) for _ in range(length)]
    assert rows["task_index"].to_pylist() == [0] * 3 + [1] * 5 + [0] * 2 + [2] * 4
    assert_allclose(rows["timestamp"].to_numpy(), np.array(rows["frame_index"].to_pylist()) / FPS, rtol=1e-6)


def test_statistics_are_those_of_all_rows(tmp_path: Path) -> None:
    stats = read_json(exported(tmp_path) / "meta/stats.json")
    rows = [(number, t) for number, length in enumerate(LENGTHS) for t in range(length)]
    actions = np.array([[number, t / 8, t % 2] for number, t in rows])
    shown = np.concatenate([made_picture(ARM.cameras[0], *row).reshape(-1, 3) for row in rows]) / 255
    for name, values in (("action", actions), ("observation.images.front", shown)):
        assert_allclose(np.ravel(stats[name]["mean"]), values.mean(axis=0))
        assert_allclose(np.ravel(stats[name]["std"]), values.std(axis=0))
        for quantile, share in QUANTILES.items():
            assert_allclose(np.ravel(stats[name][quantile]), np.quantile(values, share, axis=0))
    assert stats["index"]["max"] == [13]
    second = pq.read_table(tmp_path / "meta/episodes/chunk-000/file-000.parquet").to_pylist()[1]
    assert_allclose(second["stats/action/q90"], np.quantile(actions[3:8], 0.9, axis=0))
    assert second["stats/observation.images.wrist/count"] == [5]


def test_more_processes_make_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # workers ask for plugins themselves
    demos = "tabletop:episodes=4,tasks=rotate"
    for workers in (1, 2):
        export(LeRobotConfig(demos, tmp_path / str(workers), FPS, "h264", slots="names", workers=workers))
    ours, theirs = (
        {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "1", tmp_path / "2")
    )
    assert ours == theirs


def test_what_stopped_in_the_middle_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(papers, "write_tasks", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exported(tmp_path)
    with pytest.raises(DataError, match=r"info\.json: no such file"):
        LeRobot(tmp_path).ids()
    assert_as_made(LeRobot(exported(tmp_path)), lost=0)


def test_refuses_what_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="fps 0: say how many steps a second"):
        LeRobotConfig("made", tmp_path, 0)
    with pytest.raises(ConfigError, match="crf is of videos"):
        LeRobotConfig("made", tmp_path, 5, crf=20)
    with pytest.raises(ConfigError, match="crf 60: h264 takes 0 to 51"):
        LeRobotConfig("made", tmp_path, 5, "h264", crf=60)
