"""The files of a LeRobotDataset v3.0: many episodes in one table and one video, and a new file when one is large."""

import contextlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from instar.files import write_json
from instar.robot import Robot
from instar.storing import lerobot_papers as papers
from instar.storing.pieces import PIECES, Piece
from instar.storing.recording import Recording
from instar.storing.statistics import Heap, Summary, of_brightness, of_numbers
from instar.storing.video import Codec, Joined, joined

ROWS: Final = "rows.parquet"  # of a piece
BRIGHTNESS: Final = "brightness"  # of its pictures, in its facts
BATCH: Final = 100  # rows about episodes that are written together
_PICTURE: Final = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])

Place = dict[str, Any]  # where an episode lies, by the names of the papers


def film(folder: Path, camera: str) -> Path:
    """The video of a camera in a piece."""
    return folder / f"{camera}.mp4"


def write_rows(recording: Recording, encoded: Mapping[str, Sequence[bytes]], path: Path) -> None:
    """The rows of one episode as far as it knows them itself; `encoded` are pictures by camera."""
    columns: dict[str, Any] = {
        papers.PICTURE + camera: pa.array([{"bytes": data, "path": None} for data in images], _PICTURE)
        for camera, images in encoded.items()
    }
    columns[papers.ACTION] = _vectors(recording.actions)
    if recording.robot.state:
        columns[papers.STATE] = _vectors(recording.states)
    pq.write_table(pa.table(columns), path, compression="none")


def _vectors(rows: NDArray[np.float64]) -> Any:
    flat = pa.array(rows.astype(np.float32).ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


class _Rows:
    """Tables that grow by episodes, each of them a row group."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._writer: pq.ParquetWriter | None = None
        self._file, self._size = -1, 0

    def add(self, table: pa.Table, size: int) -> Place:
        """Put an episode of so many bytes where there is room; the place."""
        if self._writer is None or self._size + size > papers.ROWS_MB << 20:
            self.close()
            self._file, self._size = self._file + 1, 0
            path = self._out / papers.ROWS_PATH.format(**_numbers(self._file))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(path, table.schema)
        self._writer.write_table(table, row_group_size=len(table))
        self._size += size
        return {f"data/{name}": number for name, number in _numbers(self._file).items()}

    def close(self) -> None:
        """End the file that is open."""
        if self._writer is not None:
            self._writer.close()


class _Films:
    """Videos of one camera that grow by episodes."""

    def __init__(self, out: Path, key: str, fps: int) -> None:
        self._out, self._key, self._fps = out, key, fps
        self._open = contextlib.ExitStack()
        self._film: Joined | None = None
        self._file, self._size = -1, 0

    def add(self, path: Path) -> Place:
        """Put the video of an episode where there is room; the place."""
        size = path.stat().st_size
        if self._film is None or self._size + size > papers.FILM_MB << 20:
            self.close()
            self._file, self._size = self._file + 1, 0
            whole = papers.FILM_PATH.format(video_key=self._key, **_numbers(self._file))
            self._film = self._open.enter_context(joined(self._out / whole, self._fps))
        first = self._film.frames
        self._film.append(path)
        self._size += size
        ends = {"from_timestamp": first / self._fps, "to_timestamp": self._film.frames / self._fps}
        return {f"videos/{self._key}/{name}": value for name, value in {**_numbers(self._file), **ends}.items()}

    def close(self) -> None:
        """End the file that is open."""
        self._open.close()


def _numbers(file: int) -> dict[str, int]:
    return {"chunk_index": file // papers.CHUNK, "file_index": file % papers.CHUNK}


class Assembly:
    """A dataset that grows by episodes in a folder; it can be read after `finish`. A context, which closes files."""

    def __init__(self, out: Path, robot: Robot, fps: int, codec: Codec | None) -> None:
        self._out, self._robot, self._fps = out, robot, fps
        self._features = papers.features(robot, fps, codec)
        self._files, self._scratch = contextlib.ExitStack(), contextlib.ExitStack()
        self._rows = self._files.enter_context(contextlib.closing(_Rows(out)))
        self._films = {key: self._files.enter_context(contextlib.closing(film)) for key, film in self._begun().items()}
        self._schema = papers.entry_schema(self._features)
        self._entries = self._files.enter_context(_entries(out, self._schema))
        scratch = Path(self._scratch.enter_context(tempfile.TemporaryDirectory(dir=out / PIECES, prefix=".")))
        numbers = [name for name, told in self._features.items() if not papers.is_picture(told)]
        self._heaps = {name: Heap(scratch / name) for name in numbers}
        self._brightness = {papers.PICTURE + camera.name: np.zeros((3, 256), np.int64) for camera in robot.cameras}
        self._waiting: list[Place] = []
        self._tasks: dict[str, int] = {}
        self._episodes = self._steps = 0

    def _begun(self) -> dict[str, _Films]:
        keys = [name for name, told in self._features.items() if told["dtype"] == "video"]
        return {key: _Films(self._out, key, self._fps) for key in keys}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()
        self._scratch.close()

    def add(self, piece: Piece) -> None:
        """Put an episode behind those that are there."""
        facts, path = piece.facts(), piece.folder / ROWS
        length, task = int(facts["length"]), str(facts["task"])
        first, number = self._steps, self._tasks.setdefault(task, len(self._tasks))
        table = self._numbered(pq.read_table(path), number)
        place = {"episode_index": self._episodes, "length": length, "tasks": [task]}
        place |= {"dataset_from_index": first, "dataset_to_index": first + length}
        place |= self._rows.add(table, path.stat().st_size)
        for key, films in self._films.items():
            place |= films.add(film(piece.folder, key.removeprefix(papers.PICTURE)))
        self._waiting.append(papers.entry(place, self._summaries(table, facts[BRIGHTNESS])))
        self._episodes, self._steps = self._episodes + 1, first + length
        if len(self._waiting) == BATCH:
            self._flush()

    def _numbered(self, table: pa.Table, task: int) -> pa.Table:
        """Rows with their numbers in the episode and in the dataset."""
        steps = np.arange(len(table))
        told = {
            "timestamp": steps / self._fps,
            "frame_index": steps,
            "episode_index": np.full(len(table), self._episodes),
            "index": self._steps + steps,
            "task_index": np.full(len(table), task),
        }
        for name, dtype in papers.NUMBERED.items():
            table = table.append_column(name, pa.array(told[name].astype(dtype)))
        return table

    def _summaries(self, table: pa.Table, brightness: Mapping[str, Sequence[Sequence[int]]]) -> dict[str, Summary]:
        """Statistics of an episode, added to those of all; `brightness` is of its pictures, counted by camera."""
        found = {}
        for name, heap in self._heaps.items():
            rows = _array(table, name)
            heap.add(rows)
            found[name] = of_numbers(rows)
        for key in self._brightness:
            counts = np.array(brightness[key.removeprefix(papers.PICTURE)], np.int64)
            self._brightness[key] += counts
            found[key] = of_brightness(counts, len(table))
        return found

    def _flush(self) -> None:
        if self._waiting:
            self._entries.write_table(pa.Table.from_pylist(self._waiting, self._schema))
            self._waiting = []

    def finish(self) -> None:
        """End all files and write the papers, the one that LeRobot begins with last."""
        self._flush()
        self._files.close()
        papers.write_tasks(self._out, list(self._tasks))
        stats = {name: heap.summary() for name, heap in self._heaps.items()}
        stats |= {key: of_brightness(counts, self._steps) for key, counts in self._brightness.items()}
        write_json(self._out / papers.STATS_PATH, stats)
        counts = {"episodes": self._episodes, "frames": self._steps, "tasks": len(self._tasks)}
        papers.write_info(self._out, self._robot, self._features, counts, self._fps)


def _entries(out: Path, schema: pa.Schema) -> pq.ParquetWriter:
    path = out / papers.ENTRIES_PATH
    path.parent.mkdir(parents=True)
    return pq.ParquetWriter(path, schema)


def _array(table: pa.Table, name: str) -> NDArray[Any]:
    """A column of numbers, (N, D)."""
    column = table[name]
    flat = pc.list_flatten(column) if pa.types.is_fixed_size_list(column.type) else column
    return np.asarray(flat.to_numpy()).reshape(len(table), -1)
