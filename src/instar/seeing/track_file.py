"""Traces in a file: where the end effector was seen in every frame of some demonstrations, and what saw it.

One Parquet file, one row a frame: `episode, t, camera, u, v, score, gap`. A frame without a point has the gap "unseen"
and no numbers; a point that leaps away and comes back has the gap "leap", keeps its numbers and is not used. What the
traces are of, and who saw them, is in the file's own metadata.
"""

import contextlib
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from instar import plugins
from instar.demo import DemoSource, Episode, Step
from instar.edges import adapter, plain
from instar.errors import DataError, MismatchError
from instar.files import atomic, canonical_json, digest_file, door
from instar.plugins import Choice
from instar.robot import Camera, Floats
from instar.seeing.track import Quality

FORMAT: Final = 1
TRACED: Final = "traced"  # the format of demonstrations that have traces
UNSEEN: Final = "unseen"
LEAP: Final = "leap"
_KEY: Final = "instar"  # of the facts in the file's metadata
_GROUP: Final = 100_000  # frames that are written together, about
_COLUMNS: Final[Mapping[str, pa.DataType]] = {
    "episode": pa.string(),
    "t": pa.int32(),
    "camera": pa.string(),
    "u": pa.float32(),  # continuous pixels, to the right
    "v": pa.float32(),  # and down
    "score": pa.float32(),
    "gap": pa.string(),
}
SCHEMA: Final = pa.schema(_COLUMNS)


@dataclass(frozen=True)
class TraceRun:
    """What decides the traces: another of any of these are other traces."""

    demos: Mapping[str, Any]  # a choice, as its `to_json`
    fingerprint: str  # of the demonstrations
    episodes: int | None  # only the first so many
    detector: Mapping[str, Any]  # a choice without what only says where
    detector_fingerprint: str
    threshold: float
    name: str  # of the sightings that count
    camera: str
    leap: float | None  # pixels, as it was asked for


@dataclass(frozen=True)
class TraceFacts:
    """What a file of traces says of itself."""

    format: int
    instar: str  # version
    run: TraceRun
    height: int  # pixels of the pictures
    width: int
    leap: float  # pixels
    leaps: int  # frames
    quality: Quality
    left_out: Mapping[str, str] = field(default_factory=dict)  # why, by id


@dataclass(frozen=True, eq=False)
class Seen:
    """What was seen in the frames of one episode."""

    episode: str
    points: Floats  # (T, 2), NaN where nothing was seen
    scores: Floats  # (T,)
    leaps: NDArray[np.bool_]  # (T,): seen, but not to be believed

    @property
    def believed(self) -> Floats:
        """The points (T, 2) with NaN in every gap."""
        points = self.points.copy()
        points[self.leaps] = np.nan
        return points


def write_tracks(path: Path, facts: TraceFacts, tracks: Iterable[Seen]) -> None:
    """Write a file of traces, whole or not at all. Raises DataError if the disk is full."""
    layout: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
    with atomic(path) as temporary, pq.ParquetWriter(temporary, SCHEMA, **layout) as writer:
        writer.add_key_value_metadata({_KEY: canonical_json({"kind": "traces", **plain(facts)})})
        waiting: list[pa.Table] = []
        for track in tracks:
            waiting.append(_table(track, facts.run.camera))
            if sum(map(len, waiting)) >= _GROUP:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))


def _table(track: Seen, camera: str) -> pa.Table:
    count = len(track.points)
    unseen = np.isnan(track.points[:, 0])
    gaps = [UNSEEN if nothing else LEAP if leap else None for nothing, leap in zip(unseen, track.leaps, strict=True)]
    numbers = [track.points[:, 0], track.points[:, 1], track.scores]
    columns = [
        pa.array([track.episode] * count, pa.string()),
        pa.array(np.arange(count, dtype=np.int32)),
        pa.array([camera] * count, pa.string()),
        *(pa.array(each.astype(np.float32), mask=unseen) for each in numbers),
        pa.array(gaps, pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


class Tracks:
    """A file of traces, opened for reading. Raises DataError where it is damaged or something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _damage(path):
            self.facts = _facts(path, pq.ParquetFile(path).metadata.metadata or {})
            file = pq.ParquetFile(path, read_dictionary=["episode"], page_checksum_verification=True)
            table = file.read(columns=["episode", "u", "v", "score", "gap"], use_threads=False)
            self._table = table.unify_dictionaries().combine_chunks()

    @functools.cached_property
    def fingerprint(self) -> str:
        """Of the file's bytes."""
        return digest_file(self.path)

    @functools.cached_property
    def _rows(self) -> dict[str, slice]:
        """Where the frames of each episode are."""
        if not len(self._table):
            return {}
        column: Any = self._table["episode"].chunk(0)  # a dictionary, which the types of pyarrow do not know
        codes, names = column.indices.to_numpy(), column.dictionary.to_pylist()
        edges = np.flatnonzero(np.diff(codes, prepend=-1, append=-1)).tolist()
        return {names[codes[first]]: slice(first, last) for first, last in pairwise(edges)}

    def ids(self) -> Sequence[str]:
        """The episodes that were looked at, in the order of their source."""
        return list(self._rows)

    def of(self, id: str) -> Seen:
        """What was seen of one episode. Raises DataError for one that was not looked at."""
        if id not in self._rows:
            why = f": {self.facts.left_out[id]}" if id in self.facts.left_out else ""
            raise DataError(f"{self.path}: has no trace of episode {id}{why}")
        rows = self._rows[id]
        part = self._table.slice(rows.start, rows.stop - rows.start)
        u, v, score = (part[name].to_numpy().astype(np.float64) for name in ("u", "v", "score"))
        leaps = np.array([gap == LEAP for gap in part["gap"].to_pylist()], np.bool_)
        return Seen(id, np.column_stack([u, v]), score, leaps)

    def require(self, source: DemoSource) -> None:
        """Raises MismatchError unless the traces are of these demonstrations."""
        if source.fingerprint() != self.facts.run.fingerprint:
            raise _foreign(self.path, self.facts)


def _facts(path: Path, metadata: Mapping[bytes, bytes]) -> TraceFacts:
    try:
        facts = adapter(TraceFacts).validate_json(metadata.get(_KEY.encode(), b""))
    except ValueError as error:
        raise DataError(f"{path}: a Parquet file, but no traces; `instar trace` writes them") from error
    if facts.format != FORMAT:
        raise DataError(f"{path}: format {facts.format}, but this version reads format {FORMAT}; trace again")
    return facts


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        with door(path):
            yield
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: damaged, or no traces: {error}; run `instar trace` again") from error


def attach(episode: Episode, tracks: Tracks) -> Episode:
    """`episode` with where its end effector was seen, as `Observation.effector` of each step; nothing is read yet.

    Raises DataError where the traces are of an episode of another length, MismatchError for pictures of another size.
    """
    facts, points = tracks.facts, tracks.of(episode.id).believed
    camera = episode.robot.camera(facts.run.camera)
    _require_size(tracks, camera)
    if len(points) != len(episode.steps):
        raise DataError(
            f"{tracks.path}: {len(points)} frames of episode {episode.id}, which has {len(episode.steps)}; trace again"
        )
    return replace(episode, steps=_Traced(episode.steps, camera.name, points))


def _require_size(tracks: Tracks, camera: Camera) -> None:
    facts = tracks.facts
    if (camera.height, camera.width) != (facts.height, facts.width):
        raise MismatchError(
            f"{tracks.path}: points in pictures of {facts.width} x {facts.height}; those of camera {camera.name!r} are "
            f"{camera.width} x {camera.height}"
        )


class _Traced(Sequence[Step]):
    """Steps that know where one camera saw the end effector."""

    def __init__(self, steps: Sequence[Step], camera: str, points: Floats) -> None:
        self._steps, self._camera, self._points = steps, camera, points

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return [self[t] for t in range(len(self))[index]]
        t = range(len(self))[index]
        step, (u, v) = self._steps[t], self._points[t].tolist()
        if np.isnan(u):
            return step
        observation = step.observation
        effector = {**observation.effector, self._camera: (u, v)}
        return replace(step, observation=replace(observation, effector=effector))


def with_traces(demos: Sequence[str], traces: Sequence[Path]) -> tuple[str, ...]:
    """The choices of demonstrations, those that files of traces are of with their traces: any verb takes them.

    Raises MismatchError for traces of none of them.
    """
    prints = [_fingerprint(choice) for choice in demos] if traces else []
    files: dict[int, list[str]] = {}
    for path in traces:
        facts = Tracks(path).facts
        if facts.run.fingerprint not in prints:
            raise _foreign(path, facts)
        files.setdefault(prints.index(facts.run.fingerprint), []).append(str(path))
    return tuple(
        str(Choice(TRACED, {"traces": files[k], "demos": choice})) if k in files else choice
        for k, choice in enumerate(demos)
    )


def _fingerprint(demos: str) -> str:
    source: DemoSource = plugins.make("demos", demos)
    return source.fingerprint()


def _foreign(path: Path, facts: TraceFacts) -> MismatchError:
    theirs = Choice.from_json(facts.run.demos)
    return MismatchError(
        f"{path}: traces of other demonstrations: {theirs}, as they were then; name those, or run `instar trace` again"
    )
