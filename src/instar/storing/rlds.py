"""`instar export rlds`: demonstrations of any format as RLDS, in a folder that TensorFlow Datasets builds from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from typing_extensions import Doc

from instar.errors import ConfigError
from instar.files import write_json
from instar.progress import Progress, silent
from instar.robot import Camera, Robot
from instar.storing import pieces
from instar.storing.example import Written, build_example
from instar.storing.pieces import ExportSummary, Order, Piece
from instar.storing.recording import Recording
from instar.storing.records import write_records
from instar.storing.rlds_papers import VERSION, features, info

RECORD: Final = "record"  # of a piece: an Example
SHARD: Final = 256 << 20  # bytes of a file, before the next one is begun


@dataclass(frozen=True)
class RldsConfig:
    """Write demonstrations of any format as RLDS, as Open X-Embodiment ships it."""

    demos: pieces.Demos
    out: pieces.Out
    name: Annotated[str, Doc("what the dataset is called; if empty, as its folder")] = ""
    jpeg: Annotated[int | None, Doc("quality of JPEGs, for pictures that are none yet; by default PNG, exact")] = None
    episodes: pieces.Episodes = None
    slots: pieces.SlotWords = "refuse"
    workers: pieces.Workers = 0

    def __post_init__(self) -> None:
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise ConfigError(f"jpeg {self.jpeg}: a quality is from 1 to 100")
        if self.name and not re.fullmatch("[a-z][a-z0-9_]*", self.name):
            raise ConfigError(f"name {self.name!r}: TensorFlow Datasets wants small letters, digits and _")


def export(config: RldsConfig, progress: Progress = silent) -> ExportSummary:
    """Write the dataset that `config` asks for, in `OUT/1.0.0`.

    Numbers are float32; an observation at the end without an action is left out, since those who read such datasets
    take every step's action at its word. Pictures that are JPEG already stay as they are. Raises what `pieces.export`
    does.
    """
    order = Order(config.demos, config.out, config.episodes, config.slots, config.workers)
    return pieces.export(order, RldsLayout(config.name or _name(config.out), config.jpeg), progress)


def _name(out: Path) -> str:
    name = re.sub(r"\W+", "_", out.resolve().name, flags=re.ASCII).strip("_").lower()
    if not name[:1].isalpha():
        raise ConfigError(f"{out}: a dataset cannot be called {name!r}; say its --name")
    return name


@dataclass(frozen=True)
class RldsLayout:
    """RLDS in TFRecord files."""

    name: str
    jpeg: int | None  # quality of pictures that are no JPEG yet

    @property
    def format(self) -> str:
        """As its reader is called."""
        return "rlds"

    @property
    def options(self) -> Mapping[str, Any]:
        """What decides the bytes."""
        return {"name": self.name, "jpeg": self.jpeg}

    def require(self, robot: Robot) -> None:
        """Raise ConfigError where the name of a camera would be read as two."""
        for camera in robot.cameras:
            if "/" in camera.name or camera.name == "state":
                raise ConfigError(
                    f"camera {camera.name!r} cannot be a feature by that name; choose others by the source"
                )

    def cut(self, recording: Recording, folder: Path) -> Mapping[str, Any]:
        """One Example with all steps; how its pictures are encoded."""
        pictures = {camera.name: list(self._encoded(recording, camera)) for camera in recording.robot.cameras}
        (folder / RECORD).write_bytes(build_example(dict(_features(recording, pictures))))
        kinds = {name: "jpeg" if data[0].startswith(b"\xff\xd8") else "png" for name, data in pictures.items()}
        return {"pictures": kinds}

    def _encoded(self, recording: Recording, camera: Camera) -> Iterator[bytes]:
        for image in recording.images(camera):
            yield image.data if self.jpeg is None else image.jpeg(self.jpeg)

    def assemble(self, pieces: Sequence[Piece], robot: Robot, out: Path) -> None:
        """The records in files, and the papers; TensorFlow Datasets begins with the last one."""
        folder = out / VERSION
        folder.mkdir()
        sizes = [(piece.folder / RECORD).stat().st_size for piece in pieces]
        shards = _shards(pieces, sizes)
        for number, shard in enumerate(shards):
            path = folder / f"{self.name}-train.tfrecord-{number:05d}-of-{len(shards):05d}"
            write_records(path, ((piece.folder / RECORD).read_bytes() for piece in shard))
        write_json(folder / "features.json", features(robot, pieces[0].facts()["pictures"]))
        write_json(folder / "dataset_info.json", info(self.name, sum(sizes), [len(shard) for shard in shards]))


def _features(recording: Recording, pictures: Mapping[str, Sequence[bytes]]) -> Iterator[tuple[str, Written]]:
    """Every feature by its name, the steps behind one another."""
    count = len(recording)
    first, last = np.eye(1, count, 0, np.int64)[0], np.eye(1, count, count - 1, np.int64)[0]
    solved = recording.success is True
    for camera, images in pictures.items():
        yield f"steps/observation/{camera}", images
    if recording.robot.state:
        yield "steps/observation/state", recording.states.astype(np.float32).ravel()
    yield "steps/action", recording.actions.astype(np.float32).ravel()
    yield "steps/language_instruction", [recording.task.encode()] * count
    yield "steps/is_first", first
    yield "steps/is_last", last
    yield "steps/is_terminal", last * solved
    yield "steps/reward", (last * solved).astype(np.float32)
    yield "steps/discount", np.ones(count, np.float32)
    yield "episode_metadata/file_path", [recording.id.encode()]


def _shards(pieces: Sequence[Piece], sizes: Sequence[int]) -> list[list[Piece]]:
    """Which pieces go into one file."""
    shards: list[list[Piece]] = []
    room = 0
    for piece, size in zip(pieces, sizes, strict=True):
        if not shards or size > room:
            shards.append([])
            room = SHARD
        shards[-1].append(piece)
        room -= size
    return shards
