"""LeRobot datasets as demonstrations: numbers from the rows, pictures from the video, by every version."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_allclose

from instar.demos.lerobot import LeRobot
from instar.errors import ConfigError, DataError
from tests.demos.lerobot.made import CAMERA, FEATURES, dataset_2, dataset_3, write, write_info
from tests.demos.lerobot.reels import grey

Maker = Callable[[Path, list[int]], Path]
LENGTHS = [3, 2, 4]
EVERY = pytest.mark.parametrize("made", [dataset_2, dataset_3])


@EVERY
def test_rows_and_pictures_belong_together(tmp_path: Path, made: Maker) -> None:
    source = LeRobot(made(tmp_path, LENGTHS))
    assert source.ids() == ["000000", "000001", "000002"]
    first = 0
    for k, length in enumerate(LENGTHS):
        episode = source.episode(f"{k:06d}")
        assert (episode.length, len(episode.steps)) == (length, length)
        assert episode.instruction.text == ("push it", "pull it")[k % 2]
        for t, step in enumerate(episode.steps):
            assert_allclose(episode.action(t), [k, t, 0.5])
            assert_allclose(step.observation.state, [t, -t])
            shown = step.observation.images["front"].pixels
            frame = t if made is dataset_2 else first + t
            assert abs(shown.mean() - grey(frame)) <= 1
        first += length


@EVERY
def test_the_robot_is_as_the_papers_say(tmp_path: Path, made: Maker) -> None:
    robot = LeRobot(made(tmp_path, LENGTHS)).episode("000000").robot
    assert (robot.name, robot.actions.names, robot.state) == ("so100", ("x", "y", "grip"), ("left", "right"))
    assert (robot.actions.low, robot.actions.high) == ((0, 0, 0.5), (2, 3, 0.5))
    assert [(camera.name, camera.height, camera.width) for camera in robot.cameras] == [("front", 16, 32)]


def test_pictures_in_the_rows_stay_encoded(tmp_path: Path) -> None:
    dataset_2(tmp_path, [2])
    stored = [cv2.imencode(".png", np.full((16, 32, 3), 10 * t, np.uint8))[1].tobytes() for t in range(2)]
    path = tmp_path / "data/chunk-000/episode_000000.parquet"
    table = pq.read_table(path).append_column(CAMERA, pa.array([{"bytes": data, "path": None} for data in stored]))
    write(table, path)
    write_info(tmp_path, features={**FEATURES, CAMERA: {**FEATURES[CAMERA], "dtype": "image"}})
    episode = LeRobot(tmp_path).episode("000000")
    assert [step.observation.images["front"].data for step in episode.steps] == stored


def test_refuses_what_is_not_there(tmp_path: Path) -> None:
    made = dataset_3(tmp_path, [2])
    with pytest.raises(DataError, match="no episode 000001; there are 1"):
        LeRobot(made).episode("000001")
    with pytest.raises(ConfigError, match="no camera wrist; there are: front"):
        LeRobot(made, cameras="wrist").ids()
    with pytest.raises(ConfigError, match="no feature torque; there are: action"):
        LeRobot(made, action="torque").ids()


def test_rows_that_the_papers_do_not_know_are_an_error(tmp_path: Path) -> None:
    made = dataset_2(tmp_path, [3])
    path = made / "data/chunk-000/episode_000000.parquet"
    write(pq.read_table(path).slice(0, 2), path)
    with pytest.raises(DataError, match=r"episode 0: 2 rows; the papers say 3"):
        LeRobot(made).episode("000000")


def test_its_fingerprint_changes_with_the_data(tmp_path: Path) -> None:
    made = dataset_2(tmp_path, [3])
    before = LeRobot(made).fingerprint()
    assert LeRobot(made).fingerprint() == before
    path = made / "meta/tasks.jsonl"
    path.write_text(path.read_text() + "\n")
    assert LeRobot(made).fingerprint() != before
