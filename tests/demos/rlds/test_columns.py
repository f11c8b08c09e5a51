"""The rules by which OpenVLA's transforms make one meaning of many grippers and rotations."""

import zlib

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from instar.demos.rlds.columns import Term, binarized, euler, from_commands, side_by_side
from instar.demos.rlds.folder import Columns
from instar.demos.rlds.layout import Column
from instar.errors import DataError


def episode(**features: np.ndarray | list[bytes]) -> Columns:
    """An episode of these features, in whose names _ stands for /."""
    names = {name: name.replace("_", "/") for name in features}
    steps = {
        names[name]: Column(names[name], "numbers", str(values.dtype), values.shape[1:])
        if isinstance(values, np.ndarray)
        else Column(names[name], "text")
        for name, values in features.items()
    }
    stored = {
        names[name]: values.ravel() if isinstance(values, np.ndarray) else values for name, values in features.items()
    }
    return Columns(steps, {}, stored, "record 0")


def column(*values: float) -> np.ndarray:
    return np.array(values)[:, None]


def test_a_gripper_in_between_is_what_it_is_about_to_become() -> None:
    assert_array_equal(binarized(column(0.5, 1.0, 0.7, 0.3, 0.0, 0.96)), column(1, 1, 0, 0, 0, 1))


def test_a_gripper_that_ends_in_between_stays_as_it_ends() -> None:
    assert_array_equal(binarized(column(1.0, 0.4, 0.6)), column(1, 0.6, 0.6))


def test_commands_to_a_gripper_tell_where_it_is() -> None:
    assert_array_equal(from_commands(column(0, 0, 1, 0, -1, 0)), column(1, 1, 0, 0, 1, 1))
    assert_array_equal(from_commands(column(0, -0.5, 0)), column(0, 1, 1))
    assert_array_equal(from_commands(column(0.05, -0.05)), column(1, 1))


def test_rotations_become_angles_about_fixed_axes() -> None:
    half = np.sqrt(0.5)
    found = euler(np.array([[0, 0, 0, 1], [half, 0, 0, half], [0, 0, half, half], [0, 0.5, 0, np.sqrt(0.75)]]))
    assert_allclose(found, np.array([[0, 0, 0], [np.pi / 2, 0, 0], [0, 0, np.pi / 2], [0, np.pi / 3, 0]]), atol=1e-9)


def test_a_rotation_straight_up_has_no_yaw() -> None:
    half = np.sqrt(0.5)
    [[_, pitch, yaw]] = euler(np.array([[0, half, 0, half]]))
    assert_allclose([pitch, yaw], [np.pi / 2, 0], atol=1e-6)


def test_terms_take_dimensions_and_apply_rules_from_the_inside() -> None:
    steps = np.arange(12, dtype=np.float32).reshape(3, 4)
    found = episode(action=steps, observation_grip=np.array([-1.0, 0.25, 2.0], np.float32))
    terms = ("action[1:3]", "inverted(clipped(observation/grip))", "zeros(2)", "action[-1:]")
    table = side_by_side(tuple(map(Term.parse, terms)), found)
    assert_allclose(table, np.array([[1, 2, 1, 0, 0, 3], [5, 6, 0.75, 0, 0, 7], [9, 10, 0, 0, 0, 11]]))


def test_no_terms_are_a_table_without_columns() -> None:
    assert side_by_side((), episode(action=np.ones((3, 2), np.float32))).shape == (3, 0)


def test_arrays_that_are_packed_are_unpacked() -> None:
    rows = [zlib.compress(np.array([k, k + 1], "<f4").tobytes()) for k in range(2)]
    assert_array_equal(Term.parse("packed(state)").of(episode(state=rows)), [[0, 1], [1, 2]])
    with pytest.raises(DataError, match="no packed array"):
        Term.parse("packed(state)").of(episode(state=[b"what", b"ever"]))


@pytest.mark.parametrize("text", ["turned(action)", "action[1]", "", "clipped(action", "a b"])
def test_refuses_what_is_no_column(text: str) -> None:
    with pytest.raises(DataError, match="is no column; rules are binarized"):
        Term.parse(text)


def test_names_a_feature_that_is_not_there() -> None:
    with pytest.raises(DataError, match="record 0: no feature gripper; there are: action"):
        Term.parse("gripper").of(episode(action=np.ones((3, 2), np.float32)))
