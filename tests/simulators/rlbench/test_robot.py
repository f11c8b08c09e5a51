"""The robot of the simulator and of its recorded demonstrations: the same."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from instar.demos.rlbench import RLBench as Recorded
from instar.embodiments.panda import JOINTS_HIGH
from instar.errors import SimulatorError
from instar.simulators.apart.program import Answer
from instar.simulators.rlbench.options import Control
from instar.simulators.rlbench.robot import SPACES, done, state_of
from tests.demos.rlbench.made import Demo, observation, write_demo, write_episode
from tests.simulators.rlbench.stand_in import SIZE, begun, stand_in, write_interpreter

FOCAL = SIZE / 2 / np.tan(np.radians(20))  # of PyRep's matrix, where it is negative


@pytest.mark.parametrize("control", ["joint_velocity", "joint_position", "end_effector_pose"])
def test_a_policy_taught_on_recordings_can_act_here(tmp_path: Path, control: Control) -> None:
    simulator = stand_in(write_interpreter(tmp_path / "there").parent, control, "front+wrist")
    seen = begun(simulator).observation
    extrinsics = np.diag([-1.0, 1.0, -1.0, 1.0])
    extrinsics[:3, 3] = [0.3, 0.0, 3.0]  # where the stand-in's front camera is
    intrinsics = np.array([[-FOCAL, 0.0, SIZE / 2], [0.0, -FOCAL, SIZE / 2], [0.0, 0.0, 1.0]])
    told = {"front_camera_intrinsics": intrinsics, "front_camera_extrinsics": extrinsics}
    id = "open_drawer/all_variations/episodes/episode0"
    folder = write_episode(tmp_path / "demos" / id, 2, {"front": 0, "wrist": 0}, ["open it"])
    write_demo(folder, Demo([observation(t, misc=told) for t in range(2)]))
    for picture in folder.glob("*_rgb/*.png"):
        cv2.imwrite(str(picture), np.zeros((SIZE, SIZE, 3), np.uint8))
    episode = Recorded(tmp_path / "demos", control=control).episode(id)
    episode.robot.require(simulator.robot)
    simulator.robot.require(episode.robot)
    assert episode.robot.camera("front").world_to_pixel is not None
    assert seen.state.shape == episode.steps[0].observation.state.shape
    simulator.close()


@pytest.mark.parametrize("control", ["joint_velocity", "joint_position", "end_effector_pose"])
def test_what_the_robot_can_do_is_sent_as_it_is(control: Control) -> None:
    space, rng = SPACES[control], np.random.default_rng(0)
    for action in rng.uniform(space.low, space.high, (20, 8)):
        if control == "end_effector_pose":
            action[3:7] /= np.linalg.norm(action[3:7])
        sent, changed = done(control, action)
        np.testing.assert_allclose(sent, action, atol=1e-15)
        assert changed == ""


def test_places_of_joints_are_kept_within_their_limits() -> None:
    sent, changed = done("joint_position", np.array([9.0] * 7 + [1.0]))
    assert sent.tolist() == [*JOINTS_HIGH, 1.0]
    assert changed.count("is more than the robot does") == 7


def test_a_pose_keeps_its_place_and_gets_a_whole_quaternion() -> None:
    sent, changed = done("end_effector_pose", np.array([5.0, 0, 0, 0, 0, 0, 2.0, -1.0]))
    assert sent.tolist() == [5.0, 0, 0, 0, 0, 0, 1.0, 0.0]
    assert changed == "gripper -1.000 1 is more than the robot does and was made 0.000"
    assert done("end_effector_pose", np.zeros(8))[0].tolist() == [0.0] * 8


def test_a_state_that_is_none_is_refused() -> None:
    with pytest.raises(SimulatorError, match="should have sent seven joints"):
        state_of(Answer({}, {"joint_positions": np.zeros(6)}))
