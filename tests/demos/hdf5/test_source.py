"""HDF5 of robomimic and LIBERO: written with the format's own library."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from instar.demos.hdf5 import Hdf5
from instar.errors import ConfigError, DataError
from tests.demos.hdf5.made import pictures, write


@pytest.fixture
def libero(tmp_path: Path) -> Path:
    """A file of LIBERO with three episodes."""
    observed = {
        "agentview_rgb": lambda length: pictures(length, 0),
        "ee_states": lambda length: np.ones((length, 6)),
        "gripper_states": lambda length: np.zeros((length, 2)),
    }
    told = json.dumps({"language_instruction": ["turn on the stove"]})
    demos = {"demo_10": 3, "demo_2": 4, "demo_0": 2}
    return write(tmp_path / "KITCHEN_SCENE3_turn_on_demo.hdf5", {"problem_info": told}, observed, demos)


@pytest.fixture
def robomimic(tmp_path: Path) -> Path:
    """A file of robomimic with two episodes, one of them in its list `train`."""
    observed = {
        "agentview_image": lambda length: pictures(length, 1),
        "robot0_eye_in_hand_image": lambda length: pictures(length, 2),
        "robot0_eef_pos": lambda length: np.full((length, 3), 0.5),
        "object": lambda length: np.zeros((length, 10)),
    }
    world = json.dumps({"env_name": "PickPlaceCan", "env_kwargs": {"robots": ["Sawyer"]}})
    return write(tmp_path / "can.hdf5", {"env_args": world}, observed, {"demo_0": 3, "demo_1": 2}, mask="demo_1")


def test_libero_is_read_upright_with_its_words(libero: Path) -> None:
    source = Hdf5(libero)
    assert [id.rpartition("/")[2] for id in source.ids()] == ["demo_0", "demo_2", "demo_10"]
    episode = source.episode("KITCHEN_SCENE3_turn_on_demo/demo_2")
    assert episode.instruction.text == "turn on the stove"
    assert episode.robot.name == "panda"
    assert [(camera.name, camera.height, camera.width) for camera in episode.robot.cameras] == [("agentview", 6, 8)]
    step = episode.steps[3]
    assert_array_equal(step.observation.images["agentview"].pixels, pictures(4, 0)[3, ::-1, ::-1])
    assert_array_equal(step.observation.state, [1, 1, 1, 1, 1, 1, 0, 0])


def test_a_gripper_is_open_at_one_and_closed_at_nought(libero: Path) -> None:
    episode = Hdf5(libero).episode("KITCHEN_SCENE3_turn_on_demo/demo_10")
    assert_array_equal([episode.action(t)[6] for t in range(3)], [1, 1, 0])
    assert_allclose(episode.action(1)[:6], np.arange(6, 12) / 100)
    assert episode.robot.actions.names[-1] == "gripper"


def test_robomimic_is_read_as_it_lies(robomimic: Path) -> None:
    episode = Hdf5(robomimic).episode("can/demo_0")
    assert (episode.instruction.text, episode.robot.name) == ("pick place can", "sawyer")
    assert {camera.name for camera in episode.robot.cameras} == {"agentview", "robot0_eye_in_hand"}
    assert_array_equal(episode.steps[1].observation.images["agentview"].pixels, pictures(3, 1)[1])
    assert episode.robot.state == ("robot0_eef_pos_0", "robot0_eef_pos_1", "robot0_eef_pos_2")


def test_lists_cameras_states_and_words_can_be_chosen(robomimic: Path) -> None:
    source = Hdf5(robomimic, mask="train", cameras="agentview", state="object", instruction="put the can away")
    assert source.ids() == ["can/demo_1"]
    episode = source.episode("can/demo_1")
    assert episode.instruction.text == "put the can away"
    assert len(episode.robot.state) == 10
    with pytest.raises(ConfigError, match="no list test of episodes; there are: train"):
        Hdf5(robomimic, mask="test").ids()
    with pytest.raises(ConfigError, match="no camera top; there are: agentview, robot0_eye_in_hand"):
        Hdf5(robomimic, cameras="top").episode("can/demo_0")
    with pytest.raises(DataError, match="no observation joints; there are: agentview_image, object"):
        Hdf5(robomimic, state="joints").episode("can/demo_0")


def test_a_folder_holds_many_files(libero: Path, robomimic: Path) -> None:
    assert libero.parent == robomimic.parent
    assert len(Hdf5(libero.parent).ids()) == 5
    assert Hdf5(libero.parent).episode("can/demo_1").length == 2


def test_words_come_from_the_name_of_a_file_that_has_none(tmp_path: Path) -> None:
    path = write(tmp_path / "LIVING_ROOM_SCENE2_put_it_in_the_box_demo.hdf5", {}, {"object": np.ones}, {"demo_0": 2})
    assert Hdf5(path).episode(f"{path.stem}/demo_0").instruction.text == "put it in the box"


def test_damage_is_named(tmp_path: Path, robomimic: Path) -> None:
    text = tmp_path / "text.hdf5"
    text.write_text("no HDF5")
    with pytest.raises(DataError, match=r"text\.hdf5: not a whole HDF5 file"):
        Hdf5(text).ids()
    with pytest.raises(DataError, match=r"gone\.hdf5: no such file"):
        Hdf5(tmp_path / "gone.hdf5").ids()
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(DataError, match="no group `data`"):
        Hdf5(tmp_path / "other.hdf5").ids()
    with pytest.raises(DataError, match=r"no episode can/demo_9; there are 2"):
        Hdf5(robomimic).episode("can/demo_9")
    with h5py.File(robomimic, "a") as file:
        del file["data/demo_0/obs/robot0_eef_pos"]
        file["data/demo_0/obs/robot0_eef_pos"] = np.zeros((9, 3))
    with pytest.raises(DataError, match=r"demo_0: 9 rows of robot0_eef_pos and 3 actions"):
        Hdf5(robomimic).episode("can/demo_0")
