"""The only door to our own files: JSON, JSON lines, YAML, atomic writes and digests.

Everything is written beside its place and renamed, so a reader sees the old file or the new one, never half of one.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from instar.errors import DataError

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"  # written last in a folder: its presence means the folder is whole

JSON = Any  # what json.loads returns; checked where it is used


@contextlib.contextmanager
def door(path: Path) -> Iterator[None]:
    """What the operating system says about `path`, as a DataError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(f"{path}: disk full; nothing already written is lost. Make room and run again") from error
        if error.errno == errno.EFBIG:
            raise DataError(f"{path}: file too large for this system's limit (ulimit -f)") from error
        if isinstance(error, FileNotFoundError):
            raise DataError(f"{path}: no such file or folder") from error
        if isinstance(error, PermissionError):
            raise DataError(f"{path}: permission denied") from error
        raise DataError(f"{path}: {error.strerror or error}") from error


@contextlib.contextmanager
def atomic(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place on success and vanishes on failure.

    Without `durable` it does not wait for the disk: for many small files that can be made again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with door(path):
            yield temporary
            if durable:
                with temporary.open("rb") as written:
                    os.fsync(written.fileno())
            temporary.replace(path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` atomically. Raises DataError if the disk is full."""
    with atomic(path) as temporary:
        temporary.write_bytes(data)


def is_temporary(path: Path) -> bool:
    """Whether `path` is one that `atomic` gave."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def sweep(folder: Path) -> None:
    """Remove what killed processes had begun to write anywhere in `folder`; what a living one writes is left alone."""
    for path in folder.rglob(".*.tmp"):
        if is_temporary(path) and not _alive(path.name.split(".")[-2]):
            logger.info("removing %s, left by a run that was killed", path)
            path.unlink(missing_ok=True)


def _alive(process: str) -> bool:
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def canonical_json(value: JSON) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def file_size(path: Path) -> int:
    """Bytes of a file. Raises DataError if it is not there."""
    with door(path):
        return path.stat().st_size


def write_json(path: Path, value: JSON) -> None:
    """Write `value` as readable JSON with sorted keys, atomically."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> JSON:
    """The value in a JSON file. Raises DataError with the place of the damage."""
    text = _read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: not JSON at line {error.lineno}: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deeply to be read") from error
    except ValueError as error:  # a whole number of very many digits
        raise DataError(f"{path}: {error}") from error


def _read_text(path: Path) -> str:
    with door(path):
        data = path.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from error


def read_yaml(path: Path) -> JSON:
    """The value in a YAML file. Raises DataError with the place of the damage."""
    text = _read_text(path)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{path}: not YAML: {' '.join(str(error).split())}") from error


def append_jsonl(path: Path, row: Mapping[str, JSON]) -> None:
    """Add one row to a JSON lines file: one write, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = (json.dumps(row, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
    with door(path):
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            _drop_torn_line(descriptor)
            _write_all(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, line: bytes) -> None:
    start = os.fstat(descriptor).st_size
    written = os.write(descriptor, line)
    if written < len(line):  # a disk that fills up writes what fits; a torn row must not stay
        os.ftruncate(descriptor, start)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _drop_torn_line(descriptor: int) -> None:
    """Cut what a killed process left behind the last whole line."""
    end = os.fstat(descriptor).st_size
    if end == 0 or os.pread(descriptor, 1, end - 1) == b"\n":
        return
    whole = os.pread(descriptor, end, 0)
    os.ftruncate(descriptor, whole.rfind(b"\n") + 1)


def read_jsonl(path: Path) -> list[JSON]:
    """All whole rows of a JSON lines file, none if it does not exist; a torn last line is left out."""
    if not path.exists():
        return []
    with door(path):
        data = path.read_bytes()
    rows = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise DataError(f"{path}: line {number} is not JSON: {error}") from error
    return rows


def digest(value: JSON) -> str:
    """A hash of a JSON value that does not depend on the order of its keys."""
    return hashlib.blake2b(canonical_json(value).encode(), digest_size=16).hexdigest()


def digest_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with door(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
