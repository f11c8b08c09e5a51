"""A dataset folder of TFDS: which episodes there are in which files, and one of them as columns."""

import bisect
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from instar.demos.rlds.layout import Column, Layout, Rows
from instar.errors import DataError
from instar.files import read_json
from instar.storing.example import parse_example
from instar.storing.records import Records

INFO: Final = "dataset_info.json"
FEATURES: Final = "features.json"
_TEMPLATE: Final = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"


@dataclass(frozen=True, eq=False)
class Columns:
    """One episode: its features by name, each worked out when it is first asked for."""

    steps: Mapping[str, Column]
    episode: Mapping[str, Column]
    values: Mapping[str, Any]  # as the Example has them
    where: str  # for messages
    skip: int = 0  # so many first steps are left out

    @cached_property
    def length(self) -> int:
        """Number of steps. Raises DataError where features disagree."""
        counts = {name: len(self.step(name)) for name, column in self.steps.items() if column.kind != "unread"}
        if len(set(counts.values())) != 1:
            told = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise DataError(f"{self.where}: its features are of different numbers of steps: {told}")
        return next(iter(counts.values()))

    def step(self, name: str) -> Rows:
        """A feature of every step, by its name below `steps`."""
        return self._rows(self.steps, name)[self.skip :]

    def of_episode(self, name: str) -> Rows:
        """A feature of the episode: one row."""
        return self._rows(self.episode, name)

    def _rows(self, columns: Mapping[str, Column], name: str) -> Rows:
        if name not in columns:
            raise DataError(f"{self.where}: no feature {name}; there are: {', '.join(columns)}")
        column = columns[name]
        try:
            return column.rows(self.values.get(column.name, ()))
        except DataError as error:
            raise DataError(f"{self.where}: {error}") from error


class Folder:
    """The episodes of one split. Raises DataError if the folder or one of its files is none of TFDS."""

    def __init__(self, path: Path, split: str) -> None:
        self.path, self.split = version_folder(path), split
        self.info = read_json(self.path / INFO)
        self.layout = Layout.read(self.path / FEATURES)
        self.counts = self._counts()  # episodes in each file
        self._begins = list(itertools.accumulate(self.counts, initial=0))
        self._open: dict[int, Records] = {}

    def __len__(self) -> int:
        return self._begins[-1]

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return str(self.info.get("name", self.path.parent.name))

    def columns(self, index: int) -> Columns:
        """Episode `index` of the split."""
        shard = bisect.bisect_right(self._begins, index) - 1
        records = self._records(shard)
        where = f"{records.path.name}, record {index - self._begins[shard]}"
        try:
            values = parse_example(records.read(index - self._begins[shard]))
        except DataError as error:
            raise DataError(f"{self.path}: {where}: {error}") from error
        return Columns(self.layout.steps, self.layout.episode, values, f"{self.path}: {where}")

    def shard(self, index: int) -> Path:
        """The file of that number."""
        template = str(self._told.get("filepathTemplate") or _TEMPLATE)
        of = f"{index:05d}-of-{len(self.counts):05d}"
        parts = {"DATASET": self.name, "SPLIT": self.split, "FILEFORMAT": self._format, "SHARD_X_OF_Y": of}
        return self.path / re.sub(r"\{(\w+)\}", lambda found: parts.get(found[1], found[0]), template)

    @property
    def _format(self) -> str:
        return str(self.info.get("fileFormat") or "tfrecord")

    @cached_property
    def _told(self) -> Mapping[str, Any]:
        """What the papers say about the split."""
        splits = {str(told["name"]): told for told in self.info.get("splits", ())}
        if self.split not in splits:
            raise DataError(f"{self.path / INFO}: no split {self.split}; there are: {', '.join(splits) or 'none'}")
        return dict(splits[self.split])

    def _counts(self) -> Sequence[int]:
        if self._format != "tfrecord":
            raise DataError(f"{self.path / INFO}: the files are of format {self._format}; only tfrecord is read")
        counts = [int(count) for count in self._told.get("shardLengths", ())]
        if not counts:
            raise DataError(f"{self.path / INFO}: it does not say how many episodes of {self.split} are in which file")
        return counts

    def _records(self, shard: int) -> Records:
        if shard not in self._open:
            records = Records(self.shard(shard))
            if len(records) != self.counts[shard]:
                raise DataError(
                    f"{records.path}: {len(records)} episodes where {INFO} says {self.counts[shard]}; get the file anew"
                )
            self._open[shard] = records
        return self._open[shard]


def version_folder(path: Path) -> Path:
    """The folder with the papers: `path`, or its only or newest version below it. Raises DataError if there is none."""
    if (path / INFO).is_file():
        return path
    versions = [found.parent for found in path.glob(f"*/{INFO}") if _version(found.parent.name)]
    if not versions:
        raise DataError(f"{path}: neither {INFO} nor a folder of a version with it; say the folder of one dataset")
    return max(versions, key=lambda folder: _version(folder.name))


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split(".")) if re.fullmatch(r"\d+(\.\d+)*", name) else ()
