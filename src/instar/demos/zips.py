"""A zip file of millions of members, opened in seconds and read from many processes and threads at once.

The standard library makes an object of every member (VIMA's seven million take minutes and gigabytes in each process).
Here the directory stays in the file, mapped; what is kept is one hash and one place per member. Members are read at
explicit offsets, so nothing is shared that could be torn. Layout after the .ZIP File Format Specification (APPNOTE).
"""

import mmap
import os
import struct
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from instar.errors import DataError
from instar.files import door

LIMIT: Final = 1 << 30  # bytes of one member; more is no image and no pickle of an episode

_END: Final = struct.Struct("<4s8xLLH")  # signature, ..., size and offset of the directory, length of the comment
_END_64: Final = struct.Struct("<4s36xQQ")  # signature, ..., size and offset of the directory
_LOCATOR_64: Final = struct.Struct("<4s4xQ4x")  # signature, disk, offset of the 64-bit end, disks
_ENTRY: Final = struct.Struct("<4s4xHH4xLLLHHH8xL")
_LENGTHS: Final = struct.Struct("<HHH")  # of name, extra field and comment; at byte 28 of an entry
_LOCAL: Final = struct.Struct("<4s22xHH")  # signature, ..., lengths of name and extra field
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 1, 0x800
_NAMES: Final = 256  # bytes that a name with its extra field mostly fits into
_RATIO: Final = 1032  # bytes that one of deflate can stand for: 258 in two bits (RFC 1951)


class Member(NamedTuple):
    """What the directory says about one file."""

    name: str
    crc: int
    packed: int  # bytes in the zip file
    size: int  # bytes unpacked
    offset: int  # of its local header
    method: int
    encrypted: bool


class ZipIndex:
    """The members of a zip file by name. Raises DataError for a file that is no whole zip."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with door(path):
            self._file = os.open(path, os.O_RDONLY)
        try:
            with door(path):
                self.stamp = stamp(os.fstat(self._file))
                self._find_directory(self.stamp[0])
        except (DataError, struct.error, ValueError) as error:
            os.close(self._file)
            if isinstance(error, DataError):
                raise
            raise self._not_whole(str(error)) from error

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def members(self) -> Iterator[Member]:
        """Every member, in the order of the directory."""
        return (self._member(place) for place in self._places.tolist())

    def names(self, ending: str) -> Iterator[str]:
        """The names that end with `ending`, in the order of the directory."""
        last = ending.encode()
        for place in self._places.tolist():
            length = int.from_bytes(self._map[place + 28 : place + 30], "little")
            if self._map[place + 46 + length - len(last) : place + 46 + length] == last:
                yield self._member(place).name

    def find(self, name: str) -> Member | None:
        """The member called `name`, or None."""
        place = self._place(name)
        return None if place is None else self._member(place)

    def __contains__(self, name: str) -> bool:
        return self._place(name) is not None

    def _place(self, name: str) -> int | None:
        """Where the entry of the member called `name` begins."""
        for spelling in _spellings(name):
            first = int(self._hashes.searchsorted(hash(spelling)))
            for place in self._by_hash[first : first + 4].tolist():  # a few, should two names share a hash
                length = int.from_bytes(self._map[place + 28 : place + 30], "little")
                same = self._map[place + 46 : place + 46 + length] == spelling
                if same and (name.isascii() or self._member(place).name == name):  # the same bytes may be other letters
                    return int(place)
        return None

    def read(self, member: Member) -> bytes:
        """The bytes of a member. Raises DataError if they are not those that were packed."""
        if member.size > LIMIT:
            raise DataError(f"{self.path}: {member.name}: {member.size:,} bytes; at most {LIMIT:,} are read")
        if member.encrypted or member.method not in {_STORED, _DEFLATED}:
            raise DataError(f"{self.path}: {member.name} is encrypted or packed in a way other than deflate")
        with door(self.path):
            data = self._unpacked(member)
        if data is None or len(data) != member.size or zlib.crc32(data) != member.crc:
            raise DataError(f"{self.path}: {member.name} is damaged: its bytes do not give the recorded checksum")
        return data

    def _unpacked(self, member: Member) -> bytes | None:
        """The bytes of a member, or None if they cannot be unpacked."""
        if member.offset + member.packed > self.stamp[0]:
            return None
        # One call for the header, whose length is not known, and for what follows it; a second one if that is long.
        read = os.pread(self._file, _LOCAL.size + _NAMES + member.packed, member.offset)
        if len(read) < _LOCAL.size or not read.startswith(b"PK\3\4"):
            return None
        _, name_length, extra_length = _LOCAL.unpack_from(read)
        start = _LOCAL.size + name_length + extra_length
        packed = memoryview(read)[start : start + member.packed]
        if len(packed) < member.packed:
            packed = memoryview(os.pread(self._file, member.packed, member.offset + start))
        return bytes(packed) if member.method == _STORED else _inflated(packed, member.size)

    def _find_directory(self, whole: int) -> None:
        start = max(0, whole - _END.size - 0xFFFF)  # a comment may follow the end record
        tail = os.pread(self._file, whole - start, start)
        end = _end_record(tail)
        if end is None:
            raise self._not_whole("no end of the directory")
        _, size, offset, _ = _END.unpack_from(tail, end)
        if end >= _LOCATOR_64.size and tail.startswith(b"PK\6\7", end - _LOCATOR_64.size):
            _, end_64 = _LOCATOR_64.unpack_from(tail, end - _LOCATOR_64.size)
            _, size, offset = _END_64.unpack(os.pread(self._file, _END_64.size, end_64))
        if offset + size > start + end:
            raise self._not_whole("the directory does not fit")
        self._map_directory(offset, size)

    def _map_directory(self, offset: int, size: int) -> None:
        """Map `size` bytes of directory and note where every entry begins; `_places` count from the map's beginning."""
        before = offset % mmap.ALLOCATIONGRANULARITY
        self._map = mmap.mmap(self._file, before + size, access=mmap.ACCESS_READ, offset=offset - before)
        places, hashes, place = array("q"), array("q"), before
        while place < before + size:
            if self._map[place : place + 4] != b"PK\1\2":
                raise self._not_whole("the directory is broken")
            name, extra, comment = _LENGTHS.unpack_from(self._map, place + 28)
            places.append(place)
            hashes.append(hash(self._map[place + 46 : place + 46 + name]))
            place += 46 + name + extra + comment
        if place != before + size:
            raise self._not_whole("the directory is broken")
        self._places = np.array(places, dtype=np.int64)
        order = np.argsort(np.array(hashes, dtype=np.int64), kind="stable")
        self._hashes, self._by_hash = np.array(hashes, dtype=np.int64)[order], self._places[order]

    def _member(self, place: int) -> Member:
        _, flags, method, crc, packed, size, name_length, extra_length, _, offset = _ENTRY.unpack_from(self._map, place)
        name = self._map[place + 46 : place + 46 + name_length]
        extra = self._map[place + 46 + name_length : place + 46 + name_length + extra_length]
        size, packed, offset = _wide(extra, size, packed, offset)
        decoded = name.decode("utf-8" if flags & _UTF8 else "cp437", errors="replace")
        return Member(decoded, crc, packed, size, offset, method, bool(flags & _ENCRYPTED))

    def _not_whole(self, why: str) -> DataError:
        return DataError(f"{self.path}: not a whole zip file ({why}); was the download cut short?")


def _inflated(packed: memoryview, size: int) -> bytes | None:
    """The `size` bytes that were deflated to `packed`, or None if these cannot be."""
    most = len(packed) * _RATIO
    if size > most:
        return None
    try:
        if most <= LIMIT:
            return zlib.decompress(packed, -zlib.MAX_WBITS, max(size, 1))
        # What says it is small may still be a bomb: it goes off one byte after the size that it told.
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)
    except zlib.error:
        return None


def _spellings(name: str) -> list[bytes]:
    if name.isascii():
        return [name.encode()]
    return [name.encode(), name.encode("cp437", errors="replace")]


def _wide(extra: bytes, *fields: int) -> list[int]:
    """`fields` with those that did not fit into 32 bits taken from the extra field's 64-bit part (APPNOTE 4.5.3)."""
    if 0xFFFFFFFF not in fields:
        return list(fields)
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            part = extra[place + 4 : place + 4 + length]
            wide = (number for (number,) in struct.iter_unpack("<Q", part[: len(part) // 8 * 8]))
            return [next(wide, field) if field == 0xFFFFFFFF else field for field in fields]
        place += 4 + length
    return list(fields)


def stamp(status: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file is replaced."""
    return status.st_size, status.st_mtime_ns, status.st_ino


def _end_record(tail: bytes) -> int | None:
    """Where the end record begins: the last signature whose comment reaches to the end of the file."""
    end = tail.rfind(b"PK\5\6")
    while end >= 0:
        if end + _END.size <= len(tail) and end + _END.size + _END.unpack_from(tail, end)[3] == len(tail):
            return end
        end = tail.rfind(b"PK\5\6", 0, end)  # that one was part of the comment
    return None
