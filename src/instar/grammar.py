"""The shape of a reply, declared once: one object writes it, reads it, and tells a decoder what may be said.

    point = Grammar("(", Fixed("x", 3, 0, 1), ",", Space(), Fixed("y", 3, 0, 1), ")")
    point.format({"x": 0.5, "y": 0.25})   # "(0.500, 0.250)"
    point.parse("(0.500,  0.250)")        # {"x": 0.5, "y": 0.25}
    point.pattern()                       # a regular expression of all that `format` can write

Writing is strict and reading forgives white space where a `Space` stands. A reply that cannot be read raises
ReplyError at the furthest place that made sense.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from instar.errors import ConfigError, DataError, ReplyError
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
        """Its text. Raises DataError if a value is missing or does not fit."""
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

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        value = float(_value(values, self.name))
        text = f"{value:.{self.decimals}f}"
        if float(text) == 0:
            text = text.removeprefix("-")
        if not self._fits(float(text)):
            raise DataError(f"{self.name} = {text} is not {self._wanted()}")
        return text

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        match = _NUMBER.match(scan.text, start)
        if match and self._fits(float(match[0])):
            yield match.end(), {self.name: float(match[0])}
        else:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        return fixed_pattern(self.decimals, self.low, self.high)

    def _fits(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _wanted(self) -> str:
        return "a number" + _bounds(self.low, self.high)


@dataclass(frozen=True)
class Integer:
    """A whole number."""

    name: str
    low: int | None = None
    high: int | None = None

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        value = _value(values, self.name)
        if value != int(value) or not self._fits(int(value)):
            raise DataError(f"{self.name} = {value} is not {self._wanted()}")
        return str(int(value))

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        match = _INTEGER.match(scan.text, start)
        if match and self._fits(int(match[0])):
            yield match.end(), {self.name: int(match[0])}
        else:
            scan.miss(start, f"{self._wanted()} for {self.name}")

    def pattern(self) -> str:
        return integer_pattern(self.low, self.high)

    def _fits(self, value: int) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _wanted(self) -> str:
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
        value = str(_value(values, self.name))
        if not 1 <= len(value) <= self.most or any(letter in self.without for letter in value):
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
        value = _value(values, self.name)
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
        return "(?:" + "|".join(_escaped(option) for option in self.options) + ")"

    def _wanted(self) -> str:
        shown = ", ".join(repr(option) for option in self.options[:8])
        return f"one of {shown}" + (f" and {len(self.options) - 8} more" if len(self.options) > 8 else "")


class Grammar:
    """A sequence of parts; itself a part. Strings are literals."""

    def __init__(self, *parts: "Part | str") -> None:
        flat: list[Part] = []
        for part in parts:
            if isinstance(part, Grammar):
                flat.extend(part.parts)
            else:
                flat.append(Literal(part) if isinstance(part, str) else part)
        self.parts: tuple[Part, ...] = tuple(flat)
        _check(self.parts)

    def format(self, values: Values) -> str:
        """The reply that says `values`. Raises DataError if one is missing, unknown or out of bounds."""
        unknown = set(values) - set(self.slots())
        if unknown:
            raise DataError(f"no slot for: {', '.join(sorted(unknown))}; slots: {', '.join(self.slots())}")
        return self.write(values)

    def parse(self, text: str) -> dict[str, Any]:
        """The values in `text`, which must be a reply from its first to its last character. Raises ReplyError."""
        scan = Scan(text)
        for end, values in self.read(scan, 0):
            if end == len(text):
                return values
            scan.miss(end, "the end")
        raise scan.error()

    def slots(self) -> tuple[str, ...]:
        """The names of all values, in order."""
        return tuple(name for part in self.parts for name in part.slots())

    def write(self, values: Values) -> str:
        """As `format`, for use as a part of another grammar."""
        return "".join(part.write(values) for part in self.parts)

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every way to read the parts one after another from `start`."""
        return _read_all(self.parts, 0, scan, start)

    def pattern(self) -> str:
        """A regular expression of everything `format` can write."""
        return self._pattern

    @cached_property
    def _pattern(self) -> str:
        return "".join(part.pattern() for part in self.parts)


class Maybe:
    """Parts that may be left out: written when their values are there. They must hold at least one slot."""

    def __init__(self, *parts: Part | str) -> None:
        self.grammar = Grammar(*parts)
        if not self.grammar.slots():
            raise ConfigError("an optional part of a grammar needs a slot that says whether it is there")

    def slots(self) -> tuple[str, ...]:
        return self.grammar.slots()

    def write(self, values: Values) -> str:
        return self.grammar.write(values) if any(name in values for name in self.slots()) else ""

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from self.grammar.read(scan, start)
        yield start, {}

    def pattern(self) -> str:
        return f"(?:{self.grammar.pattern()})?"


class Repeat:
    """A list: between `least` and `most` times the same grammar, with `separator` between."""

    def __init__(self, name: str, grammar: Grammar, separator: str = "\n", least: int = 1, most: int = 8) -> None:
        if not 0 <= least <= most or most < 1:
            raise ConfigError(f"repetition {name!r}: between {least} and {most} times is not possible")
        if most > 1:
            _check((*grammar.parts[-1:], Literal(separator)))
        self.name = name
        self.grammar = grammar
        self.separator = Literal(separator)
        self.least = least
        self.most = most

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        items = _value(values, self.name)
        if not self.least <= len(items) <= self.most:
            raise DataError(f"{self.name} has {len(items)} items, not {self.least} to {self.most}")
        return self.separator.text.join(self.grammar.format(item) for item in items)

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        return self._read_more(scan, start, ())

    def _read_more(
        self, scan: Scan, start: int, items: tuple[dict[str, Any], ...]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        if len(items) < self.most:
            between = self.separator.read(scan, start) if items else iter([(start, {})])
            for after, _ in between:
                for end, item in self.grammar.read(scan, after):
                    yield from self._read_more(scan, end, (*items, item))
        if len(items) >= self.least:
            yield start, {self.name: list(items)}

    def pattern(self) -> str:
        item = self.grammar.pattern()
        rest = f"(?:{self.separator.pattern()}{item})"
        some = f"{item}{rest}{{{max(self.least - 1, 0)},{self.most - 1}}}" if self.most > 1 else item
        return some if self.least else f"(?:{some})?"


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_ESCAPES = {letter: "\\" + letter for letter in "\\.^$*+?{}[]|()"} | {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_CLASS_ESCAPES = _ESCAPES | {"-": "\\-", "&": "\\&", "~": "\\~"}


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in text)


def _value(values: Values, name: str) -> Any:
    if name not in values:
        raise DataError(f"no value for the slot {name!r}")
    return values[name]


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return f" of at most {high:g}" if high is not None else ""


def _read_all(parts: tuple[Part, ...], k: int, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
    if k == len(parts):
        yield start, {}
        return
    for end, values in parts[k].read(scan, start):
        for final, later in _read_all(parts, k + 1, scan, end):
            yield final, values | later


def _check(parts: tuple[Part, ...]) -> None:
    """Refuse a declaration that could not read back what it writes."""
    slots = [name for part in parts for name in part.slots()]
    twice = {name for name in slots if slots.count(name) > 1}
    if twice:
        raise ConfigError(f"a grammar has the slot {', '.join(sorted(twice))} more than once")
    for part, following in itertools.pairwise(parts):
        first = _first(following)
        if isinstance(part, Text) and (first is None or first not in part.without):
            raise ConfigError(f"free text {part.name!r} must be followed by one of {part.without!r}, not by {first!r}")


def _first(part: Part) -> str | None:
    """The character a part always begins with, if there is one."""
    if isinstance(part, Literal | Space):
        return part.text[:1]
    return None
