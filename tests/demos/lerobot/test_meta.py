"""The papers of LeRobot datasets: every version tells the same, and what contradicts itself is named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from instar.demos.lerobot.meta import Meta
from instar.errors import DataError
from tests.demos.lerobot.made import CAMERA, TASKS, dataset_2, dataset_3, write_info

Maker = Callable[[Path, list[int]], Path]
LENGTHS = [3, 2, 4]


@pytest.mark.parametrize("made", [dataset_2, dataset_3])
def test_every_version_tells_the_same(tmp_path: Path, made: Maker) -> None:
    meta = Meta.read(made(tmp_path, LENGTHS))
    assert (meta.fps, meta.robot, meta.cameras) == (10, "so100", [CAMERA])
    assert meta.features["action"].names == ("x", "y", "grip")
    assert meta.features["observation.state"].names == ("left", "right")
    assert meta.tasks == dict(enumerate(TASKS))
    assert [entry.length for entry in meta.entries] == LENGTHS
    assert [entry.tasks for entry in meta.entries] == [(TASKS[0],), (TASKS[1],), (TASKS[0],)]
    for entry in meta.entries:
        assert entry.rows.is_file()
        assert entry.videos[CAMERA].path.is_file()


def test_version_3_says_where_in_a_video_an_episode_begins(tmp_path: Path) -> None:
    stretches = [entry.videos[CAMERA] for entry in Meta.read(dataset_3(tmp_path, LENGTHS)).entries]
    assert [(stretch.start, stretch.stop) for stretch in stretches] == [(0.0, 0.3), (0.3, 0.5), (0.5, 0.9)]


def test_refuses_a_version_that_it_does_not_know(tmp_path: Path) -> None:
    write_info(dataset_3(tmp_path, [2]), codebase_version="v1.6")
    with pytest.raises(DataError, match=r"version v1\.6; v2\.0, v2\.1, v3\.0 are read"):
        Meta.read(tmp_path)


def test_counts_that_contradict_each_other_are_an_error(tmp_path: Path) -> None:
    write_info(dataset_2(tmp_path, [2, 2]), total_episodes=3)
    with pytest.raises(DataError, match=r"3 episodes; meta/episodes lists 2"):
        Meta.read(tmp_path)


def test_a_file_outside_the_dataset_is_not_read(tmp_path: Path) -> None:
    write_info(dataset_2(tmp_path / "set", [2]), data_path="../{episode_index}.parquet")
    with pytest.raises(DataError, match="leads out of the dataset"):
        Meta.read(tmp_path / "set")


def test_a_recording_that_was_never_finished_says_so(tmp_path: Path) -> None:
    path = dataset_3(tmp_path, [2]) / "meta/episodes/chunk-000/file-000.parquet"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(DataError, match=r"file-000\.parquet: not a whole Parquet file .* finalize\(\)"):
        Meta.read(tmp_path)


def test_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"info\.json: no such file"):
        Meta.read(tmp_path)
    write_info(dataset_2(tmp_path, [2]), features=None)
    with pytest.raises(DataError, match="not the papers of a LeRobot dataset"):
        Meta.read(tmp_path)
