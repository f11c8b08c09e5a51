"""TFRecord files: records behind one another, each with its length and two checksums.

Layout after TensorFlow's record_writer: u64 length, u32 checksum of the length, the record, u32 checksum of the record,
all little-endian. A checksum is the CRC-32C of the bytes, turned by 15 bits and shifted by a constant.
"""

import os
import struct
from array import array
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Final

import google_crc32c

from instar.errors import DataError
from instar.files import door

_HEAD: Final = struct.Struct("<QI")  # length of the record, and its checksum
_TAIL: Final = struct.Struct("<I")  # checksum of the record
_TURN, _SHIFT = 15, 0xA282EAD8
LIMIT: Final = 1 << 31  # bytes of one record; more is no episode


class Records:
    """The records of one file, read one at a time from wherever they lie. Raises DataError for a damaged file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def read(self, index: int) -> bytes:
        """Record `index`, its checksum verified."""
        start, end = self._bounds[index : index + 2]
        first, behind = start + _HEAD.size, end - _TAIL.size
        with door(self.path), self.path.open("rb", buffering=0) as file:
            record = os.pread(file.fileno(), behind - first, first)
            tail = os.pread(file.fileno(), _TAIL.size, behind)
        if len(record) < behind - first or len(tail) < _TAIL.size:
            raise self._cut(start, index)
        if masked(record) != _TAIL.unpack(tail)[0]:
            raise self._damaged(start, index)
        return record

    @cached_property
    def _bounds(self) -> "array[int]":
        """Where each record begins, and where the last ends, in bytes: found by hopping from length to length."""
        bounds = array("Q", [0])
        with door(self.path), self.path.open("rb", buffering=0) as file:
            end = os.fstat(file.fileno()).st_size
            while bounds[-1] < end:
                at, index = bounds[-1], len(bounds) - 1
                bounds.append(at + _HEAD.size + self._length(file, at, index) + _TAIL.size)
        if bounds[-1] > end:
            raise self._cut(bounds[-2], len(bounds) - 2)
        return bounds

    def _length(self, file: BinaryIO, start: int, index: int) -> int:
        """How long the record is whose head is at `start`; the file then stands behind the head."""
        file.seek(start)
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise self._cut(start, index)
        length, checksum = _HEAD.unpack(head)
        if masked(head[:8]) != checksum or length > LIMIT:
            raise self._damaged(start, index)
        return int(length)

    def _cut(self, start: int, index: int) -> DataError:
        return DataError(f"{self.path}: the file ends inside record {index}, which begins at byte {start}; get it anew")

    def _damaged(self, start: int, index: int) -> DataError:
        return DataError(
            f"{self.path}: record {index} at byte {start} does not fit its checksum; the file is damaged or no "
            "TFRecord: get it anew"
        )


def write_records(path: Path, records: Iterable[bytes]) -> list[int]:
    """Write a file of records; the bytes of each."""
    lengths = []
    with door(path), path.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _TAIL.pack(masked(length)) + record + _TAIL.pack(masked(record)))
            lengths.append(len(record))
    return lengths


def masked(data: bytes) -> int:
    """The checksum that stands beside `data`."""
    crc = int(google_crc32c.value(data))
    return ((crc >> _TURN | crc << (32 - _TURN)) + _SHIFT) & 0xFFFFFFFF
