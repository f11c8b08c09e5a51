"""A table out of a pickle that knows where it came from, so that what is wrong with it can be said."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Pixels
from instar.demos.archive import Archive
from instar.demos.unpickle import loads
from instar.errors import DataError
from instar.robot import Floats

# Who may be mentioned in the description of an object: the simulator under both of its names, and its closures.
STRANGERS: Final = ("vimasim", "vima_bench", "functools.partial", "enum")


@dataclass(frozen=True)
class Table:
    """A dictionary that was read from `where`; every getter raises DataError naming the place and what it found."""

    where: str
    entries: Mapping[object, object]

    @classmethod
    def read(cls, archive: Archive, name: str) -> "Table":
        """The table in the pickle called `name`."""
        where = f"{archive.path}: {name}"
        return cls.of(loads(archive.read(name), where, STRANGERS), where)

    @classmethod
    def of(cls, value: object, where: str) -> "Table":
        """`value`, which should be a dictionary."""
        if not isinstance(value, dict):
            raise DataError(f"{where}: should be a table, is a {type(value).__name__}")
        return cls(where, value)

    def __getitem__(self, key: object) -> object:
        if key not in self.entries:
            raise self.wrong(f"has no {key!r}")
        return self.entries[key]

    def wrong(self, what: str) -> DataError:
        """The error to raise: where, and `what`."""
        return DataError(f"{self.where}: {what}")

    def table(self, key: object) -> "Table":
        """The table below `key`."""
        return Table.of(self[key], f"{self.where}[{key!r}]")

    def tables(self) -> Iterator[tuple[object, "Table"]]:
        """All that is in this table, which should be tables."""
        return ((key, self.table(key)) for key in self.entries)

    def text(self, key: str) -> str:
        """The words below `key`, of which there must be some."""
        value = self[key]
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"{key!r} should be words, is {value!r:.40}")
        return value

    def name(self, key: str) -> str:
        """The words below `key`, which may be none."""
        return "" if self[key] == "" else self.text(key)

    def object_id(self, key: str) -> int:
        """The object id below `key`: a value that a pixel of a segmentation can have."""
        return self.checked_id(self[key])

    def checked_id(self, value: object) -> int:
        """`value` as an object id."""
        if not isinstance(value, int | np.integer) or not 0 <= value <= 255:
            raise self.wrong(f"{value!r:.40} is no object id between 0 and 255")
        return int(value)

    def pixels(self, key: str, shape: tuple[int, ...]) -> Pixels:
        """The bytes below `key`, of exactly this shape, read-only."""
        array = self._array(key, shape)
        if array.dtype != np.uint8:
            raise self.wrong(f"{key!r} should be uint8, is {array.dtype}")
        pixels = np.asarray(array, dtype=np.uint8)
        pixels.flags.writeable = False
        return pixels

    def numbers(self, key: str, shape: tuple[int, ...]) -> Floats:
        """The numbers below `key`, of exactly this shape, all finite."""
        array = self._array(key, shape)
        if array.dtype.kind not in "iuf":
            raise self.wrong(f"{key!r} should be numbers, is {array.dtype}")
        numbers = array.astype(np.float64)
        if not np.isfinite(numbers).all():
            raise self.wrong(f"{key!r} holds {numbers[~np.isfinite(numbers)][0]} at step {_first_bad(numbers)}")
        return numbers

    def length(self, key: str) -> int:
        """How many rows the array below `key` has."""
        value = self[key]
        if not isinstance(value, np.ndarray) or value.ndim == 0:
            raise self.wrong(f"{key!r} should be an array, is a {type(value).__name__}")
        return len(value)

    def _array(self, key: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
        value = self[key]
        if not isinstance(value, np.ndarray):
            raise self.wrong(f"{key!r} should be an array, is a {type(value).__name__}")
        if value.shape != shape:
            raise self.wrong(f"{key!r} should have the shape {shape}, has {value.shape}")
        return np.asarray(value)


def _first_bad(numbers: Floats) -> int:
    return int(np.argwhere(~np.isfinite(numbers))[0][0])
