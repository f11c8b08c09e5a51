"""The papers of a LeRobot dataset: what is in it, and where each episode's rows and pictures lie.

v3.0 keeps many episodes in a file and says in Parquet where each begins; v2.0 and v2.1 keep one episode in a file and
say so in lines of JSON. Both come out alike.
"""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from instar.errors import DataError
from instar.files import door, read_json, read_jsonl

INFO: Final = Path("meta/info.json")
VERSIONS: Final = ("v2.0", "v2.1", "v3.0")


@dataclass(frozen=True)
class Feature:
    """One column of the data, or a camera."""

    name: str  # "observation.images.front", "action"
    dtype: str  # "float32", "image", "video"
    shape: tuple[int, ...]
    names: tuple[str, ...] = ()  # of the dimensions, where the dataset says them

    @property
    def is_camera(self) -> bool:
        """Whether it is a picture."""
        return self.dtype in ("image", "video")


@dataclass(frozen=True)
class Stretch:
    """A part of a file: rows of a table, or seconds of a video."""

    path: Path
    start: float = 0.0
    stop: float = math.inf


@dataclass(frozen=True)
class Entry:
    """Where one episode lies."""

    index: int
    length: int  # steps
    tasks: tuple[str, ...]
    rows: Path
    videos: Mapping[str, Stretch]  # by feature


@dataclass(frozen=True)
class Meta:
    """A dataset by its papers."""

    root: Path
    version: str
    fps: float
    robot: str  # empty where the dataset does not say
    features: Mapping[str, Feature]
    tasks: Mapping[int, str]
    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, root: Path) -> "Meta":
        """The papers of the dataset in `root`. Raises DataError for what is missing or contradicts itself."""
        info = read_json(root / INFO)
        version = str(info.get("codebase_version", ""))
        if version not in VERSIONS:
            raise DataError(f"{root / INFO}: version {version or 'unknown'}; {', '.join(VERSIONS)} are read")
        try:
            features = {name: _feature(name, told) for name, told in info["features"].items()}
            read_entries, read_tasks = (_entries, _tasks) if version == "v3.0" else (_old_entries, _old_tasks)
            entries = tuple(sorted(read_entries(root, info, features), key=lambda entry: entry.index))
            found = cls(
                root,
                version,
                float(info["fps"]),
                str(info.get("robot_type") or ""),
                features,
                read_tasks(root),
                entries,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{root / 'meta'}: not the papers of a LeRobot dataset: {error!r}") from error
        if len(entries) != info.get("total_episodes", len(entries)):
            raise DataError(f"{root / INFO}: {info['total_episodes']} episodes; meta/episodes lists {len(entries)}")
        return found

    @property
    def cameras(self) -> list[str]:
        """The names of all features that are pictures."""
        return [name for name, feature in self.features.items() if feature.is_camera]


def _feature(name: str, told: Mapping[str, Any]) -> Feature:
    return Feature(name, str(told["dtype"]), tuple(int(size) for size in told["shape"]), _names(told.get("names")))


def _names(told: Any) -> tuple[str, ...]:
    """Names of dimensions: a list, or lists by a word such as "motors"."""
    if isinstance(told, Mapping):
        found = [name for names in told.values() if isinstance(names, list) for name in names]
        return tuple(map(str, found or told))
    return tuple(map(str, told)) if isinstance(told, list) else ()


def _entries(root: Path, info: Mapping[str, Any], features: Mapping[str, Feature]) -> Iterator[Entry]:
    """The episodes of v3.0."""
    videos = [name for name, feature in features.items() if feature.dtype == "video"]
    places = ("chunk_index", "file_index", "from_timestamp", "to_timestamp")
    columns = ["episode_index", "length", "tasks", "data/chunk_index", "data/file_index"]
    columns += [f"videos/{name}/{place}" for name in videos for place in places]
    paths = sorted((root / "meta/episodes").glob("*/*.parquet"))
    for path in paths:
        for row in read_table(path, columns).to_pylist():
            place = {"chunk_index": row["data/chunk_index"], "file_index": row["data/file_index"]}
            yield Entry(
                int(row["episode_index"]),
                int(row["length"]),
                tuple(row["tasks"] or ()),
                _place(root, info["data_path"], **place),
                {name: _stretch(root, info, name, row) for name in videos},
            )


def _stretch(root: Path, info: Mapping[str, Any], name: str, row: Mapping[str, Any]) -> Stretch:
    place = {part: row[f"videos/{name}/{part}"] for part in ("chunk_index", "file_index")}
    path = _place(root, info["video_path"], video_key=name, **place)
    return Stretch(path, float(row[f"videos/{name}/from_timestamp"]), float(row[f"videos/{name}/to_timestamp"]))


def _old_entries(root: Path, info: Mapping[str, Any], features: Mapping[str, Feature]) -> Iterator[Entry]:
    """The episodes of v2.0 and v2.1."""
    videos = [name for name, feature in features.items() if feature.dtype == "video"]
    for told in read_jsonl(root / "meta/episodes.jsonl"):
        index = int(told["episode_index"])
        place = {"episode_index": index, "episode_chunk": index // int(info["chunks_size"])}
        paths = {name: _place(root, info["video_path"], video_key=name, **place) for name in videos}
        yield Entry(
            index,
            int(told["length"]),
            tuple(told.get("tasks", ())),
            _place(root, info["data_path"], **place),
            {name: Stretch(path) for name, path in paths.items()},
        )


def _place(root: Path, template: str, **place: object) -> Path:
    """A file of the dataset by its template, which must not lead out of it."""
    path = root / template.format(**place)
    if not path.resolve().is_relative_to(root.resolve()):
        raise DataError(f"{root / INFO}: {template} leads out of the dataset")
    return path


def _tasks(root: Path) -> dict[int, str]:
    """What tasks are called, by number: a table of v3.0 whose index is the text, under whichever name."""
    table = read_table(root / "meta/tasks.parquet")
    [text] = [name for name in table.column_names if name != "task_index"]
    return {int(row["task_index"]): str(row[text]) for row in table.to_pylist()}


def _old_tasks(root: Path) -> dict[int, str]:
    return {int(told["task_index"]): str(told["task"]) for told in read_jsonl(root / "meta/tasks.jsonl")}


def read_table(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A Parquet file. Raises DataError if it is none, as one is whose writer was never told to finish."""
    with parquet(path):
        return pq.read_table(path, columns=None if columns is None else list(columns))


@contextlib.contextmanager
def parquet(path: Path) -> Iterator[None]:
    """What goes wrong with a Parquet file, as a DataError that says what it may be."""
    try:
        with door(path):
            yield
    except (pa.ArrowException, LookupError, ValueError) as error:
        remedy = "a recording ends with finalize(), or its files cannot be read"
        raise DataError(f"{path}: not a whole Parquet file ({str(error).splitlines()[0]}); {remedy}") from error
