"""A samples folder, opened: rows by number, conversations by kind and weight, and what training must know of them."""

import functools
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from instar.chat import Conversation, Sample
from instar.edges import checked, plain
from instar.errors import ConfigError, DataError
from instar.files import MANIFEST, digest, digest_file, read_json
from instar.plugins import Choice
from instar.robot import Floats, Robot
from instar.shards import ROWS_PER_GROUP, LeftOut, Row, Shard, row

PLAN: Final = "plan.json"  # written first: everything that decides what the folder will hold
FORMAT: Final = 1  # of the folder; a reader refuses any other

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class ActionStatistics:
    """Of every demonstrated action, one number per dimension of the robot's actions and in its units."""

    count: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    q01: tuple[float, ...]  # one action in a hundred lies below
    q50: tuple[float, ...]
    q99: tuple[float, ...]

    @classmethod
    def of(cls, actions: Floats) -> "ActionStatistics":
        """Statistics of `actions` (n, dim), n at least 1; quantiles are exact and interpolate linearly."""
        columns = (
            actions.min(axis=0),
            actions.max(axis=0),
            actions.mean(axis=0),
            actions.std(axis=0),
            *np.quantile(actions, (0.01, 0.5, 0.99), axis=0),
        )
        return cls(len(actions), *(tuple(column.tolist()) for column in columns))


@dataclass(frozen=True)
class ShardEntry:
    """One file of the folder."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a samples folder holds and what made it."""

    format: int
    instar: str  # version that built it
    plan: str  # digest of plan.json
    demos: Choice
    recipe: Choice | None  # None where nobody can act on what is said: conversations that were imported as they are
    auxiliary: tuple[Choice, ...]
    seed: int
    robot: Robot | None  # None without a recipe
    statistics: ActionStatistics | None  # None where actions are known by their words only
    episodes: int  # those that are in; 0 for what was imported
    views: int  # rows
    counts: Mapping[str, int]  # conversations by kind
    left_out: tuple[LeftOut, ...]
    shards: tuple[ShardEntry, ...]
    notes: tuple[str, ...] = ()  # what the source had to say about its choice of episodes
    digest: str = ""  # of all the rest

    def sealed(self) -> "Manifest":
        """The same manifest with its digest set."""
        told = replace(self, digest="").to_json()
        if not self.notes:
            del told["notes"]  # the first manifests had none
        return replace(self, digest=digest(told))

    def missing(self, folder: Path) -> list[str]:
        """The names of shards that are not in `folder`, or not of their size."""
        paths = {entry: folder / entry.name for entry in self.shards}
        return [entry.name for entry, path in paths.items() if not path.exists() or path.stat().st_size != entry.bytes]

    def to_json(self) -> Any:
        """As stored in the folder."""
        return plain(self)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a samples folder. Raises DataError where there is none or it is not one of samples."""
    path = folder / MANIFEST
    if not path.exists():
        if (folder / PLAN).exists():
            raise DataError(f"{folder}: the folder is not whole; run the same build again to finish it")
        raise DataError(f"{folder}: no samples here; `instar build` makes them")
    value = read_json(path)
    if several(value):
        names = ", ".join(str(folder / str(part.get("name"))) for part in value.get("parts", ()))
        raise DataError(f"{folder}: holds the samples of several sources; for this, name one of them: {names}")
    if isinstance(value, dict) and value.get("format", FORMAT) != FORMAT:
        raise DataError(f"{path}: format {value['format']}, but this version reads format {FORMAT}; build it again")
    return checked(Manifest, value, f"{path}: not the manifest of a samples folder")


def several(manifest: Any) -> bool:
    """Whether a manifest, as read, is one of several sources (`instar.blend`)."""
    return isinstance(manifest, dict) and manifest.get("kind") == "blend"


@dataclass(frozen=True, eq=False)
class Index:
    """Every conversation of a folder, one entry each, in the order of the rows."""

    rows: Integers  # which row holds it
    positions: Integers  # at which place in that row
    kinds: Integers  # index into `names`
    weights: Floats  # the sample's own weight
    names: tuple[str, ...]  # kinds, sorted

    def __len__(self) -> int:
        return len(self.rows)


class Samples:
    """A whole samples folder. Opening reads the manifest only; pickling keeps the folder's path only."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._ends = list(accumulate(entry.rows for entry in manifest.shards))
        self._shard = functools.lru_cache(maxsize=16)(self._open_shard)
        self._group = functools.lru_cache(maxsize=8)(self._read_group)

    @classmethod
    def open(cls, folder: Path) -> "Samples":
        """The samples in `folder`. Raises DataError if the build has not finished or a shard is gone."""
        manifest = read_manifest(folder)
        if missing := manifest.missing(folder):
            raise DataError(f"{folder / missing[0]}: missing or cut short; run the same build again to make it")
        return cls(folder, manifest)

    def __reduce__(self) -> tuple[type["Samples"], tuple[Path, Manifest]]:
        return (Samples, (self.folder, self.manifest))

    @property
    def robot(self) -> Robot | None:
        """The robot of every demonstration; None where there is no recipe."""
        return self.manifest.robot

    @property
    def recipe_choice(self) -> Choice | None:
        """The recipe that asked, with all its options; None for conversations that nobody can act on."""
        return self.manifest.recipe

    @property
    def statistics(self) -> ActionStatistics | None:
        """Of the demonstrated actions; None where only their words are known."""
        return self.manifest.statistics

    def __len__(self) -> int:
        return self.manifest.views

    def __getitem__(self, number: int) -> Row:
        """Row `number`. Neighbours are cheap: `ROWS_PER_GROUP` rows are read together and kept for a while."""
        if not 0 <= number < len(self):
            raise IndexError(f"row {number} of {len(self)}")
        shard = bisect_right(self._ends, number)
        local = number - (self._ends[shard - 1] if shard else 0)
        return row(self._group(shard, local // ROWS_PER_GROUP), local % ROWS_PER_GROUP)

    def __iter__(self) -> Iterator[Row]:
        return (self[number] for number in range(len(self)))

    @functools.cached_property
    def index(self) -> Index:
        """Every conversation by kind and weight, read without words and pictures."""
        shards = [self._shard(number).index() for number in range(len(self.manifest.shards))]
        starts = [0, *self._ends]
        names = tuple(sorted(self.manifest.counts))
        codes = {name: code for code, name in enumerate(names)}
        return Index(
            np.concatenate([shard.rows + start for shard, start in zip(shards, starts, strict=False)]),
            np.concatenate([shard.positions for shard in shards]),
            np.array([codes[kind] for shard in shards for kind in shard.kinds], dtype=np.int64),
            np.concatenate([shard.weights for shard in shards]),
            names,
        )

    @functools.cached_property
    def about_references(self) -> NDArray[np.bool_]:
        """Of every conversation of the index, whether it is about reference pictures and nothing else."""
        parts = [self._shard(number).about_references() for number in range(len(self.manifest.shards))]
        return np.concatenate(parts) if parts else np.empty(0, np.bool_)

    def sample(self, number: int) -> Sample:
        """Conversation `number` of the index, with where it came from."""
        return self[int(self.index.rows[number])].samples[int(self.index.positions[number])]

    def conversation(self, number: int) -> Conversation:
        """Conversation `number` of the index."""
        return self.sample(number).conversation

    def indices(self, weights: Mapping[str, float], rng: np.random.Generator, copies: float = 1.0) -> Integers:
        """Numbers of the conversations of one epoch, in the order of the rows; each `copies` times over.

        A conversation whose kind's weight times its own is 2.5 is there twice and every other time a third time; 0
        leaves it out; kinds not in `weights` count 1. Raises ConfigError for a kind that is not there.
        """
        for kind, weight in weights.items():
            if kind not in self.index.names:
                raise ConfigError(f"no samples of kind {kind!r} here; there are: {', '.join(self.index.names)}")
            if not (np.isfinite(weight) and weight >= 0):
                raise ConfigError(f"the weight of {kind!r} must be 0 or more, not {weight}")
        by_kind = np.array([weights.get(name, 1.0) for name in self.index.names])
        wanted = self.index.weights * by_kind[self.index.kinds] * copies
        times = np.floor(wanted + rng.random(len(wanted))).astype(np.int64)
        return np.repeat(np.arange(len(wanted)), times)

    def examples(self) -> dict[str, Sample]:
        """The first sample of every kind."""
        firsts = np.unique(self.index.kinds, return_index=True)[1]
        return {self.index.names[self.index.kinds[first]]: self.sample(int(first)) for first in firsts}

    def describe(self) -> dict[str, Any]:
        """What people want to know of the folder, as JSON: counts, choices, statistics, an example of every kind."""
        stored = self.manifest.to_json()
        shown = ("instar", "episodes", "views", "counts", "left_out", "seed", "robot", "statistics", "digest")
        choices = {"demos": self.manifest.demos, "recipe": self.manifest.recipe}
        return {
            **{name: None if choice is None else str(choice) for name, choice in choices.items()},
            "auxiliary": [str(choice) for choice in self.manifest.auxiliary],
            **{name: stored[name] for name in shown},
            "bytes": sum(entry.bytes for entry in self.manifest.shards),
            "examples": {kind: _told(sample) for kind, sample in self.examples().items()},
        }

    def verify(self) -> None:
        """Read every byte. Raises DataError naming the first file that is not what the build wrote."""
        if self.manifest.sealed().digest != self.manifest.digest:
            raise DataError(f"{self.folder / MANIFEST}: edited since it was built; build into a new folder")
        for entry in self.manifest.shards:
            if digest_file(self.folder / entry.name) != entry.sha256:
                raise DataError(
                    f"{self.folder / entry.name}: damaged or replaced; remove it and {MANIFEST}, then run the same "
                    "build again"
                )

    def _open_shard(self, number: int) -> Shard:
        return Shard(self.folder / self.manifest.shards[number].name)

    def _read_group(self, shard: int, number: int) -> pa.Table:
        return self._shard(shard).group(number)


def _told(sample: Sample) -> dict[str, Any]:
    turns = [{"role": turn.role, "text": turn.text} for turn in sample.conversation.turns]
    return {"id": sample.id, "images": len(sample.conversation.images), "turns": turns}
