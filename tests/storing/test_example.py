"""`tf.train.Example`: an inverse pair, the wire format of protobuf's own library, and damage."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from instar.errors import DataError
from instar.storing.example import build_example, parse_example

NAMES = st.text(max_size=12)
LISTS = st.one_of(
    st.lists(st.binary(max_size=300), max_size=5),
    st.lists(st.floats(width=32), min_size=1, max_size=9).map(lambda values: np.array(values, np.float32)),
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=9).map(lambda values: np.array(values, np.int64)),
)


@given(st.dictionaries(NAMES, LISTS, max_size=5))
def test_reads_back_what_it_wrote(features: dict[str, list[bytes] | np.ndarray]) -> None:
    found = parse_example(build_example(features))
    assert set(found) == set(features)
    for name, values in features.items():
        if isinstance(values, np.ndarray):
            assert np.asarray(found[name]).dtype == values.dtype
            assert_array_equal(found[name], values)
        else:
            assert [bytes(value) for value in found[name]] == values


def test_reads_numbers_that_are_not_packed() -> None:
    # 1 and 300 each in a field of its own, as old writers do; then 2.0 likewise.
    wholes = bytes([0x1A, 5, 0x08, 1, 0x08, 0xAC, 0x02])
    floats = bytes([0x12, 5, 0x0D]) + np.float32(2).tobytes()
    for feature, expected in ((wholes, [1, 300]), (floats, [2.0])):
        entry = bytes([0x0A, 1]) + b"k" + bytes([0x12, len(feature)]) + feature
        features = bytes([0x0A, len(entry)]) + entry
        assert_array_equal(parse_example(bytes([0x0A, len(features)]) + features)["k"], expected)


def test_passes_over_fields_that_it_does_not_know() -> None:
    whole = build_example({"k": [b"v"]})
    strange = bytes([0x10, 7, 0x1D, 0, 0, 0, 0, 0x21, *bytes(8), 0x2A, 1, 9])  # fields 2 to 5, of every kind
    assert [bytes(value) for value in parse_example(strange + whole)["k"]] == [b"v"]


def test_equal_features_make_equal_bytes() -> None:
    assert build_example({"b": [b"1"], "a": [b"2"]}) == build_example({"a": [b"2"], "b": [b"1"]})


@given(st.binary(min_size=1, max_size=200))
def test_bytes_that_are_no_example_are_an_error_or_an_example(data: bytes) -> None:
    with contextlib.suppress(DataError):
        dict(parse_example(data))


def test_a_message_that_is_cut_off_says_so() -> None:
    with pytest.raises(DataError, match="too long"):
        parse_example(build_example({"k": [b"value"]})[:-1])
