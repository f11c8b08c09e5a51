"""Pickles of RLBench's types written without RLBench: the bytes that its own classes would be restored from.

What is written is plain: numbers, text, lists, dictionaries, arrays of numbers and objects that are a name and
attributes. It is read by `instar.demos.unpickle`, and by Python's own pickle where RLBench is installed. Opcodes after
the documentation of Python's `pickletools`; names of numpy as numpy 1 spelt them, which numpy 2 understands, too.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_PROTOCOL: Final = b"\x80\x03"
_ARRAY: Final = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_DOUBLE: Final = (
    b"cnumpy\ndtype\nX\x02\x00\x00\x00f8K\x00K\x01\x87R(K\x03X\x01\x00\x00\x00<NNN"
    + 2 * b"J\xff\xff\xff\xff"
    + b"K\x00tb"
)


@dataclass(frozen=True)
class Named:
    """An object of a class that need not be here."""

    module: str
    name: str
    attributes: Mapping[str, "Plain"]


Plain = None | bool | int | float | str | NDArray[np.float64] | Sequence["Plain"] | Mapping[str, "Plain"] | Named


def dumps(value: Plain) -> bytes:
    """`value` as a pickle."""
    return _PROTOCOL + _value(value) + b"."


def _value(value: Plain) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"N", True: b"\x88", False: b"\x89"}[value]
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return b"X" + struct.pack("<I", len(text)) + text
    return _container(value)


def _container(value: NDArray[np.float64] | Sequence[Plain] | Mapping[str, Plain] | Named) -> bytes:
    if isinstance(value, Named):
        # The class without its constructor, and then what is in it.
        return f"c{value.module}\n{value.name}\n".encode() + b")\x81" + _value(value.attributes) + b"b"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, Mapping):
        return b"}(" + b"".join(_value(key) + _value(item) for key, item in value.items()) + b"u"
    return b"](" + b"".join(map(_value, value)) + b"e"


def _array(array: NDArray[np.float64]) -> bytes:
    data = np.ascontiguousarray(array, "<f8").tobytes()
    shape = b"(" + b"".join(map(_value, array.shape)) + b"t"
    return _ARRAY + b"(K\x01" + shape + _DOUBLE + b"\x89B" + struct.pack("<I", len(data)) + data + b"tb"
