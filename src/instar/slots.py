"""The leaves of a grammar: text that is always there, and typed places for values."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from instar.errors import DataError, ReplyError
from instar.numerals import fixed_pattern, integer_pattern

Values = Mapping[str, Any]


class Scan:
    """A text being read, and the furthest place where reading it failed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._reach = -1
        self._expected: list[str] = []

    def miss(self, position: int, expected: str) -> None:
        """Note that `expected` was not found at `position`."""
        if position > self._reach:
            self._reach, self._expected = position, []
        if position == self._reach and expected not in self._expected:
            self._expected.append(expected)

    def error(self) -> ReplyError:
        """What to tell whoever sent the text."""
        return ReplyError(self.text, max(self._reach, 0), " or ".join(self._expected))


class Part(Protocol):
    """A piece of a grammar."""

    def slots(self) -> tuple[str, ...]:
        """The names of the values it holds."""
        ...

    def write(self, values: Values) -> str:
        """Its text. Raises DataError if a value does not fit, and KeyError if it is missing."""
        ...

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every way to read it from `start`, the preferred first: where it ends and the values in it."""
        ...

    def pattern(self) -> str:
        """A regular expression of all it can write; without look-around, as decoders want it."""
        ...


@dataclass(frozen=True)
class Literal:
    """Text that is always there."""

    text: str

    def slots(self) -> tuple[str, ...]:
        return ()

    def write(self, _values: Values) -> str:
        return self.text

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        if scan.text.startswith(self.text, start):
            yield start + len(self.text), {}
            return
        same = 0
        while scan.text.startswith(self.text[: same + 1], start):
            same += 1
        scan.miss(start + same, repr(self.text[same:]))

    def pattern(self) -> str:
        return _escaped(self.text)


@dataclass(frozen=True)
class Space:
    """White space: written as `text`, read as any amount, also none."""

    text: str = " "

    def slots(self) -> tuple[str, ...]:
        return ()

    def write(self, _values: Values) -> str:
        return self.text

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        end = start
        while end < len(scan.text) and scan.text[end].isspace():
            end += 1
        yield end, {}

    def pattern(self) -> str:
        return _escaped(self.text)


@dataclass(frozen=True)
class Fixed:
    """A number with a fixed number of decimals; reading forgives other numbers of decimals."""

    name: str
    decimals: int
    low: float | None = None
    high: float | None = None
    minus_zero: bool = False  # write what is rounded up to zero as -0, as C and Python do

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        text = format(float(values[self.name]), self._spelling)
        written = float(text)  # what counts is what will be read
        if written == 0 and not self.minus_zero:
            text = text.removeprefix("-")
        low, high = self._range
        if not low <= written <= high:
            raise DataError(f"{self.name} = {text} is not {self._wanted()}")
        return text

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        match = _NUMBER.match(scan.text, start)
        low, high = self._range
        if match and low <= float(match[0]) <= high:
            yield match.end(), {self.name: float(match[0])}
        else:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        pattern = fixed_pattern(self.decimals, self.low, self.high)
        return f"(?:{pattern}|-0\\.0{{{self.decimals}}})" if self.minus_zero else pattern

    @cached_property
    def _spelling(self) -> str:
        return f".{self.decimals}f"

    @cached_property
    def _range(self) -> tuple[float, float]:
        return (-math.inf if self.low is None else self.low), (math.inf if self.high is None else self.high)

    def _wanted(self) -> str:
        return "a number" + _bounds(self.low, self.high)


@dataclass(frozen=True)
class Short:
    """A number rounded to at most so many decimals and written as Python prints it: 0.1 and not 0.1000."""

    name: str
    decimals: int

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        text = repr(round(float(values[self.name]), self.decimals))
        if not _PLAIN.fullmatch(text):
            raise DataError(f"{self.name} = {text} is not a number that is written without an exponent")
        return text

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        match = _NUMBER.match(scan.text, start)
        if match:
            yield match.end(), {self.name: float(match[0])}
        else:
            scan.miss(start, f"a number for {self.name}")

    def pattern(self) -> str:
        return f"-?(?:0|[1-9][0-9]*)\\.[0-9]{{1,{self.decimals}}}"


@dataclass(frozen=True)
class Integer:
    """A whole number."""

    name: str
    low: int | None = None
    high: int | None = None

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        value = values[self.name]
        if value != int(value) or not self._fits(int(value)):
            raise DataError(f"{self.name} = {value} is not {self._wanted()}")
        return str(int(value))

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        match = _INTEGER.match(scan.text, start)
        if match and len(match[0]) <= _LONGEST_INTEGER and self._fits(int(match[0])):
            yield match.end(), {self.name: int(match[0])}
        else:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        return integer_pattern(self.low, self.high)

    def _fits(self, value: int) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _wanted(self) -> str:
        if self.low is not None and self.low == self.high:
            return str(self.low)
        return "a whole number" + _bounds(self.low, self.high)


@dataclass(frozen=True)
class Text:
    """Free text that holds none of the characters in `without`; what follows it must begin with one of those."""

    name: str
    without: str = "<>\n"
    most: int = 200  # characters

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        value = str(values[self.name])
        if not (1 <= len(value) <= self.most and self._barred.isdisjoint(value)):
            raise DataError(f"{self.name} = {value!r} is not {self._wanted()}")
        return value

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        end = start
        while end < len(scan.text) and scan.text[end] not in self.without:
            end += 1
        if 1 <= end - start <= self.most:
            yield end, {self.name: scan.text[start:end]}
        else:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        inside = "".join(_CLASS_ESCAPES.get(letter, letter) for letter in self.without)
        return f"[^{inside}]{{1,{self.most}}}"

    @cached_property
    def _barred(self) -> frozenset[str]:
        return frozenset(self.without)

    def _wanted(self) -> str:
        return f"1 to {self.most} characters without any of {self.without!r}"


@dataclass(frozen=True)
class Choice:
    """One of several words."""

    name: str
    options: tuple[str, ...]

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        value = values[self.name]
        if value not in self.options:
            raise DataError(f"{self.name} = {value!r} is not {self._wanted()}")
        return str(value)

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        there = [option for option in self.options if scan.text.startswith(option, start)]
        for option in sorted(there, key=len, reverse=True):
            yield start + len(option), {self.name: option}
        if not there:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        if all(len(option) == 1 for option in self.options):
            return "[" + "".join(_CLASS_ESCAPES.get(option, option) for option in self.options) + "]"
        return "(?:" + "|".join(_escaped(option) for option in self.options) + ")"

    def _wanted(self) -> str:
        shown = ", ".join(repr(option) for option in self.options[:8])
        return f"one of {shown}" + (f" and {len(self.options) - 8} more" if len(self.options) > 8 else "")


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_PLAIN = re.compile(r"-?\d+\.\d+")
_INTEGER = re.compile(r"[+-]?\d+")
_LONGEST_INTEGER = 100  # characters; Python refuses to read some thousands
_ESCAPES = {letter: "\\" + letter for letter in "\\.^$*+?{}[]|()"} | {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_CLASS_ESCAPES = _ESCAPES | {"-": "\\-", "&": "\\&", "~": "\\~"}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return f" of at most {high:g}" if high is not None else ""
