import pickle
import pickletools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from instar.demos import opcodes
from instar.demos.unpickle import loads
from instar.errors import DataError

# The standard library warns of a backslash that means nothing, in the text of a pickle of protocol 0.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence:DeprecationWarning")

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
PLAIN = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=8,
)
PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)
ARRAY = np.arange(40, dtype=np.uint8).reshape(4, 10)

ELSEWHERE = {"EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER"}
PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}


def slowly(data: bytes) -> None:
    """The same check by the standard library, which reads every argument."""
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if opcode.name in ELSEWHERE or (opcode.name in PUTS and isinstance(argument, int) and argument > count):
            raise ValueError(opcode.name)


def refused(data: bytes) -> bool:
    try:
        opcodes.check(data)
    except (pickle.UnpicklingError, ValueError):
        return True
    return False


def refused_slowly(data: bytes) -> bool:
    try:
        slowly(data)
    except (ValueError, OverflowError):
        return True
    return False


def refused_as_a_whole(data: bytes) -> bool:
    try:
        loads(data, "here", ("vimasim",))
    except DataError:
        return True
    return False


def assert_judged_alike(data: bytes) -> None:
    """What the standard library accepts is accepted, and what it refuses is refused, here or while it is built."""
    if refused_slowly(data):
        assert refused_as_a_whole(data)
    else:
        assert not refused(data)


@given(PLAIN, PROTOCOLS)
def test_what_python_writes_is_walked_to_its_end(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    opcodes.check(data)
    opcodes.check(data + b"what follows is nobody's business")
    opcodes.check(pickletools.optimize(data))


@given(PLAIN | st.just(ARRAY), PROTOCOLS, st.data())
def test_what_is_cut_off_is_missed_as_the_standard_library_misses_it(
    value: object, protocol: int, data: st.DataObject
) -> None:
    whole = pickle.dumps(value, protocol)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert refused(part)
    assert refused_slowly(part)


@given(PLAIN | st.just(ARRAY), PROTOCOLS, st.data())
def test_a_changed_byte_is_judged_as_the_standard_library_judges_it(
    value: object, protocol: int, data: st.DataObject
) -> None:
    changed = bytearray(pickle.dumps(value, protocol))
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    assert_judged_alike(bytes(changed))


@given(st.lists(st.sampled_from(pickletools.opcodes), max_size=8), st.binary(max_size=24), st.data())
def test_any_row_of_opcodes_is_judged_as_the_standard_library_judges_it(
    row: list[pickletools.OpcodeInfo], noise: bytes, data: st.DataObject
) -> None:
    arguments = st.sampled_from([b"", b"\0", b"\1\0", b"\2\0\0\0", b"12\n", b"a\nb\n", b"'x'\n", b"\xff" * 8, noise])
    assert_judged_alike(b"".join(opcode.code.encode("latin1") + data.draw(arguments) for opcode in row) + b".")


@given(st.binary(max_size=60))
@example(b"")
@example(b".")
def test_noise_is_judged_as_the_standard_library_judges_it(noise: bytes) -> None:
    assert_judged_alike(noise)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x80\x04Nr\xff\xff\xff\x7f.", "memo index 2147483647 at byte 3 cannot be"),
        (b"Np99\n.", "memo index 99 at byte 1 cannot be"),
        (b"Nq\x09.", "memo index 9 at byte 1 cannot be"),
        (b"\x80\x04\x82\x01.", "EXT1 at byte 2 refers to something outside the file"),
        (b"\x80\x05\x97.", "NEXT_BUFFER at byte 2 refers to something outside the file"),
        (b"N\xff.", "byte 1 is no opcode"),
        (b"\x80\x04N", "there is no STOP in its 3 bytes"),
        (b"T\xff\xff\xff\xff.", "there is no STOP in its 6 bytes"),
    ],
)
def test_says_what_is_wrong_and_where(data: bytes, reason: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match=reason):
        opcodes.check(data)
