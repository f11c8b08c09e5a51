"""A JSON list read entry by entry, however long it is."""

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from instar.errors import DataError
from instar.files import JSON, door

CHUNK: Final = 1 << 18  # bytes read at a time
_BLANK: Final = re.compile(r"[ \t\r\n]+")  # JSON's white space
LONGEST: Final = 1 << 26  # characters of one entry; a list whose entries seem longer is no list of conversations


@dataclass(frozen=True)
class Element:
    """One entry of a list, and where its bytes lie in the file."""

    number: int  # counted from 0
    offset: int
    length: int
    value: JSON


def elements(path: Path) -> Iterator[Element]:
    """The entries of the JSON list in `path`. Raises DataError naming the entry that is damaged."""
    with door(path), path.open("rb") as file:
        window = _Window(path, file)
        _begin(path, window)
        if window.peek() == "]":
            _end(path, window, "the list ends")
            return
        number = 0
        while True:
            window.peek()
            offset, value = window.offset, window.value(number)
            yield Element(number, offset, window.offset - offset, value)
            number += 1
            after = window.peek()
            if after == "]":
                _end(path, window, f"the list ends after entry {number - 1}")
                return
            if after != ",":
                found = repr(after) if after else "the end"
                raise DataError(f"{path}: a comma should follow entry {number - 1}, found {found}")
            window.skip(1)


def _begin(path: Path, window: "_Window") -> None:
    """Go over what opens the list."""
    first = window.peek()
    if first != "[":
        found = f"begins with {first!r}" if first else "is empty"
        lines = "; of JSON lines make one list" if first == "{" else ""
        raise DataError(f"{path}: should be a JSON list of conversations, {found}{lines}")
    window.skip(1)


def _end(path: Path, window: "_Window", ends: str) -> None:
    """Go over what closes the list, and make sure that nothing is lost behind it."""
    window.skip(1)
    if more := window.peek():
        raise DataError(f"{path}: {ends}, but more follows: {more!r}; make one list of all entries")


class _Window:
    """The stretch of a UTF-8 file that is being looked at."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path, self._file = path, file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._ended = "", 0, False
        self.offset = 0  # bytes of the file before the place looked at
        self._read(CHUNK)
        if self._text.startswith("\ufeff"):
            self.skip(1)

    def peek(self) -> str:
        """The next character that is no white space, "" at the end; what is before it is gone over."""
        while True:
            blank = _BLANK.match(self._text, self._at)
            self.skip(blank.end() - self._at if blank else 0)
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read(CHUNK)

    def skip(self, characters: int) -> None:
        """Go over some characters."""
        self.offset += len(self._text[self._at : self._at + characters].encode())
        self._at += characters

    def value(self, number: int) -> JSON:
        """The JSON value that begins here; `number` is what it is called."""
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > LONGEST:
                    raise DataError(f"{self._path}: entry {number}: not JSON: {error.msg}") from error
                self._read(max(CHUNK, len(self._text) - self._at))
            except RecursionError as error:
                raise DataError(f"{self._path}: entry {number}: nested too deeply to be read") from error
            except ValueError as error:  # a whole number of very many digits
                raise DataError(f"{self._path}: entry {number}: {error}") from error
            else:
                self.skip(end - self._at)
                return value

    def _read(self, size: int) -> None:
        data = self._file.read(size)
        self._ended = not data
        try:
            more = self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise DataError(f"{self._path}: not UTF-8 text: {error.reason}") from error
        self._text, self._at = self._text[self._at :] + more, 0
