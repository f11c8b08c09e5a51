"""RLDS as instar writes it: read back as it was, in as many files as it takes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from instar.demos.rlds import Rlds
from instar.demos.rlds.folder import Folder
from instar.errors import ConfigError, DataError
from instar.files import read_json
from instar.storing import rlds
from instar.storing.rlds import RldsConfig, export
from tests.storing.made import ARM, LENGTHS, TASKS, Made, made_picture, use


@pytest.fixture(autouse=True)
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made())


def exported(out: Path, **options: Any) -> Path:
    export(RldsConfig("made", out, workers=1, **options))
    return out


def assert_as_made(source: Rlds, lost: float = 0) -> None:
    assert len(source.ids()) == len(LENGTHS)
    for number, id in enumerate(source.ids()):
        episode = source.episode(id)
        assert episode.robot == ARM
        assert (episode.length, len(episode.steps), episode.instruction.text) == (
            LENGTHS[number],
            LENGTHS[number],
            TASKS[number],
        )
        for t, step in enumerate(episode.steps):
            assert_array_equal(episode.action(t), np.array([number, t / 8, t % 2], np.float32))
            assert_array_equal(step.observation.state, np.array([t / 4, -number], np.float32))
            for camera in ARM.cameras:
                off = np.abs(step.observation.images[camera.name].pixels - made_picture(camera, number, t).astype(int))
                assert off.mean() <= lost


def test_is_read_back_as_it_was(tmp_path: Path) -> None:
    assert_as_made(Rlds(exported(tmp_path / "made")))


def test_also_under_the_name_of_a_dataset_that_is_read_in_its_own_way(tmp_path: Path) -> None:
    assert_as_made(Rlds(exported(tmp_path, name="bridge_dataset")))


def test_a_file_that_is_large_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rlds, "SHARD", 0)
    out = exported(tmp_path / "Mine-2")
    names = [path.name for path in sorted((out / "1.0.0").glob("*tfrecord*"))]
    assert names == [f"mine_2-train.tfrecord-{k:05d}-of-00004" for k in range(4)]
    assert_as_made(Rlds(out))


def test_pictures_can_be_jpeg(tmp_path: Path) -> None:
    out = exported(tmp_path / "made", jpeg=90)
    assert_as_made(Rlds(out), lost=6)
    told = Folder(out, "train").columns(0).step("observation/wrist")[0]
    assert bytes(told).startswith(b"\xff\xd8")
    step = read_json(out / "1.0.0/features.json")["featuresDict"]["features"]["steps"]["sequence"]["feature"]
    front = step["featuresDict"]["features"]["observation"]["featuresDict"]["features"]["front"]
    assert front["image"] == {
        "shape": {"dimensions": ["16", "24", "3"]},
        "dtype": "uint8",
        "encodingFormat": "jpeg",
    }


def test_an_episode_begins_and_ends_and_is_rewarded_where_all_is_done(tmp_path: Path) -> None:
    folder = Folder(exported(tmp_path / "made"), "train")
    for number, length in enumerate(LENGTHS):
        columns, solved = folder.columns(number), number % 2 == 0
        found = {name: np.asarray(columns.step(name)).tolist() for name in ("is_first", "is_last", "is_terminal")}
        rest = [False] * (length - 1)
        assert found == {"is_first": [True, *rest], "is_last": [*rest, True], "is_terminal": [*rest, solved]}
        assert np.asarray(columns.step("reward")).tolist() == [*rest, float(solved)]
        assert np.asarray(columns.step("discount")).tolist() == [1.0] * length
        assert [bytes(row) for row in columns.of_episode("episode_metadata/file_path")] == [f"made/{number}".encode()]


def test_what_stopped_in_the_middle_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rlds, "info", interrupted)
        with pytest.raises(KeyboardInterrupt):
            exported(tmp_path / "made")
    with pytest.raises(DataError, match=r"neither dataset_info\.json nor"):
        Rlds(tmp_path / "made").ids()
    assert_as_made(Rlds(exported(tmp_path / "made")))


def test_refuses_names_and_qualities_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name 'My-set': TensorFlow Datasets wants small letters"):
        RldsConfig("made", tmp_path, name="My-set")
    with pytest.raises(ConfigError, match="cannot be called '2024_data'; say its --name"):
        export(RldsConfig("made", tmp_path / "2024-data"))
    with pytest.raises(ConfigError, match="jpeg 0: a quality is from 1 to 100"):
        RldsConfig("made", tmp_path, jpeg=0)
