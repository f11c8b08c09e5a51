"""Lists of episodes: which ones somebody chose, and what is odd about the choice."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from instar.errors import ConfigError, DataError
from instar.files import JSON, read_json


@dataclass(frozen=True)
class Subset:
    """One list of a file of lists."""

    path: Path
    split: str  # "" where the file is one list
    keys: tuple[str, ...]  # as they are written, repetitions included
    others: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the file's other lists

    @property
    def times(self) -> Mapping[str, int]:
        """How often each key is listed, in the order of the list."""
        return Counter(self.keys)

    def remarks(self) -> tuple[str, ...]:
        """Repetitions and overlaps with the file's other lists, in words."""
        times, name = self.times, f"list {self.split!r}" if self.split else "list"
        told = []
        if len(times) < len(self.keys):
            first = next(key for key, count in times.items() if count > 1)
            repeated = sum(count > 1 for count in times.values())
            told.append(
                f"{self.path}: {len(self.keys) - len(times):,} of the {len(self.keys):,} entries of its {name} repeat "
                f"an earlier one ({repeated:,} episodes, first {first}); {len(times):,} are distinct"
            )
        for other, keys in self.others.items():
            shared = [key for key in times if key in keys]
            if shared:
                told.append(
                    f"{self.path}: {len(shared):,} episodes of its {name} are in {other!r} as well, first {shared[0]}"
                )
        return tuple(told)


def read_subset(path: Path, split: str) -> Subset:
    """The list called `split` in a JSON file of lists, or the one list that the file is.

    Raises ConfigError where there is no such list and DataError where it does not hold episode ids.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        return Subset(path, "", _keys(path, value))
    if split not in value:
        raise ConfigError(f"{path}: no list {split!r} in it; there are: {', '.join(sorted(value)) or 'none'}")
    others = {name: frozenset(_keys(path, keys)) for name, keys in value.items() if name != split}
    return Subset(path, split, _keys(path, value[split]), others)


def _keys(path: Path, value: JSON) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(key, str) and "/" in key for key in value):
        raise DataError(f'{path}: should be a list of episode ids such as "vima_v6/rotate/000000"')
    return tuple(value)


def spelt(keys: Sequence[str], there: Sequence[str]) -> list[str]:
    """`keys` as the episodes that are `there` are called: the root may lie above or below `vima_v6`."""
    here = {_tail(episode): episode for episode in there}
    known = set(there)
    return [key if key in known else here.get(_tail(key), key) for key in keys]


def _tail(id: str) -> str:
    return "/".join(id.split("/")[-2:])
