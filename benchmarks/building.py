"""From VIMA's raw episodes to samples: `instar build` against LLaRA's own converter, for the same eight data sets.

The sets are inBC, D-inBC and the six auxiliary ones. LLaRA makes each by itself and from pictures that its step 0 wrote
(not timed); instar makes D-inBC with the six in one build and inBC in another, both from the raw episodes.
"""

import contextlib
import functools
import hashlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from benchmarks.llara import LlaraConverter
from instar import plugins
from instar.build import BuildConfig, BuildSummary, build
from instar.building.ledger import Ledger
from instar.building.rows import Tools, rows_of
from instar.collect import CollectConfig, collect_demos
from instar.demo import DemoSource, Image
from instar.samples import Samples
from instar.shards import Row, ShardWriter

CHECKOUT: Final = "INSTAR_LLARA_CHECKOUT"  # environment variable: where LLaRA's repository lies
PUBLISHED: Final = 16.9  # episodes/s of LLaRA's converter, eight sets, one process of a 2-core machine
AIM: Final = 20.0  # times LLaRA
SAMPLE: Final = Path(__file__).parents[2] / "shared" / "data" / "vima_sample.zip"
CAMERA: Final = "front"

SEEING: Final = ("all",)
ACTING: Final = ("llara", SEEING), ("llara:describe=false", ())  # D-inBC with the six sets, and inBC

PEAK: Final = """
import sys
from pathlib import Path
from instar.build import BuildConfig, build

if __name__ == "__main__":
    demos, out, workers, episodes = sys.argv[1:]
    build(BuildConfig(demos, Path(out), auxiliary=("all",), workers=int(workers), episodes=int(episodes)))
    status = Path("/proc/self/status").read_text()
    print(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
"""  # a process's own high-water mark, without that of the process it was started from

FLOOR: Final = (
    "The floor of one pass: the bytes of an episode are inflated and checked (the masks lie behind pictures in one "
    "pickle, so all of it), its frames decoded once to know them whole, its reference pictures, which are raw pixels "
    "there, packed as PNG, chance for every view and task made from its own seed, so that no order of work changes a "
    "sample, and the words packed into Parquet. Above it are unpickling, boxes, and Python making the texts and "
    "objects of each sample. On VIMA's episodes ISA-L, which inflates them 1.75 times as fast as zlib by itself, "
    "took no measurable time off a build; the quickest PNG filter took a sixth off packing, for other bytes; and "
    "more than half of the second build, inBC's, was reading again, which one pass for several recipes would spare."
)


Made = TypeVar("Made")


@dataclass(frozen=True)
class Demos:
    """Episodes in VIMA's raw layout."""

    path: Path
    ids: Sequence[str]
    folder: Path  # for what the benchmark writes

    def listed(self, times: int) -> str:
        """A source that lists every episode so many times."""
        chosen = self.folder / f"listed-{times}.json"
        chosen.write_text(json.dumps([id for id in self.ids for _ in range(times)]), encoding="utf-8")
        return f"vima:{self.path},subset={chosen},duplicates=repeat"


def run(size: Size) -> Result:
    """Episodes a second, processes, phases, floors and memory."""
    with tempfile.TemporaryDirectory() as name:
        demos = _demos(Path(name), size)
        full = size == "full"
        comparisons, facts, notes = _against_llara(demos, full=full)
        return Result(
            "Building samples",
            (*comparisons, _processes(demos, full=full)),
            (
                *facts,
                _starting(demos),
                *_phases(demos, full=full),
                *_floor(demos),
                *_parent(demos),
                *_memory(demos, full=full),
            ),
            (_told(demos), *notes, FLOOR),
        )


def _demos(folder: Path, size: Size) -> Demos:
    """The real sample at full size where there is one, else what the tabletop's expert does, in VIMA's layout."""
    path = SAMPLE
    if size == "small" or not path.exists():
        path = folder / "raw"
        collect_demos(CollectConfig("tabletop:episodes=4,tasks=rotate+visual_manipulation", path, workers=1))
    source: DemoSource = plugins.make("demos", f"vima:{path}")
    return Demos(path, source.ids(), folder)


def _told(demos: Demos) -> str:
    which = "of VIMA's published data" if demos.path == SAMPLE else "that the tabletop's expert played"
    return f"{len(demos.ids)} episodes {which}, listed as often as a measurement needs them."


def _against_llara(demos: Demos, *, full: bool) -> tuple[tuple[Comparison, ...], tuple[Fact, ...], tuple[str, ...]]:
    ours = Contender("instar build, twice", lambda: _eight_sets(demos, 20 if full else 1))
    checkout = os.environ.get(CHECKOUT, "")
    if not checkout or demos.path != SAMPLE:
        begun = time.perf_counter()
        rate = ours.work() / (time.perf_counter() - begun)
        facts = (
            Fact("LLaRA's converter, eight sets, as measured elsewhere", PUBLISHED, "episodes/s"),
            Fact("instar build, eight sets", rate, "episodes/s"),
            Fact("instar to that", rate / PUBLISHED, "times"),
            Fact("samples of an episode, instar", _samples_made(demos), "samples"),
        )
        return (), facts, (f"LLaRA's converter was not run: {CHECKOUT} names no checkout, or the data is not VIMA's.",)
    return _side_by_side(demos, Path(checkout), ours)


def _side_by_side(
    demos: Demos, checkout: Path, ours: Contender
) -> tuple[tuple[Comparison, ...], tuple[Fact, ...], tuple[str, ...]]:
    folder = demos.folder / "llara"
    folder.mkdir()
    begun = time.perf_counter()
    converter = LlaraConverter(checkout, demos.path, folder)
    prepared = time.perf_counter() - begun

    def eight() -> float:
        converter.auxiliary()
        converter.cloning(describe=True)
        converter.cloning(describe=False)
        return len(converter.ids)

    def seven() -> float:
        converter.auxiliary()
        converter.cloning(describe=True)
        return len(converter.ids)

    one = Contender("instar build, once", lambda: _episodes(demos, 20, 1))
    comparisons = (
        compare("inBC, D-inBC and the six auxiliary sets", "episodes", (Contender("LLaRA", eight), ours), aim=AIM),
        compare("D-inBC and the six auxiliary sets", "episodes", (Contender("LLaRA", seven), one), rounds=3, aim=AIM),
    )
    made = converter.samples() / len(converter.ids)
    facts = (
        Fact("LLaRA's converter, eight sets, as measured elsewhere", PUBLISHED, "episodes/s"),
        Fact("LLaRA's step 0, not timed above", prepared / len(converter.ids) * 1e3, "ms an episode"),
        Fact("samples of an episode, LLaRA", made, "samples"),
        Fact("samples of an episode, instar", _samples_made(demos), "samples", "as many", _samples_made(demos) == made),
    )
    return comparisons, facts, ()


@contextlib.contextmanager
def _out(demos: Demos) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=demos.folder) as name:
        yield Path(name) / "samples"


def _built(demos: Demos, times: int, recipe: str, auxiliary: Sequence[str], workers: int = 1) -> BuildSummary:
    with _out(demos) as out:
        return build(BuildConfig(demos.listed(times), out, recipe, tuple(auxiliary), workers=workers))


def _eight_sets(demos: Demos, times: int) -> float:
    summaries = [_built(demos, times, recipe, auxiliary) for recipe, auxiliary in ACTING]
    return summaries[0].episodes


def _episodes(demos: Demos, times: int, workers: int) -> float:
    recipe, auxiliary = ACTING[0]
    return _built(demos, times, recipe, auxiliary, workers).episodes


def _samples_made(demos: Demos) -> float:
    made = (_built(demos, 1, recipe, auxiliary) for recipe, auxiliary in ACTING)
    return sum(sum(summary.counts.values()) for summary in made) / len(demos.ids)


def _processes(demos: Demos, *, full: bool) -> Comparison:
    """One worker and two, with enough to do that starting them hardly counts."""
    contenders = [
        Contender(name, functools.partial(_episodes, demos, 30 if full else 10, workers))
        for name, workers in (("in one process", 1), ("with two workers", 2))
    ]
    return compare("D-inBC and the six auxiliary sets", "episodes", contenders, rounds=3 if full else 1)


def _starting(demos: Demos) -> Fact:
    """Seconds that two workers take to get ready, by a build that has next to nothing to do."""

    def seconds(workers: int) -> float:
        recipe, auxiliary = ACTING[1]
        with _out(demos) as out:
            begun = time.perf_counter()
            build(
                BuildConfig(demos.listed(1), out, recipe, auxiliary, episodes=2, workers=workers, episodes_per_shard=1)
            )
            return time.perf_counter() - begun

    return Fact("starting two workers", seconds(2) - seconds(1), "s")


def _phases(demos: Demos, *, full: bool) -> tuple[Fact, ...]:
    """Milliseconds of one core that an episode takes in each part of a build."""
    tools = _tools(demos)
    rounds = [_round(tools, demos.ids) for _ in range(5 if full else 1)]
    names = (
        "read an episode",
        "measure its boxes, fetch and pack its pictures",
        "know the pictures whole and say everything",
        "write it into a shard",
    )
    return tuple(
        Fact(name, statistics.median(each) * 1e3, "ms an episode")
        for name, each in zip(names, zip(*rounds, strict=True), strict=True)
    )


def _tools(demos: Demos) -> Tools:
    tasks = {name: plugins.make("auxiliary", name) for name in plugins.names("auxiliary")}
    return Tools(plugins.make("demos", f"vima:{demos.path}"), "llara", plugins.make("recipes", "llara"), tasks)


def _round(tools: Tools, ids: Sequence[str]) -> tuple[float, ...]:
    """CPU seconds of reading, looking, saying and writing, per episode."""
    read, episodes = _seconds(lambda: [tools.source.episode(id) for id in ids])
    looked, _ = _seconds(lambda: [view.images[CAMERA].data for episode in episodes for view in episode.views()])
    said, rows = _seconds(lambda: [rows_of(episode, tools, 0) for episode in episodes])
    written, _ = _seconds(lambda: _shard(list(itertools.chain(*rows)), len(ids)))
    return tuple(seconds / len(ids) for seconds in (read, looked, said, written))


def _shard(rows: Sequence[Row], episodes: int) -> bytes:
    writer = ShardWriter()
    writer.add(rows)
    return writer.finish("", episodes, ())


def _seconds(work: Callable[[], Made]) -> tuple[float, Made]:
    """CPU seconds that it took, and what it made."""
    begun = time.process_time()
    made = work()
    return time.process_time() - begun, made


def _floor(demos: Demos) -> tuple[Fact, ...]:
    """What nobody can leave out, and the bytes that it is about."""
    recipe, auxiliary = ACTING[0]
    with _out(demos) as out:
        summary = build(BuildConfig(demos.listed(1), out, recipe, auxiliary, workers=1))
        rows, shards = list(Samples.open(out)), [path.read_bytes() for path in out.glob("*.parquet")]
    episodes = [_tools(demos).source.episode(id) for id in demos.ids]
    frames = [step.observation.images[CAMERA].data for episode in episodes for step in episode.steps]
    references = [
        reference.images[CAMERA].pixels for one in episodes for reference in one.instruction.references.values()
    ]
    pictures = [Image.encoded(data) for data in frames]
    looks = sum(len(list(episode.views())) for episode in episodes)
    seeds = np.arange(4 * looks * len(plugins.names("auxiliary")), dtype=np.uint32).reshape(-1, 4)
    deeds: dict[str, Callable[[], object]] = {
        "floor: read, inflate and check the bytes": lambda: _bytes(demos),
        "floor: decode the frames once": lambda: _require_whole(pictures),
        "floor: pack reference pictures as PNG": lambda: [Image.of(pixels).data for pixels in references],
        "floor: make a generator for every view and task": lambda: _generators(seeds),
        "floor: write rows that are there into a shard": lambda: _shard(rows, len(demos.ids)),
        "floor: SHA-256 of the shard": lambda: [hashlib.sha256(shard).hexdigest() for shard in shards],
    }
    each = len(demos.ids)
    return (
        *(
            Fact(what, min(_seconds(deed)[0] for _ in range(3)) / each * 1e3, "ms an episode")
            for what, deed in deeds.items()
        ),
        Fact("bytes read", _bytes(demos) / each / 1024, "KiB an episode, inflated"),
        Fact("bytes written", summary.bytes / each / 1024, "KiB an episode"),
    )


def _generators(seeds: NDArray[np.uint32]) -> None:
    for seed in seeds:  # one at a time, as a build does: thousands at once are no work of its
        np.random.Generator(np.random.PCG64(seed))


def _require_whole(pictures: Sequence[Image]) -> None:
    for picture in pictures:
        picture.require_whole()


def _bytes(demos: Demos) -> int:
    """Read all that a build must look at: the pickles and one camera's frames."""
    if demos.path.is_dir():
        return sum(len(path.read_bytes()) for path in demos.path.rglob("*") if _needed(path.as_posix()))
    with zipfile.ZipFile(demos.path) as archive:
        return sum(len(archive.read(name)) for name in archive.namelist() if _needed(name))


def _needed(name: str) -> bool:
    return (name.endswith(".pkl") and not name.endswith("metadata.pkl")) or f"rgb_{CAMERA}/" in name


def _parent(demos: Demos) -> tuple[Fact, ...]:
    """What the one process that writes has to do for each episode, whoever built it: beyond it, workers wait."""
    tools, ids = _tools(demos), demos.ids
    shard = _shard([row for id in ids for row in rows_of(tools.source.episode(id), tools, 0)], len(ids))
    with tempfile.TemporaryDirectory(dir=demos.folder) as name:
        ledger = Ledger(Path(name), "", [len(ids)] * 20)
        begun = time.perf_counter()
        for number in range(20):
            ledger.enter(number, shard)
        rate = 20 * len(ids) / (time.perf_counter() - begun)
    return (Fact("the parent of a parallel build takes in", rate, "episodes/s, the disk's answer included"),)


def _memory(demos: Demos, *, full: bool) -> tuple[Fact, ...]:
    """Peak memory of a whole process for few episodes and for many, and of the parent of two workers."""
    few, many = (100, 10_000) if full else (4, 40)
    runs = ((few, 1, "one process"), (many, 1, "one process"), (many, 2, "the parent of two workers"))
    return tuple(
        Fact(f"peak memory, {count:,} episodes, {who}", _peak(demos, count, workers), "MiB")
        for count, workers, who in runs
    )


def _peak(demos: Demos, episodes: int, workers: int) -> float:
    script = demos.folder / "peak.py"
    script.write_text(PEAK, encoding="utf-8")
    with _out(demos) as out:
        listed = demos.listed(-(-episodes // len(demos.ids)))
        command = [sys.executable, str(script), listed, str(out), str(workers), str(episodes)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1024
