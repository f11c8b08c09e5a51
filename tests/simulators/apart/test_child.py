"""The wire format between the house and its child programs, and these as files for old interpreters."""

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

from instar.simulators.apart import child, probe
from instar.simulators.apart.child import read_message, write_message
from instar.simulators.libero import world as libero
from instar.simulators.metaworld import world as metaworld
from instar.simulators.vima import world as vima

WORLDS = (libero, metaworld, vima)
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


@pytest.mark.parametrize("module", [child, probe, *WORLDS], ids=lambda module: module.__name__)
def test_what_runs_in_other_interpreters_is_written_for_python_3_8(module: object) -> None:
    path = Path(str(getattr(module, "__file__", "")))
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in imported if name.startswith("instar")]
    assert "__future__" in imported  # annotations of later Pythons are never evaluated
