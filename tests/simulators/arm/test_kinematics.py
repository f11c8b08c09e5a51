"""From joints to the hand and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar.embodiments.panda import JOINTS_HIGH, JOINTS_LOW
from instar.simulators.arm import skeleton
from instar.simulators.arm.kinematics import down, kinematics, rotation, rotation_vector
from tests.simulators.arm.playing import needs_mujoco

VECTORS = st.tuples(*[st.floats(-1.8, 1.8)] * 3).map(np.array)


@given(VECTORS)
def test_a_rotation_vector_comes_back(vector: np.ndarray) -> None:
    turn = rotation(vector)
    assert np.allclose(turn @ turn.T, np.eye(3))
    length = np.linalg.norm(vector)
    if length < np.pi - 1e-6:
        assert np.allclose(rotation_vector(turn), vector, atol=1e-7)
    assert np.allclose(rotation(rotation_vector(turn)), turn, atol=1e-6)


@pytest.mark.parametrize("axis", [(1.0, 0.0, 0.0), (0.0, 0.6, 0.8), (-0.6, 0.0, 0.8), (0.5, -0.5, np.sqrt(0.5))])
def test_half_a_turn_comes_back(axis: tuple[float, float, float]) -> None:
    turn = rotation(np.pi * np.array(axis))
    assert np.allclose(rotation(rotation_vector(turn)), turn, atol=1e-6)


@needs_mujoco
def test_the_hand_is_where_frankas_parameters_put_it() -> None:
    ready = np.array([0.0, -np.pi / 4, 0.0, -3 * np.pi / 4, 0.0, np.pi / 2, np.pi / 4])
    pose = kinematics().pose(ready)
    assert pose.place == pytest.approx([0.3069, 0.0, 0.4869], abs=1e-4)  # 0.5902 less 0.1034 of the hand
    assert np.allclose(pose.turn, down(pose.place, 0.0).turn, atol=1e-7)


@needs_mujoco
def test_at_home_the_hand_points_down_above_the_workspace() -> None:
    pose = kinematics().pose(np.array(skeleton.HOME))
    assert np.abs(pose.off(down(np.array([0.42, 0.0, 0.25]), 0.0))).max() < 2e-4


@needs_mujoco
@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.floats(0.34, 0.62), st.floats(-0.26, 0.26), st.floats(0.015, 0.25)).map(np.array),
    st.floats(-1.5, 1.5),
    st.tuples(*[st.floats(-0.08, 0.08)] * 3).map(np.array),
)
def test_joints_are_found_for_the_next_pose_on_the_way(place: np.ndarray, yaw: float, step: np.ndarray) -> None:
    arm = kinematics()
    here = arm.joints(down(place, yaw), np.array(skeleton.HOME))
    here = arm.joints(down(place, yaw), here)
    target = down(np.clip(place + step, (0.34, -0.26, 0.015), (0.62, 0.26, 0.25)), yaw)
    there = arm.joints(target, here)
    assert np.abs(arm.pose(there).off(target)).max() < 5e-4
    assert (there >= np.array(JOINTS_LOW)).all()
    assert (there <= np.array(JOINTS_HIGH)).all()


@needs_mujoco
@pytest.mark.parametrize("way", [(0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.05, -0.1, 0.05)])
def test_an_arm_that_is_sent_out_of_reach_stretches_and_does_not_leap(way: tuple[float, float, float]) -> None:
    arm, joints = kinematics(), np.array(skeleton.HOME)
    reached = arm.pose(joints)
    for _ in range(15):
        joints = arm.joints(reached.moved(np.array([*way, 0.0, 0.0, 0.0])), joints)
        before, reached = reached, arm.pose(joints)
        assert np.linalg.norm(reached.place - before.place) < 0.2
    assert reached.place @ way / np.linalg.norm(way) > 0.5


def test_motions_add_up_in_the_frame_of_the_base() -> None:
    start, end = down(np.array([0.4, 0.1, 0.2]), 0.3), down(np.array([0.5, -0.1, 0.1]), -0.4)
    way = start.off(end)
    assert np.allclose(start.moved(way).turn, end.turn)
    assert np.allclose(start.moved(way).place, end.place)
    assert way[5] == pytest.approx(-0.7)
    assert start.yaw == pytest.approx(0.3)
    assert end.yaw == pytest.approx(-0.4)
