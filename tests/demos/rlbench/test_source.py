"""RLBench: both layouts, what an action is, cameras with their maps, and pickles that are not run."""

import os
import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose

from instar.demo import Image
from instar.demos.rlbench import RLBench
from instar.demos.rlbench.depth import metres
from instar.demos.rlbench.source import Control
from instar.errors import ConfigError, DataError
from tests.demos.rlbench.made import Demo, observation, write_demo, write_episode

SHADES = {"front": 10, "wrist": 100}


@pytest.fixture
def forked(tmp_path: Path) -> Path:
    """Three episodes of a task in the layout of PerAct and LLARVA, with words beside each."""
    for number in (0, 2, 10):
        folder = tmp_path / f"open_drawer/all_variations/episodes/episode{number}"
        write_episode(folder, 4, SHADES, [f"open drawer {number}", "pull it open"])
    return tmp_path


def test_episodes_come_in_order_of_their_numbers(forked: Path) -> None:
    assert [id.rpartition("episode")[2] for id in RLBench(forked).ids()] == ["0", "2", "10"]


def test_an_action_is_what_the_next_observation_shows(forked: Path) -> None:
    source = RLBench(forked)
    episode = source.episode(source.ids()[1])
    assert episode.instruction.text == "open drawer 2"
    assert (episode.length, len(episode.steps)) == (3, 4)
    assert_allclose(episode.action(1), [*(np.arange(7) / 10 + 2), 0.0])
    assert_allclose(episode.steps[1].observation.state, [*(np.arange(7) + 1), 1.0, 0.1, 0.2, 0.8])
    assert episode.steps[3].action is None
    assert episode.steps[2].observation.images["wrist"].pixels[0, 0, 0] == 102


@pytest.mark.parametrize(
    ("control", "action", "unit"),
    [("joint_position", [*range(1, 8), 1.0], "rad"), ("end_effector_pose", [0.1, 0.2, 0.8, 0, 0, 0, 1, 1], "m")],
)
def test_other_controls_are_chosen(forked: Path, control: Control, action: list[float], unit: str) -> None:
    source = RLBench(forked, control=control)
    episode = source.episode(source.ids()[0])
    assert_allclose(episode.action(0), action)
    assert episode.robot.actions.units[0] == unit
    assert episode.robot.actions.names[-1] == "gripper"


def test_a_camera_that_stands_still_knows_where_the_world_is(forked: Path) -> None:
    source = RLBench(forked)
    front, wrist = source.episode(source.ids()[0]).robot.cameras
    # Two metres before the camera; with PyRep's negative focal lengths, right is where x falls.
    assert_allclose(front.project([0.02, 0.01, 0.0]), [5.0, 3.5])
    assert (front.height, front.width) == (8, 12)
    assert wrist.world_to_pixel is None


def test_the_upstream_layout_tells_a_variation_once(tmp_path: Path) -> None:
    variation = tmp_path / "close_jar/variation3"
    write_episode(variation / "episodes/episode0", 2, {"front": 0})
    (variation / "variation_descriptions.pkl").write_bytes(pickle.dumps(["close the red jar"]))
    source = RLBench(tmp_path)
    assert source.episode(source.ids()[0]).instruction.text == "close the red jar"


def test_tasks_and_cameras_can_be_chosen(forked: Path) -> None:
    source = RLBench(forked, tasks="open_drawer", cameras="front")
    assert [camera.name for camera in source.episode(source.ids()[0]).robot.cameras] == ["front"]
    with pytest.raises(ConfigError, match="no task close_jar in it; there are: open_drawer"):
        RLBench(forked, tasks="close_jar").ids()
    with pytest.raises(ConfigError, match="no camera overhead; there are: front, wrist"):
        RLBench(forked, cameras="overhead").episode(source.ids()[0])


def test_a_picture_that_is_not_there_is_named(forked: Path) -> None:
    source = RLBench(forked)
    (forked / source.ids()[0] / "front_rgb/2.png").unlink()
    with pytest.raises(DataError, match=r"1 pictures are missing, first front_rgb/2\.png"):
        source.episode(source.ids()[0])


def test_an_episode_without_words_says_where_they_should_be(forked: Path) -> None:
    source = RLBench(forked)
    (forked / source.ids()[0] / "variation_descriptions.pkl").unlink()
    with pytest.raises(DataError, match=r"episode0 nor open_drawer/all_variations has a variation_descriptions\.pkl"):
        source.episode(source.ids()[0])


def test_a_step_that_is_too_narrow_is_named(forked: Path) -> None:
    source = RLBench(forked)
    steps = [observation(0), observation(1, joint_velocities=np.zeros(6)), observation(2), observation(3)]
    write_demo(forked / source.ids()[0], Demo(steps))
    with pytest.raises(DataError, match="joint_velocities of step 1 has 6 numbers; expected 7"):
        source.episode(source.ids()[0])


class Trap:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def test_a_pickle_is_never_run(forked: Path) -> None:
    source = RLBench(forked)
    write_demo(forked / source.ids()[0], Trap())
    with pytest.raises(DataError, match=r"refused: the pickle asks for posix\.system"):
        source.episode(source.ids()[0])


def test_depth_is_of_24_bits() -> None:
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [128, 0, 0]]], np.uint8)
    found = metres(Image.encoded(cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()), near=0.5, far=4.5)
    assert_allclose(found, [[0.5, 4.5, 0.5 + 4 * 128 * 65536 / (2**24 - 1)]])
