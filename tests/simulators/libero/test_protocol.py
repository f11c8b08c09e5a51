"""LIBERO's protocol as data, and what crosses its border."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.demos.hdf5.source import MOTION
from instar.simulators.libero.protocol import (
    ACTIONS,
    STATE,
    WAITING,
    rotation_vector,
    suites,
    task_names,
    theirs,
    told_by_name,
)


def test_there_are_130_tasks_in_five_suites_with_horizons_that_demonstrations_fit_into() -> None:
    assert {name: len(suite.tasks) for name, suite in suites().items()} == {
        "libero_spatial": 10,
        "libero_object": 10,
        "libero_goal": 10,
        "libero_10": 10,
        "libero_90": 90,
    }
    assert [suite.horizon for suite in suites().values()] == [220, 280, 300, 520, 400]
    assert all(suite.longest < suite.horizon for suite in suites().values())
    assert len(set(task_names())) == 130


def test_instructions_are_the_names_of_files_without_their_scenes() -> None:
    told = {task: told_by_name(task) for task in task_names()}
    assert told["put_the_bowl_on_the_stove"] == "put the bowl on the stove"
    assert told["KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet"] == "close the top drawer of the cabinet"
    assert not [text for text in told.values() if "SCENE" in text or "_" in text]


def test_the_robot_is_that_of_the_recorded_demonstrations() -> None:
    assert ACTIONS.names == MOTION
    assert (*(f"ee_states_{k}" for k in range(6)), "gripper_states_0", "gripper_states_1") == STATE


def test_the_gripper_is_one_open_and_zero_closed_with_us() -> None:
    assert [theirs(np.array([0, 0, 0, 0, 0, 0, gripper]))[6] for gripper in (1.0, 0.5, 0.49, 0.0)] == [-1, -1, 1, 1]
    assert theirs(np.array([2.0, -3, 0.5, 0, 0, 0, 1.0])).tolist() == [1.0, -1.0, 0.5, 0.0, 0.0, 0.0, -1.0]
    assert theirs(np.array([0, 0, 0, 0, 0, 0, 1.0])).tolist() == list(WAITING)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(0.01, 2 * np.pi - 0.01))
def test_a_rotation_vector_is_axis_times_angle(direction: list[float], angle: float) -> None:
    length = np.linalg.norm(direction)
    if length < 1e-3:
        return
    axis = np.array(direction) / length
    quaternion = np.array([*(np.sin(angle / 2) * axis), np.cos(angle / 2)])
    np.testing.assert_allclose(rotation_vector(quaternion), angle * axis, atol=1e-6)


def test_no_turn_has_no_axis() -> None:
    assert rotation_vector(np.array([0.0, 0.0, 0.0, 1.0])).tolist() == [0.0, 0.0, 0.0]
    assert rotation_vector(np.array([0.0, 0.0, 0.0, 1.0 + 1e-9])).tolist() == [0.0, 0.0, 0.0]


def test_a_policy_of_recorded_demonstrations_may_act_here(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from instar.demos.hdf5 import Hdf5
    from instar.simulators.libero.protocol import robot

    path = tmp_path / "pick_up_the_milk_demo.hdf5"
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["problem_info"] = '{"language_instruction": "Pick the milk"}'
        data.attrs["env_args"] = '{"env_kwargs": {"robots": ["Panda"]}}'
        demo = data.create_group("demo_0")
        demo["actions"] = np.zeros((2, 7))
        for name, shape in (("agentview_rgb", (128, 128, 3)), ("ee_states", (6,)), ("gripper_states", (2,))):
            demo[f"obs/{name}"] = np.zeros((2, *shape), np.uint8 if name.endswith("rgb") else np.float64)
    recorded = Hdf5(path).episode("pick_up_the_milk_demo/demo_0").robot
    recorded.require(robot(("agentview",), 128, 128))
