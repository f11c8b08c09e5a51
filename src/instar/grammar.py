"""The shape of a reply, declared once: one object writes it, reads it, and tells a decoder what may be said.

    point = Grammar("(", Fixed("x", 3, 0, 1), ",", Space(), Fixed("y", 3, 0, 1), ")")
    point.format({"x": 0.5, "y": 0.25})   # "(0.500, 0.250)"
    point.parse("(0.500,  0.250)")        # {"x": 0.5, "y": 0.25}
    point.pattern()                       # a regular expression of all that `format` can write

Writing is strict and reading forgives white space where a `Space` stands. A reply that cannot be read raises
ReplyError at the furthest place that made sense.
"""

import itertools
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from instar.errors import ConfigError, DataError
from instar.slots import Choice, Fixed, Integer, Literal, Part, Scan, Space, Text, Values

__all__ = ["Choice", "Fixed", "Grammar", "Integer", "Literal", "Maybe", "Part", "Repeat", "Scan", "Space", "Text"]


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
        self._slots = tuple(name for part in self.parts for name in part.slots())
        self._known = frozenset(self._slots)
        # For writing: the text that is always there, with a gap for what each of the other parts writes.
        self._around = "".join(_always(part) for part in self.parts)
        self._writers = tuple(part.write for part in self.parts if not isinstance(part, Literal | Space))

    def format(self, values: Values) -> str:
        """The reply that says `values`. Raises DataError if one is missing, unknown or out of bounds."""
        if not self._known.issuperset(values):
            unknown = set(values) - self._known
            raise DataError(f"no slot for: {', '.join(sorted(unknown))}; slots: {', '.join(self._slots)}")
        try:
            return self.write(values)
        except KeyError as error:
            raise DataError(f"no value for the slot {error}") from error

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
        return self._slots

    def write(self, values: Values) -> str:
        """As `format`, for use as a part of another grammar."""
        return self._around % tuple([write(values) for write in self._writers])

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
    """A list: between `least` and `most` items with `separator` between; given a function, item k has grammar(k)."""

    def __init__(
        self,
        name: str,
        grammar: Grammar | Callable[[int], Grammar],
        separator: str | Grammar = "\n",
        least: int = 1,
        most: int = 8,
    ) -> None:
        if not 0 <= least <= most or most < 1:
            raise ConfigError(f"repetition {name!r}: between {least} and {most} times is not possible")
        self.name = name
        self.separator = Grammar(separator)
        self.least = least
        self.most = most
        self._items = grammar if isinstance(grammar, Grammar) else tuple(grammar(k) for k in range(most))
        if most > 1:
            _check((*self._item(0).parts[-1:], *self.separator.parts[:1]))

    def slots(self) -> tuple[str, ...]:
        return (self.name,)

    def write(self, values: Values) -> str:
        items = values[self.name]
        if not self.least <= len(items) <= self.most:
            raise DataError(f"{self.name} has {len(items)} items, not {self.least} to {self.most}")
        return self.separator.write({}).join(self._item(k).format(item) for k, item in enumerate(items))

    def read(self, scan: Scan, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        return self._read_more(scan, start, ())

    def pattern(self) -> str:
        if isinstance(self._items, tuple):
            return self._unlike(self._items)
        item = self._items.pattern()
        rest = f"(?:{self.separator.pattern()}{item})"
        some = f"{item}{rest}{{{max(self.least - 1, 0)},{self.most - 1}}}" if self.most > 1 else item
        return some if self.least else f"(?:{some})?"

    def _unlike(self, items: tuple[Grammar, ...]) -> str:
        """The pattern of items that differ by their place: each holds the ones that may follow it."""
        text = ""
        for k in range(self.most - 1, -1, -1):
            text = (self.separator.pattern() if k else "") + items[k].pattern() + text
            text = text if k < self.least else f"(?:{text})?"
        return text

    def _item(self, k: int) -> Grammar:
        return self._items[k] if isinstance(self._items, tuple) else self._items

    def _read_more(
        self, scan: Scan, start: int, items: tuple[dict[str, Any], ...]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        if len(items) < self.most:
            between = self.separator.read(scan, start) if items else iter([(start, {})])
            for after, _ in between:
                for end, item in self._item(len(items)).read(scan, after):
                    yield from self._read_more(scan, end, (*items, item))
        if len(items) >= self.least:
            yield start, {self.name: list(items)}


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


def _always(part: Part) -> str:
    """What a part adds to the text around the values: itself, or a gap."""
    return part.text.replace("%", "%%") if isinstance(part, Literal | Space) else "%s"


def _first(part: Part) -> str | None:
    """The character a part always begins with, if there is one."""
    if isinstance(part, Literal | Space):
        return part.text[:1]
    return None
