"""Folders of TFDS: every episode found in its file, every feature by its name, and damage named."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from instar.demos.rlds.folder import Folder
from instar.errors import DataError
from instar.storing.example import Written
from tests.demos.rlds.made import dataset, episode, png, sequence, tensor, text, together


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Five episodes in two files."""
    return dataset(tmp_path, [[episode(k, length=k + 1) for k in range(3)], [episode(k, length=2) for k in (3, 4)]])


def test_finds_every_episode_in_its_file(made: Path) -> None:
    folder = Folder(made, "train")
    assert len(folder) == 5
    found = [folder.columns(index) for index in (4, 0, 2, 3, 1)]
    assert [one.length for one in found] == [2, 1, 3, 2, 2]
    assert [int(np.asarray(one.of_episode("episode_metadata/episode_id"))[0]) for one in found] == [4, 0, 2, 3, 1]


def test_features_have_their_types_and_shapes(made: Path) -> None:
    found = Folder(made, "train").columns(2)
    states = np.asarray(found.step("observation/state"))
    assert states.shape == (3, 7)
    assert states.dtype == np.float32
    assert_array_equal(found.step("is_first"), [True, False, False])
    assert bytes(found.step("observation/image_0")[1]) == png(21)
    assert bytes(found.step("language_instruction")[0]) == b"do 2"


def test_a_version_is_found_below_its_dataset_and_the_newest_of_many(made: Path) -> None:
    (made.parent / "0.10.0").mkdir()
    (made.parent / "0.10.0" / "dataset_info.json").write_text("{}")
    assert Folder(made.parent, "train").path == made
    made.rename(made.with_name("0.9.0"))
    with pytest.raises(DataError, match=r"0\.10\.0"):
        Folder(made.parent, "train")


def test_names_what_there_is_where_something_is_not_there(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split val; there are: train"):
        Folder(made, "val")
    with pytest.raises(DataError, match=r"neither dataset_info\.json nor a folder of a version"):
        Folder(tmp_path, "train")
    with pytest.raises(DataError, match="no feature observation/depth; there are: action, is_first"):
        Folder(made, "train").columns(0).step("observation/depth")
    with pytest.raises(DataError, match="observation/codes is of a kind that is not read"):
        Folder(made, "train").columns(0).step("observation/codes")


def test_a_file_that_is_not_there_or_too_short_is_named(made: Path) -> None:
    folder = Folder(made, "train")
    first, second = folder.shard(0), folder.shard(1)
    second.write_bytes(first.read_bytes())
    with pytest.raises(DataError, match=r"00001-of-00002: 3 episodes where dataset_info\.json says 2"):
        folder.columns(3)
    first.unlink()
    with pytest.raises(DataError, match="00000-of-00002: no such file"):
        Folder(made, "train").columns(0)


def test_features_of_different_lengths_are_an_error(tmp_path: Path) -> None:
    odd = episode(0, length=2)
    odd["steps/is_first"] = np.array([1, 0, 0], np.int64)
    found = Folder(dataset(tmp_path, [[odd]]), "train").columns(0)
    with pytest.raises(DataError, match=r"different numbers of steps: action 2, is_first 3"):
        _ = found.length
    odd = episode(0, length=2)
    odd["steps/action"] = np.zeros(13, np.float32)
    found = Folder(dataset(tmp_path / "b", [[odd]]), "train").columns(0)
    with pytest.raises(DataError, match=r"action holds 13 numbers, no multiple of its shape \(7,\)"):
        found.step("action")


def test_arrays_that_are_stored_as_bytes_are_read(tmp_path: Path) -> None:
    features = together(steps=sequence(together(depth=tensor("uint16", 2, encoding="zlib"), action=tensor("float64"))))
    rows = [np.array([k, 300 + k], "<u2") for k in range(3)]
    packed = [zlib.compress(row.tobytes()) for row in rows]
    stored: dict[str, Written] = {"steps/depth": packed, "steps/action": np.zeros(3, np.float32)}
    found = Folder(dataset(tmp_path, [[stored]], features), "train").columns(0)
    assert_array_equal(found.step("depth"), rows)
    assert np.asarray(found.step("action")).dtype == np.float64


def test_a_packed_array_cannot_grow_without_end(tmp_path: Path) -> None:
    features = together(steps=sequence(together(depth=tensor("uint16", 2, encoding="zlib"))))
    stored = {"steps/depth": [zlib.compress(bytes(10_000_000))]}
    found = Folder(dataset(tmp_path, [[stored]], features), "train").columns(0)
    with pytest.raises(DataError, match="holds 5 bytes for an array of 4"):
        found.step("depth")


def test_refuses_what_is_no_dataset_of_episodes(tmp_path: Path) -> None:
    version = dataset(tmp_path, [[episode(0, 1)]], together(label=text()))
    with pytest.raises(DataError, match="no feature is called `steps`"):
        Folder(version, "train")
    (version / "features.json").write_text(json.dumps({"type": "FeaturesDict"}))
    with pytest.raises(DataError, match=r"TFDS 4\.4 or later"):
        Folder(version, "train")
