"""What TFDS stores under which name: `features.json`, and values of an Example as arrays of one row a step.

A nested dictionary is stored flat, its keys joined by "/"; a sequence of steps is stored as one list a feature, the
steps behind one another. After the serializers of TensorFlow Datasets 4.
"""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from instar.errors import DataError
from instar.files import read_json
from instar.storing.example import Values

STEPS: Final = "steps"
Kind = Literal["numbers", "text", "image", "unread"]
Rows: TypeAlias = "NDArray[Any] | Sequence[memoryview]"


@dataclass(frozen=True)
class Column:
    """One feature of every step, or of the episode."""

    name: str  # in the Example: "steps/observation/state"
    kind: Kind
    dtype: str = ""  # of numbers
    shape: tuple[int, ...] = ()  # of one step
    encoding: str = "none"  # of numbers: as a list, or the bytes of an array, perhaps packed: "bytes", "zlib"

    def rows(self, values: Values) -> Rows:
        """Numbers as an array (T, *shape); texts and encoded pictures as T blocks of bytes.

        Raises DataError if they are of another kind or number.
        """
        if self.kind == "unread":
            raise DataError(f"feature {self.name} is of a kind that is not read")
        if self.kind in ("text", "image"):
            if isinstance(values, np.ndarray):
                raise DataError(f"feature {self.name} should be {self.kind}; it holds numbers")
            return values
        return self._unpacked(values) if self.encoding != "none" else self._listed(values)

    def _listed(self, values: Values) -> NDArray[Any]:
        size = math.prod(self.shape)
        if not isinstance(values, np.ndarray):
            if len(values):
                raise DataError(f"feature {self.name} should be numbers; it holds bytes")
            values = np.empty(0, np.int64)
        if size == 0 or len(values) % size:
            raise DataError(f"feature {self.name} holds {len(values)} numbers, no multiple of its shape {self.shape}")
        return values.astype(self.dtype, copy=False).reshape(-1, *self.shape)

    def _unpacked(self, values: Values) -> NDArray[Any]:
        if isinstance(values, np.ndarray):
            raise DataError(f"feature {self.name} should be encoded arrays; it holds numbers")
        size = math.prod(self.shape) * np.dtype(self.dtype).itemsize
        rows = [self._array(bytes(value), size) for value in values]
        return np.stack(rows) if rows else np.empty((0, *self.shape), self.dtype)

    def _array(self, data: bytes, size: int) -> NDArray[Any]:
        try:
            data = zlib.decompressobj().decompress(data, size + 1) if self.encoding == "zlib" else data
        except zlib.error as error:
            raise DataError(f"feature {self.name} cannot be unpacked: {error}") from error
        if len(data) != size:
            raise DataError(f"feature {self.name} holds {len(data)} bytes for an array of {size}")
        return np.frombuffer(data, np.dtype(self.dtype).newbyteorder("<")).reshape(self.shape)


@dataclass(frozen=True)
class Layout:
    """The features of a dataset of episodes."""

    steps: Mapping[str, Column] = field(default_factory=dict)  # by name below `steps`: "observation/state"
    episode: Mapping[str, Column] = field(default_factory=dict)  # by name: "episode_metadata/file_path"

    @classmethod
    def read(cls, path: Path) -> "Layout":
        """The layout in a `features.json`. Raises DataError if it is none, or not of episodes of steps."""
        told = read_json(path)
        if not isinstance(told, dict) or "pythonClassName" not in told:
            raise DataError(f"{path}: not the features of a dataset of TFDS 4.4 or later")
        columns = list(_columns(told, ()))
        steps = {"/".join(names[1:]): column for names, column in columns if names[0] == STEPS}
        if not steps:
            raise DataError(f"{path}: no feature is called `steps`; RLDS keeps episodes as sequences of steps")
        return cls(steps, {"/".join(names): column for names, column in columns if names[0] != STEPS})


def _columns(
    told: Mapping[str, Any], names: tuple[str, ...], depth: int = 0
) -> Iterator[tuple[tuple[str, ...], Column]]:
    """Every feature below one, by its path of names; `depth` is of how many sequences it is inside."""
    if "featuresDict" in told:
        for name, below in told["featuresDict"].get("features", {}).items():
            yield from _columns(below, (*names, name), depth)
    elif "sequence" in told:
        yield from _columns(told["sequence"]["feature"], names, depth + 1)
    else:
        yield names, _column("/".join(names), told, inside=depth > (1 if names[:1] == (STEPS,) else 0))


def _column(name: str, told: Mapping[str, Any], *, inside: bool) -> Column:
    """One feature; `inside` a further sequence it is stored as ragged rows, which nobody's actions or pictures are."""
    if inside:
        return Column(name, "unread")
    if "image" in told:
        return Column(name, "image", shape=_shape(told["image"]))
    if "text" in told:
        return Column(name, "text")
    if "classLabel" in told:
        return Column(name, "numbers", "int64")
    return _tensor(name, told.get("tensor"))


def _tensor(name: str, told: Mapping[str, Any] | None) -> Column:
    shape = _shape(told or {})
    if told is None or any(size < 0 for size in shape):
        return Column(name, "unread")
    dtype, encoding = str(told.get("dtype", "")), str(told.get("encoding", "none")).lower()
    if dtype in ("string", "object"):
        return Column(name, "text") if not shape else Column(name, "unread")
    if dtype not in _DTYPES or encoding not in ("none", "bytes", "zlib"):
        return Column(name, "unread")
    return Column(name, "numbers", dtype, shape, encoding)


def _shape(told: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(int(size) for size in told.get("shape", {}).get("dimensions", ()))


_DTYPES: Final = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float16", "float32", "float64"),
)
