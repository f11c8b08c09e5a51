"""Episodes of a LeRobot dataset: rows of Parquet, and pictures in it or in videos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import Doc

from instar.demo import Episode, Image, Instruction
from instar.demos.lerobot.meta import Entry, Feature, Meta
from instar.demos.lerobot.reel import Reel
from instar.demos.lerobot.rows import columns_of, episode_rows
from instar.demos.recorded import RecordedSteps
from instar.embodiments.registry import canonical
from instar.errors import ConfigError, DataError
from instar.files import digest, file_size
from instar.robot import ActionSpace, Camera, Floats, Robot
from instar.storing.manifest import stored_robot

MEASURED: Final = 100  # episodes, evenly spread, by which the bounds of actions are measured
ACTION: Final = "action"
STATE: Final = "observation.state"
SHORT: Final = "observation.images."  # of a camera's name: what is left out


@dataclass(frozen=True)
class LeRobot:
    """Episodes of a LeRobot dataset, v2.0 to v3.0, read without the lerobot package."""

    path: Annotated[Path, Doc("the folder that holds meta/, data/ and videos/")]
    action: Annotated[str, Doc("the feature that is the action")] = ACTION
    state: Annotated[str, Doc("the feature that is the state; empty for none")] = STATE
    cameras: Annotated[str, Doc("only these cameras, joined by +; empty for all")] = ""
    tolerance: Annotated[float, Doc("seconds that a picture of a video may be off its row's time")] = 1e-4

    def ids(self) -> Sequence[str]:
        """The ids of all episodes: their numbers."""
        return [f"{entry.index:06d}" for entry in _opened(self).meta.entries]

    def episode(self, id: str) -> Episode:
        """One episode, its pictures unread. Raises DataError that says what is damaged and where."""
        dataset = _opened(self)
        entry = dataset.entries.get(id)
        if entry is None:
            raise DataError(f"{self.path}: no episode {id}; there are {len(dataset.entries)}, by numbers of six digits")
        rows = _Rows(dataset.meta, entry)
        states = rows.numbers(self.state) if self.state else np.empty((entry.length, 0))
        pictures = {name: dataset.pictures(rows, feature) for name, feature in dataset.cameras.items()}
        steps = RecordedSteps(rows.where, rows.numbers(self.action), states, pictures)
        return Episode(id, dataset.robot, Instruction(rows.task), steps)

    def fingerprint(self) -> str:
        """A hash of the papers and of the sizes of the files."""
        meta = _opened(self).meta
        paths = {path for entry in meta.entries for path in (entry.rows, *(one.path for one in entry.videos.values()))}
        paths |= {path for path in (meta.root / "meta").rglob("*") if path.is_file()}
        return digest(sorted([str(path.relative_to(meta.root)), file_size(path)] for path in paths))


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of one episode."""

    meta: Meta
    entry: Entry

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.entry.rows}: episode {self.entry.index}"

    @property
    def task(self) -> str:
        """What is to be done: the task of the first row, or else the first one of the papers."""
        if "task_index" in self._table.column_names:
            return self.meta.tasks.get(int(self._table["task_index"][0].as_py()), "")
        return next(iter(self.entry.tasks), "")

    def numbers(self, name: str) -> Floats:
        """A feature of every row, (T, D). Raises DataError if it is not there or not so many numbers each."""
        feature = self.meta.features.get(name)
        if feature is None or name not in self._table.column_names:
            raise DataError(
                f"{self.where}: no feature {name} in its rows; there are: {', '.join(self._table.column_names)}"
            )
        column = self._table[name]
        try:
            flat = column if pa.types.is_primitive(column.type) else pc.list_flatten(column)
            values = np.asarray(flat.to_numpy(), np.float64)
            return values.reshape(len(self._table), int(np.prod(feature.shape)))
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise DataError(f"{self.where}: feature {name} is not {feature.shape} numbers a row: {error}") from error

    def picture(self, name: str, t: int) -> Image:
        """The picture of a feature that lies in the rows."""
        stored = self._pictures[name][t].as_py()
        if not stored or not stored.get("bytes"):
            raise DataError(f"{self.where}: feature {name} has no bytes in row {t}")
        return Image.encoded(stored["bytes"])

    @cached_property
    def _table(self) -> pa.Table:
        stored = {name for name, feature in self.meta.features.items() if not feature.is_camera}
        return self._read([name for name in self._columns if name in stored])

    @cached_property
    def _pictures(self) -> pa.Table:
        return self._read([name for name, feature in self.meta.features.items() if feature.dtype == "image"])

    @cached_property
    def _columns(self) -> Sequence[str]:
        return columns_of(self.entry.rows)

    def _read(self, columns: Sequence[str]) -> pa.Table:
        found = episode_rows(self.entry.rows, self.entry.index, columns)
        if len(found) != self.entry.length:
            raise DataError(f"{self.where}: {len(found)} rows; the papers say {self.entry.length}")
        return found


@dataclass(frozen=True, eq=False)
class _Dataset:
    """A source that was opened: kept by each process, so that its papers are read once."""

    source: LeRobot
    meta: Meta
    cameras: Mapping[str, Feature]  # by our names

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """Every episode by its id."""
        return {f"{entry.index:06d}": entry for entry in self.meta.entries}

    def pictures(self, rows: _Rows, feature: Feature) -> Callable[[int], Image]:
        """What gives the pictures of an episode."""
        if feature.dtype == "image":
            return partial(rows.picture, feature.name)
        stretch = rows.entry.videos[feature.name]
        times = stretch.start + rows.numbers("timestamp")[:, 0]
        return Reel(stretch.path, times.tolist(), self.source.tolerance).image

    @cached_property
    def robot(self) -> Robot:
        """Who acts, with the bounds of its actions as measured; what instar exported says so itself."""
        stored = stored_robot(self.meta.root, self.cameras)
        if stored is not None and (self.source.action, self.source.state) == (ACTION, STATE):
            return stored
        entries = self.meta.entries
        chosen = sorted({int(k) for k in np.linspace(0, len(entries) - 1, min(len(entries), MEASURED))})
        actions = np.concatenate([_Rows(self.meta, entries[k]).numbers(self.source.action) for k in chosen])
        dim, feature = actions.shape[1], self.meta.features[self.source.action]
        space = ActionSpace(
            names=_names(feature, dim, "a"),
            units=("1",) * dim,
            frame="base",
            mode="absolute",
            low=tuple(actions.min(axis=0).tolist()),
            high=tuple(actions.max(axis=0).tolist()),
        )
        state = self.meta.features.get(self.source.state)
        named = _names(state, int(np.prod(state.shape)), "s") if state else ()
        cameras = tuple(Camera(name, *_sides(feature)) for name, feature in self.cameras.items())
        return Robot(canonical(self.meta.robot or self.meta.root.name), "recorded commands", space, cameras, named)


@lru_cache(maxsize=16)
def _opened(source: LeRobot) -> _Dataset:
    meta = Meta.read(source.path)
    cameras = {name.removeprefix(SHORT): meta.features[name] for name in meta.cameras}
    wanted = [name for name in source.cameras.split("+") if name] or list(cameras)
    if unknown := sorted(set(wanted) - set(cameras)):
        raise ConfigError(f"{source.path}: no camera {', '.join(unknown)}; there are: {', '.join(cameras) or 'none'}")
    if source.action not in meta.features:
        raise ConfigError(f"{source.path}: no feature {source.action}; there are: {', '.join(meta.features)}")
    return _Dataset(source, meta, {name: cameras[name] for name in wanted})


def _names(feature: Feature, dim: int, letter: str) -> tuple[str, ...]:
    return feature.names if len(feature.names) == dim else tuple(f"{letter}{k}" for k in range(dim))


def _sides(feature: Feature) -> tuple[int, int]:
    """Height and width; some writers put the channels first, and say so by names."""
    sides = dict(zip(feature.names, feature.shape, strict=False))
    return int(sides.get("height", feature.shape[0])), int(sides.get("width", feature.shape[1]))
