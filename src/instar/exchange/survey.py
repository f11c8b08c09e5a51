"""All entries of LLaVA-style JSON files, looked at once: that they make sense, and which of them show the same."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from instar.errors import DataError
from instar.exchange.entries import Parsed, parse
from instar.exchange.reading import Element, elements
from instar.files import door

TOLD = 5  # missing pictures that are named
EVERY = 1000  # entries between two words of progress


@dataclass(frozen=True)
class Source:
    """A JSON file."""

    path: Path
    kind: str  # of its entries, but for those that an auxiliary task made


@dataclass(frozen=True)
class Kinds:
    """What the entries of a file are: by their ids the works of auxiliary tasks, or what the file is said to hold."""

    seeing: frozenset[str]  # names of auxiliary tasks

    def of(self, source: Source, parsed: Parsed) -> str:
        """The kind of an entry; LLaRA's ids of auxiliary samples begin with the name of the task."""
        prefix, slash, _ = parsed.id.partition("/")
        return prefix if slash and prefix in self.seeing else source.kind


@dataclass(frozen=True)
class Place:
    """Where an entry is."""

    source: int  # which file
    number: int  # counted from 0
    offset: int  # bytes
    length: int


@dataclass(frozen=True)
class Group:
    """Entries that show the same pictures in the same order."""

    pictures: tuple[str, ...]
    places: list[Place]


@dataclass(frozen=True, eq=False)
class Survey:
    """What was found."""

    groups: tuple[Group, ...]  # in the order in which their pictures first come
    sizes: tuple[tuple[str, int], ...]  # bytes of every picture, by name
    notes: tuple[str, ...]


def survey(sources: Sequence[Source], images: Path | None, listen: Callable[[int, int], None]) -> Survey:
    """Look at every entry. Raises DataError naming file and entry of the first that is malformed, and missing pictures.

    `listen` hears of the bytes that were read, and of those there are.
    """
    groups: dict[tuple[str, ...], Group] = {}
    alone: list[Group] = []
    began: Counter[int] = Counter()
    for place, parsed in _read(sources, listen):
        pictures = tuple(shown.name for shown in parsed.shows)
        if pictures:
            groups.setdefault(pictures, Group(pictures, [])).places.append(place)
        else:
            alone.append(Group((), [place]))
        began[place.source] += parsed.began_with_answer
    names = dict.fromkeys(name for pictures in groups for name in pictures)
    notes = tuple(
        f"{sources[source].path}: {count:,} entries begin with an answer, which is left out, as LLaVA does"
        for source, count in began.items()
        if count
    )
    return Survey((*groups.values(), *alone), tuple(_sizes(list(names), images)), notes)


def _read(sources: Sequence[Source], listen: Callable[[int, int], None]) -> Iterator[tuple[Place, Parsed]]:
    lengths = []
    for source in sources:
        with door(source.path):
            lengths.append(source.path.stat().st_size)
    for number, source in enumerate(sources):
        for element in elements(source.path):
            if element.number % EVERY == 0:
                listen(sum(lengths[:number]) + element.offset, sum(lengths))
            place = Place(number, element.number, element.offset, element.length)
            yield place, understood(source, element)


def understood(source: Source, element: Element) -> Parsed:
    """An entry, or a DataError that says where it is."""
    try:
        return parse(element.value)
    except DataError as error:
        named = element.value.get("id") if isinstance(element.value, dict) else None
        called = f" (id {named!r:.80})" if named is not None else ""
        raise DataError(f"{source.path}: entry {element.number}{called}: {error}") from error


def _sizes(names: Sequence[str], images: Path | None) -> Iterator[tuple[str, int]]:
    if names and images is None:
        raise DataError(f"the entries show {len(names):,} pictures, first {names[0]}; name their folder with images")
    missing = []
    for name in names:
        assert images is not None
        try:
            yield name, (images / name).stat().st_size
        except OSError:
            missing.append(name)
    if missing:
        more = f" and {len(missing) - TOLD:,} more" if len(missing) > TOLD else ""
        raise DataError(
            f"{images}: {len(missing):,} of {len(names):,} pictures are missing: {', '.join(missing[:TOLD])}{more}"
        )
