"""One Parquet file of a samples folder: each row holds one look at the world once, and all that is said about it."""

import contextlib
import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from instar.chat import Conversation, Sample, Shown, Turn
from instar.demo import Image
from instar.edges import adapter, plain
from instar.errors import DataError
from instar.files import canonical_json, door
from instar.robot import Floats

Column: TypeAlias = "pa.Array[Any]"  # generic for type checkers only

ROWS_PER_GROUP: Final = 16  # rows that are decoded together, whichever is asked for; a file's last group may be smaller
FACTS: Final = "instar"  # key of the facts in the file's own metadata: one rename commits them with the rows

_TURN: Final = pa.struct([pa.field("role", pa.string()), pa.field("text", pa.string()), pa.field("learn", pa.bool_())])
_SHOWN: Final = pa.struct([pa.field("name", pa.string()), pa.field("number", pa.int32())])
_CONVERSATION: Final = pa.struct(
    [
        pa.field("id", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("weight", pa.float64()),
        pa.field("turns", pa.list_(_TURN)),
        pa.field("shows", pa.list_(_SHOWN)),  # where the row's images come from; not in the first folders
    ]
)
SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("images", pa.list_(pa.binary())),  # PNG or JPEG files, in the order the conversations show them
        pa.field("actions", pa.list_(pa.list_(pa.float64()))),  # demonstrated here, in the robot's units
        pa.field("conversations", pa.list_(_CONVERSATION)),
    ]
)
_SAID: Final = "conversations.list.element"
_COLUMNS: Final = {  # every leaf of the schema with its compression; pictures are compressed already
    "id": "none",
    "images.list.element": "none",
    "actions.list.element.list.element": "none",
    f"{_SAID}.id": "zstd",
    f"{_SAID}.kind": "none",  # a dictionary says nearly all of what repeats, and in a third of the time
    f"{_SAID}.weight": "none",
    f"{_SAID}.turns.list.element.role": "none",
    f"{_SAID}.turns.list.element.text": "zstd",
    f"{_SAID}.turns.list.element.learn": "none",
    f"{_SAID}.shows.list.element.name": "none",
    f"{_SAID}.shows.list.element.number": "none",
}
_LAYOUT: Final[dict[str, Any]] = {
    "compression": _COLUMNS,
    "use_dictionary": [
        f"{_SAID}.kind",
        f"{_SAID}.weight",
        f"{_SAID}.turns.list.element.role",
        f"{_SAID}.shows.list.element.name",
        f"{_SAID}.shows.list.element.number",
    ],
    "write_statistics": False,
    "write_page_checksum": True,  # a bit that flips on the disk is found when its page is read
}


@dataclass(frozen=True, eq=False)
class Row:
    """One look at the world: its images, and every conversation about exactly these."""

    id: str  # "<episode>/<view>"
    images: tuple[Image, ...]
    samples: tuple[Sample, ...]
    actions: Floats  # (n, dim): demonstrated here, in the robot's units; n is 0 where the demonstration did nothing


@dataclass(frozen=True)
class LeftOut:
    """An episode that is not in the samples."""

    id: str
    reason: str


@dataclass(frozen=True)
class ShardFacts:
    """What a shard holds, known without reading its rows."""

    plan: str  # digest of the build's plan, so that a shard of another build is never taken for one of this
    episodes: int  # those that are in
    views: int
    counts: Mapping[str, int] = field(default_factory=dict)  # conversations by kind
    left_out: tuple[LeftOut, ...] = ()


class ShardWriter:
    """Rows in, the bytes of a Parquet file out. The same rows give the same bytes."""

    def __init__(self) -> None:
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(self._sink, SCHEMA, **_LAYOUT)
        self._waiting: list[Row] = []
        self.views = 0
        self.counts: Counter[str] = Counter()

    def add(self, rows: Iterable[Row]) -> None:
        """Append `rows`; a group is encoded as soon as it is full."""
        for row in rows:
            self._waiting.append(row)
            self.views += 1
            self.counts.update([sample.kind for sample in row.samples])
            if len(self._waiting) == ROWS_PER_GROUP:
                self._flush()

    def finish(self, plan: str, episodes: int, left_out: tuple[LeftOut, ...]) -> bytes:
        """The whole file, with its facts in it."""
        if self._waiting:
            self._flush()
        facts = ShardFacts(plan, episodes, self.views, dict(self.counts), left_out)
        self._writer.add_key_value_metadata({FACTS: canonical_json(plain(facts))})
        self._writer.close()
        return self._sink.getvalue().to_pybytes()

    def _flush(self) -> None:
        self._writer.write_table(_table(self._waiting), row_group_size=ROWS_PER_GROUP)
        self._waiting = []


def _table(rows: Sequence[Row]) -> pa.Table:
    """`rows` column by column: no dictionary is made for a conversation or a turn."""
    images = [image.data for row in rows for image in row.images]
    actions = [action for row in rows for action in row.actions.tolist()]
    numbers = pa.array([number for action in actions for number in action], pa.float64())
    columns = (
        pa.array([row.id for row in rows], pa.string()),
        _lists([len(row.images) for row in rows], pa.array(images, pa.binary())),
        _lists([len(row.actions) for row in rows], _lists([len(action) for action in actions], numbers)),
        _lists([len(row.samples) for row in rows], _said([sample for row in rows for sample in row.samples])),
    )
    return pa.Table.from_arrays(list(columns), schema=SCHEMA)


def _said(samples: Sequence[Sample]) -> Column:
    turns = [turn for sample in samples for turn in sample.conversation.turns]
    shows = [shown for sample in samples for shown in sample.shows]
    said = _struct(_TURN, [turn.role for turn in turns], [turn.text for turn in turns], [turn.learn for turn in turns])
    seen = _struct(_SHOWN, [shown.name for shown in shows], [shown.number for shown in shows])
    return _struct(
        _CONVERSATION,
        [sample.id for sample in samples],
        [sample.kind for sample in samples],
        [sample.weight for sample in samples],
        _lists([len(sample.conversation.turns) for sample in samples], said),
        _lists([len(sample.shows) for sample in samples], seen),
    )


def _lists(sizes: Sequence[int], values: Column) -> Column:
    """`values` one after another in lists of these sizes."""
    return pa.ListArray.from_arrays(list(itertools.accumulate(sizes, initial=0)), values)


def _struct(kind: pa.StructType, *columns: "Sequence[Any] | Column") -> Column:
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, field.type)
        for column, field in zip(columns, kind, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, fields=list(kind))


@dataclass(frozen=True, eq=False)
class ShardIndex:
    """Which conversations a shard holds, without their words and pictures; one entry per conversation, in order."""

    rows: NDArray[np.int64]  # the row in the shard
    positions: NDArray[np.int64]  # the place in the row
    kinds: list[str]
    weights: Floats


class Shard:
    """A finished shard, opened for reading. Raises DataError where the file is damaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _damage(path):
            self._file = pq.ParquetFile(path, page_checksum_verification=True)

    @functools.cached_property
    def facts(self) -> ShardFacts:
        """What the shard says of itself."""
        text = (self._file.metadata.metadata or {}).get(FACTS.encode())
        try:
            return adapter(ShardFacts).validate_json(text or b"")
        except ValueError as error:
            raise DataError(f"{self.path}: a Parquet file, but no shard of samples") from error

    def group(self, number: int) -> pa.Table:
        """Row group `number`: rows `ROWS_PER_GROUP * number` and following, to be read with `row`."""
        with _damage(self.path):
            return self._file.read_row_group(number, use_threads=False)

    def actions(self) -> Floats:
        """Every demonstrated action of the shard, (n, dim) in the robot's units; (0, 0) if there is none."""
        records = self._read(["actions.list.element.list.element"]).to_pylist()
        found = [action for record in records for action in record["actions"]]
        return np.array(found, dtype=np.float64) if found else np.empty((0, 0))

    def index(self) -> ShardIndex:
        """The shard's conversations by kind and weight, read without their words and pictures."""
        records = self._read([f"{_SAID}.kind", f"{_SAID}.weight"]).to_pylist()
        said = [record["conversations"] for record in records]
        sizes = [len(row) for row in said]
        return ShardIndex(
            np.repeat(np.arange(len(said)), sizes),
            np.concatenate([np.arange(size) for size in sizes]) if sizes else np.arange(0),
            [entry["kind"] for row in said for entry in row],
            np.array([entry["weight"] for row in said for entry in row], dtype=np.float64),
        )

    def about_references(self) -> NDArray[np.bool_]:
        """Of every conversation, whether it is about reference pictures and nothing else, in the order of `index`.

        Raises DataError where the shard does not say.
        """
        if "shows" not in {field.name for field in self._file.schema_arrow.field("conversations").type.value_type}:
            raise DataError(f"{self.path}: built before samples knew where their pictures come from; build it again")
        records = self._read([f"{_SAID}.shows.list.element.name"]).to_pylist()
        names = [[shown["name"] for shown in said["shows"]] for record in records for said in record["conversations"]]
        about = [bool(shown) and all(Shown(name, 0).is_reference for name in shown) for shown in names]
        return np.array(about, dtype=np.bool_)

    def _read(self, columns: list[str]) -> pa.Table:
        with _damage(self.path):
            return self._file.read(columns=columns)


@contextlib.contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        with door(path):
            yield
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: damaged: {error}; remove the file and run the same build again") from error


def row(group: pa.Table, position: int) -> Row:
    """Row `position` of a row group, with its words and pictures."""
    record = group.slice(position, 1).to_pylist()[0]
    images = tuple(Image.encoded(data) for data in record["images"])
    samples = tuple(_sample(entry, images) for entry in record["conversations"])
    actions = np.array(record["actions"], dtype=np.float64) if record["actions"] else np.empty((0, 0))
    return Row(record["id"], images, samples, actions)


def _sample(entry: Mapping[str, Any], images: tuple[Image, ...]) -> Sample:
    turns = tuple(Turn(turn["role"], turn["text"], turn["learn"]) for turn in entry["turns"])
    shows = tuple(Shown(shown["name"], shown["number"]) for shown in entry.get("shows") or ())
    return Sample(entry["id"], entry["kind"], Conversation(turns, images), entry["weight"], shows)
