"""Actions as VIMA-Bench takes them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.embodiments.vima import quaternion_to_yaw
from instar.simulators.vima.actions import action_of, poses_of

TURNS = st.floats(-2 * np.pi, 2 * np.pi) | st.floats(-1e-6, 1e-6) | st.integers(-359, 359).map(np.radians)
ACTIONS = st.tuples(
    st.floats(0.25, 0.75), st.floats(-0.5, 0.5), TURNS, st.floats(0.25, 0.75), st.floats(-0.5, 0.5), TURNS
)


@given(ACTIONS)
def test_poses_come_back_bit_for_bit(numbers: tuple[float, ...]) -> None:
    poses = poses_of(np.array(numbers))
    again = poses_of(action_of(poses))
    for name, pose in poses.items():
        assert pose.dtype == np.float32
        np.testing.assert_array_equal(again[name], pose)


@pytest.mark.parametrize("degrees", [0, 30, -90, 180, -180, 210, 359, -359])
def test_a_turn_is_the_quaternion_of_its_half_angle_however_large_it_is(degrees: int) -> None:
    action = np.array([0.5, 0.0, 0.0, 0.3, 0.2, np.radians(degrees)])
    poses = poses_of(action)
    half = np.radians(degrees) / 2
    expected = np.array([0, 0, np.sin(half), np.cos(half)], dtype=np.float32)
    np.testing.assert_array_equal(poses["pose1_rotation"], expected)
    np.testing.assert_array_equal(poses["pose0_rotation"], np.array([0, 0, 0, 1], dtype=np.float32))
    np.testing.assert_allclose(action_of(poses), action, atol=1e-6)
    off = quaternion_to_yaw(poses["pose1_rotation"]) - np.radians(degrees)
    assert abs((off + np.pi) % (2 * np.pi) - np.pi) < 1e-6


def test_a_quaternion_that_is_not_quite_of_unit_length_still_has_its_turn() -> None:
    turn = np.array([0, 0, np.sin(0.4), np.cos(0.4)]) * (1 + 1e-6)
    poses = {**poses_of(np.zeros(6)), "pose1_rotation": turn.astype(np.float32)}
    assert action_of(poses)[5] == pytest.approx(0.8, abs=1e-6)
