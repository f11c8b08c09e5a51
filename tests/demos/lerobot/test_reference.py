"""What lerobot writes is read as lerobot reads it, frame by frame, whichever version it writes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from instar.demo import Step
from instar.demos.lerobot import LeRobot
from instar.demos.lerobot.meta import Meta
from tests.demos.lerobot.reference import NEEDS_LEROBOT, PYTHONS, asked, read_by, written_by

pytestmark = NEEDS_LEROBOT


def steps(source: LeRobot) -> Iterator[tuple[int, str, int, Step]]:
    """Every step with its episode, its task and its number there."""
    for number, id in enumerate(source.ids()):
        episode = source.episode(id)
        for t, step in enumerate(episode.steps):
            yield number, episode.instruction.text, t, step


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("pictures", ["image", "video"])
def test_reads_what_lerobot_wrote_as_lerobot_does(python: str, pictures: str, tmp_path: Path) -> None:
    given = written_by(python, tmp_path / "made", pictures)
    theirs = read_by(python, tmp_path / "made")
    source = LeRobot(tmp_path / "made")
    assert Meta.read(source.path).version == asked(python, "version")
    found = list(steps(source))
    assert len(found) == len(theirs["index"]) == len(given["task"])
    for k, (episode, task, t, step) in enumerate(found):
        assert (episode, t) == (theirs["episode_index"][k], theirs["frame_index"][k])
        assert task == theirs["task"][k] == given["task"][k]
        assert_array_equal(step.action, given["action"][k])
        assert_array_equal(step.observation.state, given["observation.state"][k])
        for camera in ("front", "wrist"):
            pixels, name = step.observation.images[camera].pixels, f"observation.images.{camera}"
            assert_array_equal(pixels, theirs[name][k])
            off = np.abs(pixels.astype(int) - given[name][k]).mean()
            assert off == 0 if pictures == "image" else off < 12  # what the video lost, and no other frame's picture


@pytest.mark.parametrize("python", PYTHONS)
def test_a_robot_is_as_lerobot_was_told(python: str, tmp_path: Path) -> None:
    written_by(python, tmp_path / "made", "image")
    robot = LeRobot(tmp_path / "made").episode("000000").robot
    assert (robot.name, robot.actions.names, robot.state) == ("so100", ("x", "y", "grip"), ("left", "right"))
    assert [(one.name, one.height, one.width) for one in robot.cameras] == [("front", 48, 64), ("wrist", 32, 32)]
