"""What actions mean."""

from typing import get_args

import numpy as np
import pytest

from instar.embodiments.panda import END_EFFECTOR_DELTA, JOINT_POSITION, JOINT_VELOCITY, JOINTS_SPEED, KEY_POSE, STRIDE
from instar.simulators.arm import skeleton
from instar.simulators.arm.control import Control, Controller, posed
from instar.simulators.arm.kinematics import kinematics
from tests.simulators.arm.playing import needs_mujoco

CONTROLS: tuple[Control, ...] = get_args(Control)
STEPWISE = tuple(control for control in CONTROLS if control != "key_pose")  # where one action is one period
HOME = np.array(skeleton.HOME)
pytestmark = needs_mujoco


@pytest.mark.parametrize("control", STEPWISE)
def test_the_action_for_a_pose_brings_the_hand_there(control: Control) -> None:
    controller = Controller(control, 5.0)
    pose = kinematics().pose(HOME).moved(np.array([0.05, -0.03, -0.04, 0.05, 0.0, 0.2]))
    action = controller.action(HOME, pose, opened=True)
    assert action.shape == (controller.space.dim,)
    assert action[-1] == 1.0
    reached = kinematics().pose(controller.joints(HOME, action))
    assert np.abs(reached.off(pose)).max() < 1e-4


def test_each_control_has_the_action_space_that_demonstrations_of_others_have() -> None:
    spaces = [Controller(control, 5.0).space for control in CONTROLS]
    assert spaces == [END_EFFECTOR_DELTA, JOINT_VELOCITY, JOINT_POSITION, KEY_POSE]
    assert [Controller(control, 5.0).words for control in CONTROLS] == [
        "end effector motion",
        "joint velocity",
        "joint position",
        "key pose",
    ]


def test_a_shorter_step_goes_less_far() -> None:
    slow, fast = Controller("end_effector_delta", 5.0).space, Controller("end_effector_delta", 20.0).space
    assert slow.high[:3] == (STRIDE,) * 3
    assert fast.high[:3] == pytest.approx((STRIDE / 4,) * 3)
    assert (slow.high[-1], fast.high[-1]) == (1.0, 1.0)


@pytest.mark.parametrize("control", CONTROLS)
def test_no_joint_is_faster_than_it_can_be(control: Control) -> None:
    controller = Controller(control, 10.0)
    wild = np.full(controller.space.dim, 50.0)
    moved = controller.joints(HOME, wild) - HOME
    assert (np.abs(moved) <= np.array(JOINTS_SPEED) * controller.seconds + 1e-9).all()
    assert np.abs(moved).max() > 0.05


def test_a_velocity_lasts_for_one_step() -> None:
    asked = np.array([0.1, -0.2, 0.0, 0.3, 0.0, -0.1, 0.5, 1.0])
    moved = Controller("joint_velocity", 5.0).joints(HOME, asked) - HOME
    assert moved == pytest.approx(asked[:-1] / 5)


def test_a_key_pose_says_where_the_hand_goes_wherever_it_is() -> None:
    controller = Controller("key_pose", 5.0)
    pose = kinematics().pose(HOME).moved(np.array([0.1, -0.2, -0.2, 0.3, 0.0, -0.9]))
    action = controller.action(HOME + 0.1, pose, opened=False)
    assert np.abs(posed(action).off(pose)).max() < 1e-9
    assert action[:3] == pytest.approx(pose.place)
    assert action[-1] == 0.0
