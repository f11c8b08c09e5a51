"""The files of a data set that is a folder or one zip file, read by name.

A zip file is opened once per process and read at explicit offsets, so that forked workers and threads can share it; its
directory is parsed once and inherited by forks (VIMA has seven million entries).
"""

import hashlib
import os
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from instar.errors import DataError
from instar.files import door

LIMIT: Final = 1 << 30  # bytes of one file; more is no image and no pickle of an episode

_LOCAL_HEADER: Final = struct.Struct("<4s22xHH")  # signature, ..., lengths of name and extra field


@dataclass(frozen=True)
class Archive:
    """A folder, or a zip file; which of the two is decided by what is at `path`."""

    path: Path

    def folders(self, holding: str) -> list[str]:
        """Every folder with a file called `holding`, relative to the root, in no order. Reads listings only."""
        if self._zipped:
            ending = f"/{holding}"
            return [name.removesuffix(ending) for name in self._zip.entries if name.endswith(ending)]
        return list(_folders(self.path, holding))

    def has(self, name: str) -> bool:
        """Whether there is a file called `name`."""
        return name in self._zip.entries if self._zipped else (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`. Raises DataError if it is absent or damaged."""
        if self._zipped:
            return self._zip.read(name)
        with door(self.path / name):
            size = (self.path / name).stat().st_size
            if size > LIMIT:
                raise DataError(f"{self.path / name}: {size:,} bytes; at most {LIMIT:,} are read")
            return (self.path / name).read_bytes()

    def fingerprint(self, folders: Collection[str]) -> str:
        """A hash of the listing below `folders`: names, sizes, and checksums (zip) or times of change (folder)."""
        hasher = hashlib.blake2b(digest_size=16)
        lines = _zip_listing(self._zip, folders) if self._zipped else _folder_listing(self.path, folders)
        for line in sorted(lines):
            hasher.update(line.encode())
        return hasher.hexdigest()

    @property
    def _zipped(self) -> bool:
        return not self.path.is_dir()

    @property
    def _zip(self) -> "_Zip":
        return _opened(self.path)


def _folders(root: Path, holding: str) -> Iterator[str]:
    for folder, below, names in os.walk(root, onerror=_refuse):
        below[:] = [name for name in below if not name.startswith(".")]  # hidden: unfinished, or no data
        if holding in names:
            below.clear()  # an episode holds no episodes: its image folders need no listing
            yield Path(folder).relative_to(root).as_posix()


def _refuse(error: OSError) -> None:
    with door(Path(error.filename)):
        raise error


def _folder_listing(root: Path, folders: Collection[str]) -> Iterator[str]:
    for folder in folders:
        for above, _, names in os.walk(root / folder):
            for name in names:
                path = Path(above) / name
                status = path.stat()
                yield f"{path.relative_to(root).as_posix()} {status.st_size} {status.st_mtime_ns}\n"


def _zip_listing(opened: "_Zip", folders: Collection[str]) -> Iterator[str]:
    chosen = frozenset(folders)
    for name, entry in opened.entries.items():
        if any(name[:end] in chosen for end, letter in enumerate(name) if letter == "/"):
            yield f"{name} {entry.file_size} {entry.CRC}\n"


class _Zip:
    """The parsed directory of a zip file, and a descriptor that is only ever read at explicit offsets."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with door(path):
            try:
                with zipfile.ZipFile(path) as whole:
                    self.entries = {entry.filename: entry for entry in whole.infolist()}
            except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError) as error:
                raise DataError(f"{path}: not a whole zip file ({error}); was the download cut short?") from error
            self.descriptor = os.open(path, os.O_RDONLY)
            self.stamp = _stamp(os.fstat(self.descriptor))

    def read(self, name: str) -> bytes:
        entry = self.entries.get(name)
        if entry is None:
            raise DataError(f"{self.path}: no {name} in it")
        if entry.file_size > LIMIT:
            raise DataError(f"{self.path}: {name}: {entry.file_size:,} bytes; at most {LIMIT:,} are read")
        with door(self.path):
            data = self._unpacked(entry)
        if data is None or len(data) != entry.file_size or zlib.crc32(data) != entry.CRC:
            raise DataError(f"{self.path}: {name} is damaged: its bytes do not give the recorded checksum")
        return data

    def _unpacked(self, entry: zipfile.ZipInfo) -> bytes | None:
        """The bytes of an entry, or None if they cannot be unpacked."""
        header = os.pread(self.descriptor, _LOCAL_HEADER.size, entry.header_offset)
        if len(header) < _LOCAL_HEADER.size or not header.startswith(b"PK\3\4"):
            return None
        _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
        start = entry.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        packed = os.pread(self.descriptor, entry.compress_size, start)
        if entry.flag_bits & 1 or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise DataError(f"{self.path}: {entry.filename} is encrypted or packed in a way other than deflate")
        if entry.compress_type == zipfile.ZIP_STORED:
            return packed
        try:
            return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.file_size + 1)
        except zlib.error:
            return None


_OPEN: Final[dict[Path, _Zip]] = {}  # one per file and process; forks inherit it


def _opened(path: Path) -> _Zip:
    """The zip file at `path`, opened again only if it has changed."""
    with door(path):
        stamp = _stamp(path.stat())
    known = _OPEN.get(path)
    if known is None or known.stamp != stamp:
        if known is not None:
            os.close(known.descriptor)
        known = _OPEN[path] = _Zip(path)
    return known


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino
