"""Conversations in LLaVA's style: a folder that `instar export llava` wrote, or anybody's JSON list."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from instar import plugins
from instar.exchange.entries import Parsed
from instar.exchange.export import Record
from instar.exchange.reading import elements
from instar.exchange.survey import Kinds, Source, understood
from instar.files import door
from instar.inspecting.description import Description, Example, Table, Value, counted, example, size

HEAD: Final = ("file", "conversations", "style", "mixture", "whole")


def exported(folder: Path) -> Description:
    """An export: its files, what each is of, and the first conversation of every file that is there."""
    known = Record(folder).files()
    rows = tuple(
        (name, file["of"].get("count"), file["of"].get("style"), file["of"].get("mixture"), bool(file.get("whole")))
        for name, file in known.items()
    )
    facts: tuple[tuple[str, Value], ...] = (
        ("files", len(rows)),
        ("conversations", sum(count or 0 for _, count, *_ in rows)),
        ("pictures", sum(path.is_file() for path in (folder / "images").rglob("*"))),
        ("bytes", size(folder)),
    )
    there = [folder / name for name in known if (folder / name).is_file()]
    examples = tuple(example(path.name, first.id, first.turns) for path in there for first in _first(path))
    whole = all(row[-1] for row in rows)
    return Description("llava", folder.resolve().name, whole, facts, (Table("files", HEAD, rows),), examples)


def _first(path: Path) -> Iterator[Parsed]:
    for element in elements(path):
        yield understood(Source(path, path.stem), element)
        return


def is_list(path: Path) -> bool:
    """Whether a JSON file holds a list, as LLaVA's do."""
    with door(path), path.open("rb") as file:
        return file.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"[")


def conversations(path: Path) -> Description:
    """A JSON list of conversations, every entry looked at. Raises DataError naming the first that is malformed."""
    source, kinds = Source(path, path.stem), Kinds(frozenset(plugins.names("auxiliary")))
    counts: Counter[str] = Counter()
    pictures: set[str] = set()
    questions = 0
    examples: dict[str, Example] = {}
    for element in elements(path):
        parsed = understood(source, element)
        kind = kinds.of(source, parsed)
        counts[kind] += 1
        pictures.update(shown.name for shown in parsed.shows)
        questions += sum(turn.learn for turn in parsed.turns)
        if kind not in examples:
            examples[kind] = example(kind, parsed.id, parsed.turns)
    facts: tuple[tuple[str, Value], ...] = (
        ("conversations", counts.total()),
        ("answers", questions),
        ("pictures", len(pictures)),
        ("bytes", path.stat().st_size),
    )
    tables = (counted("conversations", "kind", counts),)
    return Description("llava", path.name, whole=True, facts=facts, tables=tables, examples=tuple(examples.values()))
