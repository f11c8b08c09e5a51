"""The files of a data set that is a folder or one zip file, read by name."""

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from instar.demos.zips import LIMIT, ZipIndex, stamp
from instar.errors import DataError
from instar.files import door


@dataclass(frozen=True)
class Archive:
    """A folder, or a zip file; which of the two is decided by what is at `path`."""

    path: Path

    def folders(self, holding: str) -> list[str]:
        """Every folder with a file called `holding`, relative to the root, in no order. Reads listings only."""
        index = _opened(self.path)
        if index is None:
            return list(_folders(self.path, holding))
        ending = f"/{holding}"
        return [name.removesuffix(ending) for name in index.names(ending)]

    def missing(self, folder: str, names: Sequence[str]) -> list[str]:
        """Those of `names` of which there is no file in `folder`."""
        index = _opened(self.path)
        if index is None:
            return [name for name in names if not (self.path / folder / name).is_file()]
        return [name for name in names if f"{folder}/{name}" not in index]

    def read(self, name: str) -> bytes:
        """The bytes of the file `name`. Raises DataError if it is absent or damaged."""
        index = _opened(self.path)
        if index is None:
            return _file(self.path / name)
        member = index.find(name)
        if member is None:
            raise DataError(f"{self.path}: no {name} in it")
        return index.read(member)

    def fingerprint(self, folders: Collection[str]) -> str:
        """A hash of the listing below `folders`: names, sizes, and checksums (zip) or times of change (folder)."""
        hasher = hashlib.blake2b(digest_size=16)
        index = _opened(self.path)
        lines = _folder_listing(self.path, folders) if index is None else _zip_listing(index, folders)
        for line in sorted(lines):
            hasher.update(line.encode())
        return hasher.hexdigest()


def _file(path: Path) -> bytes:
    with door(path), path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size > LIMIT:
            raise DataError(f"{path}: {size:,} bytes; at most {LIMIT:,} are read")
        return file.readall()


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


def _zip_listing(opened: ZipIndex, folders: Collection[str]) -> Iterator[str]:
    chosen = frozenset(folders)
    for member in opened.members():
        name = member.name
        if any(name[:end] in chosen for end, letter in enumerate(name) if letter == "/"):
            yield f"{name} {member.size} {member.crc}\n"


_OPEN: Final[dict[Path, ZipIndex]] = {}  # one per file and process


def _opened(path: Path) -> ZipIndex | None:
    """The zip file at `path`, opened again only if it has changed; None for a folder."""
    with door(path):
        status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        return None
    known = _OPEN.get(path)
    if known is None or known.stamp != stamp(status):
        if known is not None:
            known.close()
        known = _OPEN[path] = ZipIndex(path)
    return known
