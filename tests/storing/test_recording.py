"""What of an episode another format gets, and what it cannot get."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from instar.demo import Instruction
from instar.embodiments.vima import VIMA
from instar.errors import DataError, MismatchError
from instar.storing.recording import recorded
from tests.storing.made import ARM, Made, made_episode, made_picture
from tests.toy import toy_episode


def test_an_observation_without_an_action_is_left_out() -> None:
    found = recorded(made_episode("made/1", 1, 5), ARM, "refuse")
    assert (len(found), found.task, found.success) == (5, "pull it", False)
    assert_array_equal(found.actions, [[1, t / 8, t % 2] for t in range(5)])
    assert_array_equal(found.states, [[t / 4, -1] for t in range(5)])
    for camera in ARM.cameras:
        shown = [image.pixels for image in found.images(camera)]
        assert_array_equal(shown, [made_picture(camera, 1, t) for t in range(5)])


def test_another_robot_is_refused_by_name() -> None:
    with pytest.raises(
        MismatchError, match=r"episode made/1 do not .* name: the first episode ur5, episode made/1 panda"
    ):
        recorded(Made(wrong={"made/1": "robot"}).episode("made/1"), ARM, "refuse")


def test_a_picture_of_another_size_is_named() -> None:
    found = recorded(Made(wrong={"made/0": "size"}).episode("made/0"), ARM, "refuse")
    with pytest.raises(DataError, match=r"step 1: the picture by camera wrist is 9x8; the robot's is 8x8"):
        list(found.images(ARM.camera("wrist")))


def test_a_camera_that_saw_nothing_is_named() -> None:
    whole = made_episode("made/0", 0, 2)
    first = whole.steps[0]
    blind = replace(first, observation=replace(first.observation, images={}))
    found = recorded(replace(whole, steps=[blind, *whole.steps[1:]]), ARM, "refuse")
    with pytest.raises(DataError, match="step 0: no picture by camera front"):
        list(found.images(ARM.camera("front")))


def test_words_that_point_to_pictures_are_refused_or_put_into_names() -> None:
    episode = toy_episode("object")
    with pytest.raises(MismatchError, match=r"'Put all objects into \{base_obj\}\.' points to pictures \(base_obj\)"):
        recorded(episode, VIMA, "refuse")
    assert recorded(episode, VIMA, "names").task == "Put all objects into the blue bowl."
    with pytest.raises(DataError, match="the picture scene shows no single object with a name"):
        recorded(toy_episode("scene"), VIMA, "names")


def test_braces_that_point_to_nothing_are_words() -> None:
    episode = replace(made_episode("made/0", 0, 2), instruction=Instruction("draw a {"))
    assert recorded(episode, ARM, "refuse").task == "draw a {"


def test_refuses_what_does_nothing_and_states_of_another_width() -> None:
    whole = made_episode("made/0", 0, 3)
    with pytest.raises(DataError, match="it has no action"):
        recorded(replace(whole, steps=whole.steps[3:]), ARM, "refuse")
    second = whole.steps[1]
    wide = replace(second, observation=replace(second.observation, state=np.zeros(3)))
    with pytest.raises(DataError, match="step 1: a state of 3 numbers; 2 are named"):
        recorded(replace(whole, steps=[whole.steps[0], wide]), ARM, "refuse")
