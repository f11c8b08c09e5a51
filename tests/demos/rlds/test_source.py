"""RLDS as demonstrations: episodes by id, in the meaning of their dataset, pictures as they were stored."""

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from instar.demos.rlds import Rlds
from instar.errors import ConfigError, DataError
from tests.demos.rlds.made import FEATURES, dataset, episode, png, sequence, tensor, together

BRIDGE = Path(__file__).parents[4] / "shared/data/rlds/bridge_dataset"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Three episodes of a dataset that nobody knows."""
    return dataset(tmp_path, [[episode(0, length=3), episode(1, length=2)], [episode(2, length=4)]])


def test_an_episode_is_found_by_its_id(made: Path) -> None:
    source = Rlds(made)
    assert source.ids() == ["train/000000", "train/000001", "train/000002"]
    found = source.episode("train/000002")
    assert (found.length, len(found.steps), found.instruction.text) == (4, 4, "do 2")
    step = found.steps[3]
    assert step.observation.images["image_0"].data == png(23)
    assert step.action is not None
    assert_allclose(step.action, np.arange(21, 28) / 100 + 2, rtol=1e-6)
    assert_allclose(step.observation.state, step.action * 2, rtol=1e-6)


def test_a_known_dataset_has_its_robot_and_the_names_of_its_actions(tmp_path: Path) -> None:
    source = Rlds(dataset(tmp_path, [[episode(1, length=4)]], FEATURES, name="bridge_dataset"))
    found = source.episode("train/000000")
    assert found.robot.name == "widowx"
    assert found.robot.actions.names == ("x", "y", "z", "roll", "pitch", "yaw", "gripper")
    assert [(camera.name, camera.height, camera.width) for camera in found.robot.cameras] == [("primary", 8, 12)]
    # The first step is left out; the last one is seen, and nothing is done there any more.
    assert (found.length, len(found.steps)) == (2, 3)
    assert found.steps[2].action is None


def test_a_dataset_is_read_as_another_or_plainly_by_the_usual_names(tmp_path: Path) -> None:
    made = dataset(tmp_path, [[episode(1, length=4)]], FEATURES, name="bridge_dataset")
    plain = Rlds(made, standard="plain").episode("train/000000")
    assert (plain.length, len(plain.steps)) == (4, 4)
    assert [camera.name for camera in plain.robot.cameras] == ["image_0"]
    assert_allclose(plain.action(3), np.arange(21, 28) / 100 + 1, rtol=1e-6)
    libero = Rlds(made, standard="libero_spatial_no_noops", cameras="primary")
    with pytest.raises(ConfigError, match="no camera primary"):
        libero.ids()
    with pytest.raises(ConfigError, match="no standard is called 'bridge_datset'; did you mean 'bridge_dataset'"):
        Rlds(made, standard="bridge_datset").ids()


def test_any_features_can_make_an_action(made: Path) -> None:
    found = Rlds(made, action="action[:2]+inverted(is_first)", state="observation/state[-1:]").episode("train/000000")
    assert_allclose([found.action(t) for t in range(3)], [[0, 0.01, 0], [0.07, 0.08, 1], [0.14, 0.15, 1]], atol=1e-7)
    assert found.robot.actions.dim == 3
    assert_allclose(found.steps[1].observation.state, [0.26], atol=1e-7)


def test_asks_for_the_action_where_none_is_called_so(tmp_path: Path) -> None:
    features = together(steps=sequence(together(torques=tensor("float32", 2))))
    made = dataset(tmp_path, [[{"steps/torques": np.zeros(6, np.float32)}]], features)
    with pytest.raises(ConfigError, match=r"say which are: action=one\+another\. There are: torques"):
        Rlds(made).ids()
    assert Rlds(made, action="torques").episode("train/000000").length == 3


def test_refuses_episodes_and_cameras_that_are_not_there(made: Path) -> None:
    for id in ("train/000003", "val/000000", "train/x"):
        with pytest.raises(DataError, match=f"no episode {id}; there are train/0 to 2"):
            Rlds(made).episode(id)
    with pytest.raises(ConfigError, match="no camera wrist; there are: image_0"):
        Rlds(made, cameras="wrist").ids()


def test_numbers_that_are_none_are_named(tmp_path: Path) -> None:
    broken = episode(0, length=3)
    actions = np.array(broken["steps/action"])
    actions[8] = np.nan
    broken["steps/action"] = actions
    with pytest.raises(DataError, match=r"record 0: actions of step 1 are \[.*nan.*expected finite numbers"):
        Rlds(dataset(tmp_path, [[broken]])).episode("train/000000")


def test_its_fingerprint_changes_with_the_data(made: Path) -> None:
    before = Rlds(made).fingerprint()
    assert Rlds(made).fingerprint() == before
    path = next(made.glob("*00000-of-*"))
    path.write_bytes(path.read_bytes() + b"more")
    assert Rlds(made).fingerprint() != before


@pytest.mark.skipif(not BRIDGE.is_dir(), reason="the sample of BridgeData V2 is not there")
def test_reads_the_real_bridge_episodes() -> None:
    source = Rlds(BRIDGE)
    episodes = [source.episode(id) for id in source.ids()]
    assert len(episodes) == 25
    assert {one.length for one in episodes} == {8}
    assert episodes[1].instruction.text == "flip pot upright which is in sink"
    picture = episodes[0].steps[0].observation.images["primary"]
    assert picture.pixels.shape == (64, 64, 3)
    for one in episodes:
        states = np.array([step.observation.state for step in one.steps])
        moved = np.diff(states[:, :6], axis=0)
        assert_allclose([one.action(t)[:6] for t in range(one.length)], moved, atol=1e-7)
        assert {float(one.action(t)[6]) for t in range(one.length)} <= {0.0, 1.0}
