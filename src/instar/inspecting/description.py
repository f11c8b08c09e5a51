"""What there is to know of an artefact at a glance, whatever it is: facts, tables and examples."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from instar.chat import Turn
from instar.metrics import SuccessRate
from instar.plugins import Choice

Kind = Literal["samples", "blend", "checkpoint", "model", "run", "demos", "results", "detector", "llava"]
Value = str | int | float | bool | None

LISTED: Final = 20  # rows of a table that may be long


@dataclass(frozen=True)
class Table:
    """Rows under headings."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]

    def to_json(self) -> list[dict[str, Value]]:
        """Every row by its headings."""
        return [dict(zip(map(snake, self.head), row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Line:
    """One utterance of an example."""

    role: str
    text: str
    learn: bool  # whether it is learned from


@dataclass(frozen=True)
class Example:
    """A conversation for people to read."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Description:
    """What there is to know at a glance."""

    kind: Kind
    name: str
    whole: bool  # False: it is still being made, or was interrupted
    facts: tuple[tuple[str, Value], ...]
    tables: tuple[Table, ...] = ()
    examples: tuple[Example, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it: facts by name, every row of a table by its headings; names in snake_case."""
        return {
            "kind": self.kind,
            "name": self.name,
            "whole": self.whole,
            "facts": {snake(name): value for name, value in self.facts},
            "tables": {snake(table.title): table.to_json() for table in self.tables},
            "examples": [asdict(example) for example in self.examples],
        }


def snake(name: str) -> str:
    """`name` as JSON has it."""
    return name.replace(" ", "_")


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def in_words(value: Any) -> Value:
    """A value of a card in one line."""
    if isinstance(value, Mapping):
        if set(value) == {"name", "options"}:
            return str(Choice.from_json(value))
        return str(value.get("name") or value.get("model") or dict(value))
    if isinstance(value, list):
        return ", ".join(str(in_words(item)) for item in value) or None
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def settings(title: str, values: Mapping[str, Any]) -> Table:
    """Options by name."""
    return Table(title, ("name", "value"), tuple((name, in_words(value)) for name, value in sorted(values.items())))


def counted(title: str, heading: str, counts: Mapping[str, int]) -> Table:
    """How many there are of each, and their share."""
    total = sum(counts.values())
    rows = tuple((name, count, round(count / total, 4)) for name, count in sorted(counts.items()))
    return Table(title, (heading, "count", "share"), rows)


def rates(title: str, rates: Mapping[str, SuccessRate]) -> Table:
    """Success by task, with its interval."""
    head = ("task", "successes", "episodes", "success", "low", "high")
    rows = tuple(
        (name, rate.successes, rate.n, rate.rate, rate.interval.low, rate.interval.high) for name, rate in rates.items()
    )
    return Table(title, head, rows)


def example(kind: str, title: str, turns: Sequence[Turn]) -> Example:
    """A conversation of a kind under its own name."""
    return Example(f"{kind}: {title}", tuple(Line(turn.role, turn.text, turn.learn) for turn in turns))
