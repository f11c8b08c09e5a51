"""Tests of the table of VIMA-Bench: turns as quaternions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar.embodiments.vima import quaternion_to_yaw

many = settings(derandomize=True, max_examples=200, deadline=None)
parts = st.floats(-1, 1).filter(lambda part: abs(part) > 1e-3)


@pytest.mark.parametrize("degrees", [0.0, 90.0, -90.0, 180.0])
def test_a_turn_by_quarters_stays_one_in_float32(degrees: float) -> None:
    half = math.radians(degrees) / 2
    quaternion = np.array([0.0, 0.0, math.sin(half), math.cos(half)], dtype=np.float32)
    assert math.degrees(quaternion_to_yaw(quaternion)) == degrees


@many
@given(st.floats(-math.pi, math.pi), st.floats(0.5, 2))
def test_the_length_of_a_quaternion_does_not_matter(yaw: float, length: float) -> None:
    quaternion = length * np.array([0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2)])
    assert abs(math.remainder(quaternion_to_yaw(quaternion) - yaw, math.tau)) < 1e-12


@many
@given(parts, parts, parts, parts)
def test_a_tilted_turn_has_the_heading_of_its_matrix(x: float, y: float, z: float, w: float) -> None:
    heading = math.atan2(2 * (w * z + x * y), w * w + x * x - y * y - z * z)
    # Near a tilt of a quarter turn there is no heading.
    if math.hypot(2 * (w * z + x * y), w * w + x * x - y * y - z * z) > 1e-3:
        assert abs(math.remainder(quaternion_to_yaw(np.array([x, y, z, w])) - heading, math.tau)) < 1e-9
