"""Reading RLDS: instar against TensorFlow Datasets, every step of every episode, its pictures decoded or as stored.

Each reader is a process of its own that does nothing else and is told when to begin, so that what TensorFlow takes to
start is not counted; its memory is.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar.demos.rlds.folder import FEATURES, INFO, version_folder
from instar.files import read_json, write_json
from instar.storing.example import Values, Written, build_example, parse_example
from instar.storing.records import Records, write_records
from instar.storing.rlds import RldsConfig, export

TFDS: Final = "INSTAR_TFDS_PYTHON"  # environment variable: an interpreter with TensorFlow Datasets
SAMPLE: Final = Path(__file__).parents[2] / "shared" / "data" / "rlds" / "bridge_dataset"
ROOT: Final = Path(__file__).parents[1]
SIDE: Final = 256  # pixels of a picture that is made from one of the sample's, of 64
AIM: Final = 5.0  # times the episodes a second
SHARE: Final = 0.25  # of the memory

Pictures = Literal["decoded", "encoded"]
SAID: Final[Mapping[Pictures, str]] = {"decoded": "every picture decoded", "encoded": "pictures as they are stored"}
GUIDE, LOADER, OURS = "TensorFlow Datasets, step by step", "TensorFlow Datasets, by whole episodes", "instar"

HOW: Final = (
    "Step by step is how the guide of TensorFlow Datasets reads: each episode is a dataset of its own. By whole "
    "episodes is what loaders do that were made for speed, such as OpenVLA's: an episode's fields come as they are "
    "stored, and its pictures are decoded by as many threads as TensorFlow sees fit. instar reads one episode after "
    "another in one thread. TensorFlow's start is not counted, its memory is."
)
FLOOR: Final = (
    "The floor with pictures decoded is the decoder, libjpeg-turbo in both: the larger the pictures, the less is left "
    "to be gained. The sample's pictures are of 64 x 64; those of 256 x 256, a size that is often recorded, were made "
    "from them. `instar build` leaves pictures as they are stored."
)
ABSENT: Final = f"TensorFlow Datasets was not run: {TFDS} names no interpreter that has it."


@dataclass(frozen=True)
class Data:
    """A folder to read."""

    folder: Path
    about: str


@dataclass(frozen=True)
class Reader:
    """A process that reads a folder whenever it is told."""

    process: "subprocess.Popen[str]"
    answers: list[Mapping[str, float]] = field(default_factory=list)

    def read(self) -> float:
        """Episodes read."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.answers.append(json.loads(self.process.stdout.readline()))
        return self.answers[-1]["episodes"]

    @property
    def milliseconds(self) -> float:
        """Processor time of an episode."""
        return statistics.median(told["seconds"] / told["episodes"] for told in self.answers[1:]) * 1e3


@contextmanager
def reader(name: str, folder: Path, pictures: Pictures) -> Iterator[Reader]:
    """A process for one of the three."""
    theirs = (os.environ.get(TFDS, ""), str(ROOT / "benchmarks/by_tfds.py"), str(folder))
    ours = (sys.executable, "-m", "benchmarks.by_instar", str(folder))
    command = [*{GUIDE: (*theirs, "steps"), LOADER: (*theirs, "episodes"), OURS: ours}[name], pictures]
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield Reader(process)
        assert process.stdin is not None
        process.stdin.close()


def run(size: Size) -> Result:
    """Episodes a second, processor time and memory of every reader."""
    full, names = size == "full", (GUIDE, LOADER, OURS) if os.environ.get(TFDS) else (OURS,)
    comparisons: list[Comparison] = []
    facts: list[Fact] = []
    with tempfile.TemporaryDirectory() as scratch:
        for data in _data(Path(scratch), full=full):
            for pictures in SAID:
                with ExitStack() as stack:
                    readers = {name: stack.enter_context(reader(name, data.folder, pictures)) for name in names}
                    comparisons += _compared(data, pictures, readers, 5 if full else 1)
                    facts += _facts(data, pictures, readers)
            facts += _memory(data, names)
    return Result("Reading RLDS", tuple(comparisons), tuple(facts), (HOW, FLOOR) if len(names) > 1 else (ABSENT,))


def _compared(data: Data, pictures: Pictures, readers: Mapping[str, Reader], rounds: int) -> list[Comparison]:
    """The readers in turns; one alone reads as often, and is compared with nobody."""
    if len(readers) == 1:
        for _ in range(rounds + 1):
            readers[OURS].read()
        return []
    contenders = [Contender(name, one.read) for name, one in readers.items()]
    return [compare(f"{data.about}, {SAID[pictures]}", "episodes", contenders, rounds, AIM)]


def _facts(data: Data, pictures: Pictures, readers: Mapping[str, Reader]) -> list[Fact]:
    """What an episode takes of a processor, and whether all find as much."""
    what = f"{data.about}, {SAID[pictures]}"
    found = {(told["episodes"], told["pictures"]) for one in readers.values() for told in one.answers}
    return [
        *(Fact(f"{what}: processor time, {name}", one.milliseconds, "ms an episode") for name, one in readers.items()),
        Fact(f"{what}: counts of episodes and pictures", len(found), "", "one for all", len(found) == 1),
    ]


def _memory(data: Data, names: Sequence[str]) -> list[Fact]:
    """The most memory of a new process that reads everything once, every picture decoded."""
    found = {}
    for name in names:
        with reader(name, data.folder, "decoded") as one:
            one.read()
            found[name] = one.answers[-1]["memory"] / 1024
    least = min((found[name] for name in (GUIDE, LOADER) if name in found), default=None)
    told = {name: Fact(f"{data.about}: peak memory, {name}", value, "MiB") for name, value in found.items()}
    if least is not None:
        aim = f"under {SHARE * least:.0f}, a quarter of the least of theirs"
        told[OURS] = replace(told[OURS], aim=aim, met=found[OURS] < SHARE * least)
    return [*told.values()]


def _data(scratch: Path, *, full: bool) -> Iterator[Data]:
    """The real sample where there is one, as it is and with larger pictures; else what the tabletop's expert does."""
    if not full or not SAMPLE.exists():
        export(RldsConfig("tabletop:episodes=4,tasks=rotate", scratch / "table", jpeg=95, slots="names", workers=1))
        yield Data(version_folder(scratch / "table"), "4 episodes of the tabletop")
        return
    version = version_folder(SAMPLE)
    yield Data(repeated(version, scratch / "small", 10, None), "250 episodes of BridgeData V2, 64 x 64")
    yield Data(repeated(version, scratch / "large", 2, SIDE), f"50 episodes of BridgeData V2, {SIDE} x {SIDE}")


def repeated(version: Path, out: Path, times: int, side: int | None) -> Path:
    """A dataset whose files are those of another again and again, with its pictures scaled where a side is said."""
    out.mkdir()
    info, layout = read_json(version / INFO), read_json(version / FEATURES)
    [split] = [told for told in info["splits"] if told["name"] == "train"]
    [path] = version.glob("*-train.tfrecord-*")
    if side is not None:
        _resize(layout, side)
        records = Records(path)
        write_records(out / "scaled", (_scaled(records.read(k), side) for k in range(len(records))))
        path = out / "scaled"
    for number in range(times):
        (out / f"{info['name']}-train.tfrecord-{number:05d}-of-{times:05d}").symlink_to(path)
    write_json(out / INFO, {**info, "splits": [{**split, "shardLengths": split["shardLengths"] * times}]})
    write_json(out / FEATURES, layout)
    return out


def _resize(told: Any, side: int) -> None:
    """Say another side wherever papers tell of a picture."""
    for name, value in told.items() if isinstance(told, dict) else ():
        if name == "image" and "shape" in value:
            value["shape"]["dimensions"][:2] = [str(side), str(side)]
        _resize(value, side)


def _scaled(record: bytes, side: int) -> bytes:
    """An Example whose pictures are scaled, and stored as JPEG again."""
    return build_example({name: _written(name, values, side) for name, values in parse_example(record).items()})


def _written(name: str, values: Values, side: int) -> Written:
    if isinstance(values, np.ndarray) or not name.startswith("steps/observation/image"):
        return values if isinstance(values, np.ndarray) else [bytes(value) for value in values]
    return [_larger(bytes(value), side) for value in values]


def _larger(data: bytes, side: int) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    scaled = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_CUBIC)
    done, packed = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return packed.tobytes()
