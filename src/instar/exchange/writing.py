"""LLaVA-style JSON files of a samples folder, written beside each other in one pass over it."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from instar.chat import Sample
from instar.errors import DataError
from instar.exchange.entries import require_inside
from instar.files import atomic, door
from instar.samples import Samples

EVERY = 200  # rows between two words of progress


@dataclass(frozen=True, eq=False)
class Output:
    """One JSON file: which samples are in it, and in which order."""

    name: str
    straight: NDArray[np.bool_]  # of every sample, whether it is written in the order of the folder
    shuffled: tuple[NDArray[np.int64], ...] = ()  # samples that follow these, in this order

    @property
    def count(self) -> int:
        """Samples in the file."""
        return int(self.straight.sum()) + sum(map(len, self.shuffled))


class JsonList:
    """A list that grows in a file, one entry at a time; the bytes are those of `json.dump(..., indent=2)`."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._begun = False

    def add(self, text: bytes) -> None:
        """Append an entry that `told` has put into words."""
        self._file.write(b",\n" if self._begun else b"[\n")
        self._file.write(text)
        self._begun = True

    def end(self) -> None:
        """Close the list."""
        self._file.write(b"\n]" if self._begun else b"[]")


def told(value: Mapping[str, object]) -> bytes:
    """An entry as it stands in the list: indented by two, in ASCII."""
    lines = json.dumps(value, indent=2).split("\n")
    return "\n".join(f"  {line}" for line in lines).encode()


@contextlib.contextmanager
def json_list(path: Path) -> Iterator[JsonList]:
    """A list that appears at `path` when it is whole."""
    with atomic(path) as temporary, temporary.open("wb") as file:
        grown = JsonList(file)
        yield grown
        grown.end()


@dataclass(frozen=True)
class Pictures:
    """A folder of pictures, each written once under the name it has in the samples."""

    folder: Path

    def place(self, sample: Sample) -> None:
        """Write the pictures of `sample`. Raises DataError where another picture has the name of one of them."""
        for shown, image in zip(sample.shows, sample.conversation.images, strict=True):
            self._place(shown.name, image.data)

    def _place(self, name: str, data: bytes) -> None:
        require_inside(name)
        path = self.folder / name
        with door(path):
            if path.exists():
                if path.read_bytes() != data:
                    raise DataError(f"{path}: holds another picture than the samples do; export into a new folder")
                return
        with atomic(path, durable=False) as temporary:
            temporary.write_bytes(data)


class _Spool:
    """Entries that are wanted in another order than they come in, on disk until then."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file = file
        self._places = np.zeros((count, 2), dtype=np.int64)  # offset and length by number of the sample

    def keep(self, number: int, text: bytes) -> None:
        self._places[number] = self._file.seek(0, os.SEEK_END), len(text)
        self._file.write(text)

    def get(self, number: int) -> bytes:
        offset, length = self._places[number].tolist()
        self._file.seek(offset)
        return self._file.read(length)


def write(
    samples: Samples,
    outputs: Sequence[Output],
    folder: Path,
    said: Callable[[Sample], Mapping[str, object]],
    progress: Callable[[int], None],
) -> None:
    """Write every file and every picture that it shows; a file appears when it is whole. Memory stays the same.

    `said` puts a sample into an entry; `progress` hears of the rows that are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures, count = Pictures(folder / "images"), len(samples.index)
    later = np.zeros(count, dtype=np.bool_)
    for numbers in (numbers for output in outputs for numbers in output.shuffled):
        later[numbers] = True
    with contextlib.ExitStack() as stack:
        spool = _Spool(stack.enter_context(tempfile.TemporaryFile(dir=folder)), count)
        lists = [stack.enter_context(json_list(folder / output.name)) for output in outputs]
        for number, sample in _numbered(samples, progress):
            now = [grown for output, grown in zip(outputs, lists, strict=True) if output.straight[number]]
            if not (now or later[number]):
                continue
            text = told(said(sample))
            pictures.place(sample)
            for grown in now:
                grown.add(text)
            if later[number]:
                spool.keep(number, text)
        _append(outputs, lists, spool)


def _append(outputs: Sequence[Output], lists: Sequence[JsonList], spool: _Spool) -> None:
    for output, grown in zip(outputs, lists, strict=True):
        for numbers in output.shuffled:
            for number in numbers.tolist():
                grown.add(spool.get(number))


def _numbered(samples: Samples, progress: Callable[[int], None]) -> Iterator[tuple[int, Sample]]:
    number = 0
    for done, row in enumerate(samples):
        if done % EVERY == 0:
            progress(done)
        for sample in row.samples:
            yield number, sample
            number += 1
