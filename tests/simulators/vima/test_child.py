"""The wire format between the house and the child program, and the child as a file for old Pythons."""

import ast
import io
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from instar.simulators.vima import child, probe
from instar.simulators.vima.child import read_message, write_message

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)
KINDS = st.sampled_from([np.uint8, np.float32, np.float64, np.int64, np.bool_])
ARRAYS = KINDS.flatmap(lambda kind: SHAPES.flatmap(lambda shape: arrays.arrays(kind, shape)))
WORDS = st.dictionaries(
    st.text(max_size=9).filter(lambda key: key != "arrays"), st.text() | st.integers(-9, 9), max_size=4
)


@given(WORDS, st.dictionaries(st.text(max_size=9), ARRAYS, max_size=3))
def test_a_message_comes_back_as_it_was_sent(
    header: dict[str, object], content: dict[str, NDArray[np.generic]]
) -> None:
    pipe = io.BytesIO()
    write_message(pipe, header, content)
    write_message(pipe, {"next": True})
    pipe.seek(0)
    read = read_message(pipe)
    assert read is not None
    assert read[0] == header
    assert list(read[1]) == list(content)
    for name, array in content.items():
        assert read[1][name].dtype == array.dtype
        np.testing.assert_array_equal(read[1][name], array)
    assert read_message(pipe) == ({"next": True}, {})
    assert read_message(pipe) is None


def test_an_array_that_is_not_laid_out_row_by_row_keeps_its_values() -> None:
    pipe = io.BytesIO()
    turned = np.arange(24, dtype=np.uint8).reshape(3, 4, 2).transpose(2, 0, 1)[:, ::-1]
    write_message(pipe, {}, {"turned": turned})
    pipe.seek(0)
    read = read_message(pipe)
    assert read is not None
    np.testing.assert_array_equal(read[1]["turned"], turned)


def test_half_a_message_is_the_end_and_nonsense_is_an_error() -> None:
    pipe = io.BytesIO()
    write_message(pipe, {"do": "step"}, {"action": np.zeros(6)})
    whole = pipe.getvalue()
    for size in range(len(whole)):
        assert read_message(io.BytesIO(whole[:size])) is None
    with pytest.raises(ValueError, match="a message of 4294967295 bytes"):
        read_message(io.BytesIO(struct.pack(">II", 2**32 - 1, 0)))


@pytest.mark.parametrize("module", [child, probe])
def test_what_runs_in_other_interpreters_is_written_for_python_3_8(module: object) -> None:
    path = Path(str(getattr(module, "__file__", "")))
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.startswith("instar")]
    assert "__future__" in imported  # annotations of later Pythons are never evaluated


def test_the_clock_of_the_arm_passes_by_looks_and_not_by_seconds() -> None:
    clock = child.Steps()
    begun, looks = clock.time(), 0
    while clock.time() - begun < 5:
        looks += 1
    assert looks == pytest.approx(25_000, abs=2)


def test_a_module_that_is_only_imported_says_so_when_it_is_used_after_all() -> None:
    with pytest.raises(RuntimeError, match=r"VIMA-Bench calls torch\.ones"):
        child.Unused("torch").ones(3)


def test_points_are_moved_bit_for_bit_as_by_a_sum_over_each_point() -> None:
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(48, 64, 3)) * [1, 1, 1000]).astype(np.float32)
    transform = np.vstack([rng.normal(size=(3, 4)), [0, 0, 0, 1]])
    ones = np.pad(points.copy(), ((0, 0), (0, 0), (0, 1)), "constant", constant_values=1)
    expected = points.copy()
    for k in range(3):
        expected[..., k] = np.sum(transform[k, :] * ones, axis=-1)
    np.testing.assert_array_equal(child.moved(points, transform), expected)
