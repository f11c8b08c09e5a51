"""`tf.train.Example`, the message that one TFRecord holds: lists of bytes, floats or whole numbers by name.

    Example { Features features = 1; }    Features { map<string, Feature> feature = 1; }
    Feature { oneof: BytesList = 1, FloatList = 2, Int64List = 3 }, each { repeated value = 1; }

Read and written in protobuf's wire format without its library: what is read are views of the record, not copies.
"""

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


class Example(Mapping[str, Values]):
    """The features of an Example, each worked out when it is first asked for. Raises DataError where it is damaged."""

    def __init__(self, features: Mapping[str, memoryview]) -> None:
        """`features` are Features by name, unparsed."""
        self._features = features
        self._values: dict[str, Values] = {}

    def __getitem__(self, name: str) -> Values:
        if name not in self._values:
            try:
                self._values[name] = _values(self._features[name])
            except (IndexError, ValueError) as error:
                raise DataError(f"feature {name} is no feature of a tf.train.Example: {error}") from error
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._features

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)


def parse_example(record: bytes | memoryview) -> Example:
    """The features of an Example. Raises DataError if the record is none."""
    try:
        found = {}
        for features in _blocks(memoryview(record), field=1):
            for entry in _blocks(features, field=1):
                parts = {number: value for number, kind, value in _fields(entry) if kind == _BLOCK}
                key, feature = parts[1], parts.get(2, memoryview(b""))
                assert isinstance(key, memoryview)
                assert isinstance(feature, memoryview)
                found[str(key, "utf-8")] = feature
    except (LookupError, ValueError) as error:
        raise DataError(f"a record of {len(record)} bytes is no tf.train.Example: {error}") from error
    return Example(found)


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
            values = _blocks(value, field=1)
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


def _blocks(message: memoryview, field: int) -> list[memoryview]:
    """The values of a `field` below 16 that holds blocks. Most of an episode is found here, so calls are few."""
    found, at, end, wanted = [], 0, len(message), field << 3 | _BLOCK
    while at < end:
        if message[at] != wanted:
            at = _past(message, at, field)
            continue
        size, at = message[at + 1], at + 2
        if size >= 0x80:
            size, at = _varint(message, at - 1)
        if at + size > end:
            raise ValueError(f"field {field} at byte {at} is too long")
        found.append(message[at : at + size])
        at += size
    return found


def _past(message: memoryview, at: int, unlike: int) -> int:
    """Where the field at `at` ends, which should not be `unlike`."""
    number, kind, _, behind = _field(message, at)
    if number == unlike and kind != _BLOCK:
        raise ValueError(f"field {number} is of wire type {kind}")
    return behind


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview | int]]:
    """Number, wire type and value of every field of a message."""
    at = 0
    while at < len(message):
        number, kind, value, at = _field(message, at)
        yield number, kind, value


def _field(message: memoryview, at: int) -> tuple[int, int, memoryview | int, int]:
    """Number, wire type and value of the field at `at`, and where it ends."""
    tag, at = _varint(message, at)
    kind = tag & 7
    if kind == _VARINT:
        value, at = _varint(message, at)
        return tag >> 3, kind, value, at
    size = _SIZES.get(kind)
    if kind == _BLOCK:
        size, at = _varint(message, at)
    if size is None or at + size > len(message):
        raise ValueError(f"field {tag >> 3} at byte {at} is of no known kind or too long")
    return tag >> 3, kind, message[at : at + size], at + size


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
