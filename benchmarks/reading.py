"""Reading VIMA's raw episodes whole: instar's source against the way a converter does it without care.

Whole means every frame's pictures from both cameras, the box of every object in each, the actions, and the prompt with
its reference pictures and their boxes. The plain way unpickles with the standard library, which runs what it is told
to, makes one mask per object and picture, and decodes every JPEG; instar hands the JPEGs on as bytes.
"""

import io
import json
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Contender, Fact, Result, Size, compare
from instar.collect import CollectConfig, collect_demos
from instar.demo import Episode, Pixels
from instar.demos.archive import Archive
from instar.demos.masks import boxes
from instar.demos.unpickle import loads
from instar.demos.vima import Vima
from instar.demos.vima.table import STRANGERS

SAMPLE: Final = Path(__file__).parents[2] / "shared" / "data" / "vima_sample.zip"
CAMERAS: Final = ("front", "top")
PICKLES: Final = ("trajectory.pkl", "action.pkl", "obs.pkl")

Extent = tuple[int, int, int, int]  # left, top, right, bottom
Boxes = dict[tuple[str, str, int], Extent]  # by view, camera and object

PEAK: Final = """
import sys
from pathlib import Path
from benchmarks.reading import look
from instar.demos.vima import Vima

if __name__ == "__main__":
    path, subset, episodes = sys.argv[1:]
    source = Vima(Path(path), subset=Path(subset), duplicates="repeat")
    for id in source.ids()[: int(episodes)]:
        look(source.episode(id))
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""  # a process's own high-water mark, without that of the process it was started from

FLOOR: Final = (
    "The floor: every byte of an episode is inflated and compared with its checksum, since prompt, pictures and masks "
    "lie in one pickle behind each other; arrays are copied out of it once; and each pixel of a mask is looked at."
)


@dataclass(frozen=True)
class Raw:
    """Episodes in VIMA's raw layout, in one zip file."""

    path: Path
    ids: Sequence[str]

    def source(self) -> Vima:
        """They, as instar reads them."""
        return Vima(self.path)


def run(size: Size) -> Result:
    """Episodes a second, phases, floor and memory."""
    with tempfile.TemporaryDirectory() as name:
        folder, full = Path(name), size == "full"
        raw = _raw(folder, full=full)
        rounds = 10 if full else 1
        contenders = (
            Contender("the plain way", lambda: _plainly(raw, rounds)),
            Contender("instar", lambda: _carefully(raw, rounds)),
        )
        return Result(
            "Reading episodes",
            (compare("whole episodes", "episodes", contenders, rounds=5 if full else 1),),
            (*_sameness(raw), *_costs(raw, 15 if full else 1), *_memory(raw, folder, full=full)),
            (_told(raw), FLOOR),
        )


def _raw(folder: Path, *, full: bool) -> Raw:
    """The real sample at full size where there is one, else what the tabletop's expert does, in VIMA's layout."""
    path = SAMPLE
    if not full or not path.exists():
        collect_demos(CollectConfig("tabletop:episodes=4,tasks=rotate+visual_manipulation", folder / "raw", workers=1))
        path = folder / "raw.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted((folder / "raw").rglob("*")):
                archive.write(file, file.relative_to(folder / "raw"))
    return Raw(path, Vima(path).ids())


def _told(raw: Raw) -> str:
    which = "of VIMA's published data" if raw.path == SAMPLE else "that the tabletop's expert played"
    return f"{len(raw.ids)} episodes {which}, in a zip file that the system has in memory, read again and again."


def _carefully(raw: Raw, rounds: int) -> float:
    source = raw.source()
    for _ in range(rounds):
        for id in raw.ids:
            look(source.episode(id))
    return rounds * len(raw.ids)


def look(episode: Episode) -> Boxes:
    """Every box of an episode, once every picture has been asked for."""
    found: Boxes = {}
    for view in episode.views():
        for image in view.images.values():
            _ = image.pixels if view.t is None else image.data
        for thing in view.objects:
            for camera, box in thing.boxes.items():
                found[view.key, camera, thing.id] = (box.left, box.top, box.right, box.bottom)
    return found


def _plainly(raw: Raw, rounds: int) -> float:
    with zipfile.ZipFile(raw.path) as archive:
        for _ in range(rounds):
            for id in raw.ids:
                plain(archive, id)
    return rounds * len(raw.ids)


class _Absent:
    """An object of a package that is not installed."""

    def __new__(cls, *_args: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_args: object) -> None:
        pass

    def __call__(self, *_args: object, **_kwargs: object) -> None:
        pass


class _Trusting(pickle.Unpickler):
    """The standard library's, which imports and calls whatever it reads; the simulator's own classes are not there."""

    def find_class(self, module: str, name: str) -> object:
        """Whatever is called so."""
        return _Absent if module.startswith("vima") else super().find_class(module, name)


def plain(archive: zipfile.ZipFile, id: str) -> Boxes:
    """Every box of an episode, by the plain way."""
    trajectory, actions, observed = (_Trusting(io.BytesIO(archive.read(f"{id}/{name}"))).load() for name in PICKLES)
    frames = range(len(actions["pose0_position"]) + 1)
    found: Boxes = {}
    for camera in CAMERAS:
        for t in frames:
            encoded = np.frombuffer(archive.read(f"{id}/rgb_{camera}/{t}.jpg"), np.uint8)
            cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB)
            found |= _one_by_one(str(t), camera, observed["segm"][camera][t], trajectory["obj_id_to_info"])
        for slot, asset in trajectory["prompt_assets"].items():
            np.ascontiguousarray(asset["rgb"][camera].transpose(1, 2, 0))
            found |= _one_by_one(f"a_{slot}", camera, asset["segm"][camera], _ids(asset["segm"]["obj_info"]))
    return found


def _ids(about: Any) -> Iterator[int]:
    return (thing["obj_id"] for thing in (about if isinstance(about, list) else [about]))


def _one_by_one(view: str, camera: str, mask: Pixels, ids: Mapping[int, object] | Iterator[int]) -> Boxes:
    found: Boxes = {}
    for id in ids:
        rows, columns = np.nonzero(mask == id)
        if rows.size:
            found[view, camera, id] = (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))
    return found


def _sameness(raw: Raw) -> tuple[Fact, ...]:
    """Whether both ways find the same."""
    source, other, count = raw.source(), 0, 0
    with zipfile.ZipFile(raw.path) as archive:
        for id in raw.ids:
            ours, theirs = look(source.episode(id)), plain(archive, id)
            other += len(set(ours.items()) ^ set(theirs.items()))
            count += len(ours)
    return (
        Fact("boxes", count / len(raw.ids), "an episode"),
        Fact("boxes that differ between the two ways", other, "boxes", "none", other == 0),
    )


@dataclass(frozen=True, eq=False)
class _Parts:
    """What the phases of reading an episode begin with."""

    id: str
    files: Mapping[str, bytes]
    pickles: Sequence[bytes]
    packed: Sequence[tuple[bytes, int]]  # the files deflated, and their sizes
    looks: Sequence[tuple[Sequence[Pixels], set[int]]]  # segmentations that are measured together, and what is in them

    @classmethod
    def of(cls, archive: Archive, episode: Episode) -> Self:
        """Those of an episode that is there."""
        pictures = [f"rgb_{camera}/{t}.jpg" for camera in CAMERAS for t in range(len(episode.steps))]
        files = {f"{episode.id}/{name}": archive.read(f"{episode.id}/{name}") for name in (*PICKLES, *pictures)}
        pickles = [data for name, data in files.items() if name.endswith(".pkl")]
        return cls(episode.id, files, pickles, [_deflated(data) for data in files.values()], _looks(episode))


def _deflated(data: bytes) -> tuple[bytes, int]:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush(), len(data)


def _looks(episode: Episode) -> Sequence[tuple[Sequence[Pixels], set[int]]]:
    """Of the frames, and of the references."""
    both = [step.observation for step in episode.steps], [*episode.instruction.references.values()]
    return [
        (
            [np.asarray(mask) for look in looks for mask in look.segmentation.values()],
            {thing.id for look in looks for thing in look.objects},
        )
        for looks in both
    ]


def _costs(raw: Raw, rounds: int) -> tuple[Fact, ...]:
    """Milliseconds of one core for an episode, whole, by phase, and for what nobody can leave out."""
    archive, source = Archive(raw.path), raw.source()
    episodes = [_Parts.of(archive, source.episode(id)) for id in raw.ids]
    deeds: Mapping[str, Callable[[_Parts], object]] = {
        "read an episode whole": lambda one: look(source.episode(one.id)),
        "of it: find, inflate and check its files": lambda one: [archive.read(name) for name in one.files],
        "of it: walk its pickles and build what they hold": _unpickled,
        "of it: boxes": lambda one: [boxes(masks, ids) for masks, ids in one.looks],
        "floor: inflate the bytes": lambda one: [zlib.decompress(data, -15, size) for data, size in one.packed],
        "floor: their checksums": lambda one: [zlib.crc32(data) for data in one.files.values()],
        "floor: copy the pickles' bytes": lambda one: [bytearray(data) for data in one.pickles],
        "floor: compare each pixel of the masks": _compared,
    }
    costs = {what: _milliseconds(episodes, deed, rounds) for what, deed in deeds.items()}
    floor = sum(cost for what, cost in costs.items() if what.startswith("floor"))
    read = statistics.mean(sum(map(len, one.files.values())) for one in episodes)
    return (
        *(Fact(what, cost, "ms an episode") for what, cost in costs.items()),
        Fact("the whole to the floor", costs["read an episode whole"] / floor, "times"),
        Fact("bytes read", read / 1024, "KiB an episode, inflated"),
    )


def _unpickled(one: _Parts) -> list[object]:
    return [loads(data, one.id, STRANGERS) for data in one.pickles]


def _compared(one: _Parts) -> list[NDArray[np.bool_]]:
    return [np.not_equal(mask.ravel()[1:], mask.ravel()[:-1]) for masks, _ in one.looks for mask in masks]


def _milliseconds(episodes: Sequence[_Parts], deed: Callable[[_Parts], object], rounds: int) -> float:
    """CPU time of `deed` for an episode: of each the best of some rounds, so that neighbours hardly count."""
    return sum(min(_seconds(deed, one) for _ in range(rounds)) for one in episodes) / len(episodes) * 1e3


def _seconds(deed: Callable[[_Parts], object], one: _Parts) -> float:
    begun = time.process_time()
    deed(one)
    return time.process_time() - begun


def _memory(raw: Raw, folder: Path, *, full: bool) -> tuple[Fact, ...]:
    """Peak memory of a process that reads few episodes and of one that reads many."""
    few, many = (100, 10_000) if full else (4, 40)
    return tuple(Fact(f"peak memory, {count:,} episodes", peak(raw, folder, count), "MiB") for count in (few, many))


def peak(raw: Raw, folder: Path, episodes: int) -> float:
    """The most memory, in MiB, that a process ever has that reads so many episodes, one after another."""
    script, subset = folder / "peak.py", folder / f"listed-{episodes}.json"
    script.write_text(PEAK, encoding="utf-8")
    subset.write_text(json.dumps([*raw.ids] * -(-episodes // len(raw.ids))), encoding="utf-8")
    command = [sys.executable, str(script), str(raw.path), str(subset), str(episodes)]
    root = str(Path(__file__).parents[1])
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={"PYTHONPATH": root})
    return int(done.stdout) / 1024
