"""What instar writes is read by lerobot and by TensorFlow Datasets as what went in, frame by frame."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from instar.demos.lerobot import LeRobot
from instar.storing import lerobot, rlds
from instar.storing.lerobot import LeRobotConfig, Pictures
from instar.storing.rlds import RldsConfig
from tests.demos.lerobot.reference import PYTHONS, asked, read_by
from tests.demos.rlds.reference import NEEDS_TFDS, read_by_tfds
from tests.storing.made import ARM, LENGTHS, TASKS, Made, made_picture, use

FPS = 5
STEPS = [(number, t) for number, length in enumerate(LENGTHS) for t in range(length)]


@pytest.fixture(autouse=True)
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made())


def given(name: str) -> NDArray[Any]:
    """What went in, of all steps."""
    if name == "action":
        return np.array([[number, t / 8, t % 2] for number, t in STEPS], np.float32)
    if name == "observation.state":
        return np.array([[t / 4, -number] for number, t in STEPS], np.float32)
    return np.stack([made_picture(ARM.camera(name.rpartition(".")[2]), *step) for step in STEPS])


@pytest.mark.skipif(not PYTHONS, reason="INSTAR_LEROBOT_PYTHON is not set: no lerobot to ask")
@pytest.mark.parametrize("pictures", ["image", "h264", "av1"])
def test_lerobot_reads_what_went_in(tmp_path: Path, pictures: Pictures) -> None:
    current = [python for python in PYTHONS if asked(python, "version") == "v3.0"]
    if not current:
        pytest.skip("no lerobot in INSTAR_LEROBOT_PYTHON reads v3.0")
    out = tmp_path / "made"
    lerobot.export(LeRobotConfig("made", out, FPS, pictures, workers=1))
    theirs = read_by(current[0], out)
    assert_array_equal(theirs["episode_index"], [number for number, _ in STEPS])
    assert_allclose(theirs["timestamp"], [t / FPS for _, t in STEPS], rtol=1e-6)
    assert list(theirs["task"]) == [TASKS[number] for number, _ in STEPS]
    for name in ("action", "observation.state"):
        assert_array_equal(theirs[name], given(name))
    for camera in ARM.cameras:
        name = f"observation.images.{camera.name}"
        if pictures == "image":
            assert_array_equal(theirs[name], given(name))
        source = LeRobot(out)
        ours = [step.observation.images[camera.name].pixels for id in source.ids() for step in source.episode(id).steps]
        assert_array_equal(theirs[name], ours)
        assert np.abs(theirs[name] - given(name).astype(int)).mean() < 5


@NEEDS_TFDS
def test_tensorflow_datasets_reads_what_went_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rlds, "SHARD", 0)  # a file for each episode
    rlds.export(RldsConfig("made", tmp_path / "made", workers=1))
    theirs = read_by_tfds(tmp_path / "made/1.0.0", tmp_path)
    episodes = [told(theirs, number) for number in range(len(LENGTHS))]
    assert len(theirs) == sum(map(len, episodes))
    assert_array_equal(np.concatenate([one["action"] for one in episodes]), given("action"))
    assert_array_equal(np.concatenate([one["observation/state"] for one in episodes]), given("observation.state"))
    for camera in ARM.cameras:
        shown = np.concatenate([one[f"observation/{camera.name}"] for one in episodes])
        assert_array_equal(shown, given(f"observation.images.{camera.name}"))
    for number, one in enumerate(episodes):
        assert set(one["language_instruction"]) == {TASKS[number]}
        assert list(one["episode_metadata/file_path"]) == [f"made/{number}"]
        assert_array_equal(np.flatnonzero(one["is_first"]), [0])
        assert_array_equal(np.flatnonzero(one["is_last"]), [LENGTHS[number] - 1])


def told(theirs: Mapping[str, NDArray[Any]], number: int) -> dict[str, NDArray[Any]]:
    """The features of one episode."""
    return {key.partition("/")[2]: value for key, value in theirs.items() if key.partition("/")[0] == str(number)}
