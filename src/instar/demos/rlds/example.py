"""`tf.train.Example`, the message that one TFRecord holds: lists of bytes, floats or whole numbers by name.

    Example { Features features = 1; }    Features { map<string, Feature> feature = 1; }
    Feature { oneof: BytesList = 1, FloatList = 2, Int64List = 3 }, each { repeated value = 1; }

Read and written in protobuf's wire format without its library: what is read are views of the record, not copies.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from instar.errors import DataError

Values: TypeAlias = "Sequence[memoryview] | NDArray[np.float32] | NDArray[np.int64]"
Written: TypeAlias = "Sequence[bytes] | NDArray[np.float32] | NDArray[np.int64]"

_VARINT, _FIXED64, _BLOCK, _FIXED32 = 0, 1, 2, 5  # wire types
_SIZES: Final = {_FIXED64: 8, _FIXED32: 4}
_BYTES, _FLOATS, _WHOLES = 1, 2, 3  # fields of a Feature


def parse_example(record: bytes | memoryview) -> dict[str, Values]:
    """Every feature of an Example by its name. Raises DataError if the record is none."""
    try:
        found = {}
        for features in _blocks(memoryview(record), field=1):
            for entry in _blocks(features, field=1):
                [key] = _blocks(entry, field=1)
                found[str(key, "utf-8")] = _values(next(_blocks(entry, field=2), memoryview(b"")))
    except (IndexError, ValueError, UnicodeDecodeError, struct.error) as error:
        raise DataError(f"a record of {len(record)} bytes is no tf.train.Example: {error}") from error
    return found


def build_example(features: Mapping[str, Written]) -> bytes:
    """An Example of `features`, in the order of their names: equal features make equal bytes."""
    entries = []
    for name in sorted(features):
        entry = _block(1, name.encode()) + _block(2, _feature(features[name]))
        entries.append(_block(1, entry))
    return _block(1, b"".join(entries))


def _values(feature: memoryview) -> Values:
    """The list in a Feature; an empty list of bytes where nothing is set."""
    values: Values = []
    for field, kind, value in _fields(feature):
        if kind != _BLOCK:
            raise ValueError(f"a list of wire type {kind}")
        assert isinstance(value, memoryview)
        if field == _BYTES:
            values = list(_blocks(value, field=1))
        elif field == _FLOATS:
            values = _floats(value)
        elif field == _WHOLES:
            values = _wholes(value)
    return values


def _floats(numbers: memoryview) -> NDArray[np.float32]:
    """Floats, packed in blocks or each on its own."""
    parts = []
    for field, kind, value in _fields(numbers):
        if field != 1 or kind not in (_BLOCK, _FIXED32):
            raise ValueError(f"a number in field {field} of wire type {kind}")
        assert isinstance(value, memoryview)
        parts.append(np.frombuffer(value, "<f4"))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, "<f4"), *parts])


def _wholes(numbers: memoryview) -> NDArray[np.int64]:
    """Whole numbers, packed in blocks or each on its own."""
    parts = []
    for field, kind, value in _fields(numbers):
        if field != 1 or kind not in (_BLOCK, _VARINT):
            raise ValueError(f"a whole number in field {field} of wire type {kind}")
        parts.append(_varints(value) if isinstance(value, memoryview) else np.array([value], np.uint64).view(np.int64))
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.int64), *parts])


def _varints(packed: memoryview) -> NDArray[np.int64]:
    """Numbers of 7 bits a byte, lowest first; the top bit of a byte says that more follow."""
    raw = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(raw < 0x80)
    if len(raw) == 0:
        return np.empty(0, np.int64)
    if len(ends) == 0 or ends[-1] != len(raw) - 1:
        raise ValueError("the last number is cut off")
    if len(ends) == len(raw):
        return raw.astype(np.int64)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise ValueError("a number of more than ten bytes")
    places = np.arange(len(raw)) - np.repeat(starts, lengths)
    bits = (raw & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
    return np.bitwise_or.reduceat(bits, starts).view(np.int64)


def _blocks(message: memoryview, field: int) -> Iterator[memoryview]:
    """The values of a `field` that holds blocks."""
    for number, kind, value in _fields(message):
        if number == field:
            if kind != _BLOCK:
                raise ValueError(f"field {number} is of wire type {kind}")
            assert isinstance(value, memoryview)
            yield value


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Number, wire type and value of every field of a message."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield tag >> 3, kind, number
            continue
        size = _SIZES.get(kind)
        if kind == _BLOCK:
            size, at = _varint(message, at)
        if size is None or at + size > end:
            raise ValueError(f"field {tag >> 3} at byte {at} is of no known kind or too long")
        yield tag >> 3, kind, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    number = shift = 0
    while True:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number & 0xFFFFFFFFFFFFFFFF, at
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def _feature(values: Written) -> bytes:
    if not isinstance(values, np.ndarray):
        return _block(_BYTES, b"".join(_block(1, value) for value in values))
    if values.dtype == np.float32:
        return _block(_FLOATS, _block(1, values.astype("<f4").tobytes()) if values.size else b"")
    assert values.dtype == np.int64
    packed = b"".join(_number(int(value) & 0xFFFFFFFFFFFFFFFF) for value in values)
    return _block(_WHOLES, _block(1, packed) if packed else b"")


def _block(field: int, data: bytes) -> bytes:
    return _number(field << 3 | _BLOCK) + _number(len(data)) + data


def _number(number: int) -> bytes:
    written = bytearray()
    while number >= 0x80:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)
