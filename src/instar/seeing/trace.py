"""A detector's look at every frame of some demonstrations, kept as traces: from where it was stopped, if it was.

What was seen of an episode is on disk in `OUT.partial` before the next one is looked at; the file itself is written
once, at the end.
"""

import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from typing_extensions import Doc

from instar import __version__, engines, plugins
from instar.demo import DemoSource, Image, Point
from instar.edges import plain
from instar.errors import ConfigError, DataError, MismatchError, SimulatorError
from instar.files import JSON, append_jsonl, read_jsonl
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.seeing.aim import remark_camera, surest
from instar.seeing.detect import Detector
from instar.seeing.effector import NAME
from instar.seeing.track import Track, as_rows, leaps, quality
from instar.seeing.track_file import FORMAT, Seen, TraceFacts, TraceRun, Tracks, write_tracks
from instar.tracing import projected
from instar.training.run import require_same

logger = logging.getLogger(__name__)

TOGETHER: Final = 32  # frames that are decoded at a time
LEAP: Final = 0.1  # of the longer side of a picture


@dataclass(frozen=True)
class TraceConfig:
    """Demonstrations in, the places of their end effector out."""

    demos: Annotated[str, Doc("demonstrations to look at, as FORMAT:OPTIONS")]
    detector: Annotated[str, Doc("who looks, e.g. detr:eye/ or detr:eye/,threshold=0.4,batch=32")]
    out: Annotated[Path, Doc("file of the traces, .parquet; the same command again goes on with what was interrupted")]
    camera: Annotated[str, Doc("the camera whose pictures are looked at")] = "front"
    name: Annotated[str, Doc("what the detector calls an end effector")] = NAME
    leap: Annotated[
        float | None,
        Doc("pixels; points that leap farther and come back are gaps; a tenth of the picture's longer side"),
    ] = None
    episodes: Annotated[int | None, Doc("only the first so many episodes")] = None
    workers: Annotated[int, Doc("processes that read demonstrations; 0 is one per core")] = 0

    def __post_init__(self) -> None:
        if self.leap is not None and self.leap <= 0:
            raise ConfigError(f"leap is {self.leap:g}; it must be above 0")
        if self.workers < 0 or (self.episodes is not None and self.episodes < 1):
            raise ConfigError("episodes must be at least 1 and workers at least 0")


@dataclass(frozen=True)
class TraceSummary:
    """What was seen."""

    traces: Path
    detector: str
    camera: str
    episodes: int
    left_out: int  # episodes that could not be read
    never: int  # episodes that never show it
    frames: int
    points: int  # frames with a point
    coverage: float  # share of the frames
    leaps: int  # points that leap away and come back: gaps
    longest_gap: str  # frames, and where it begins
    jump_99: float | None  # pixels from a frame to the next, in 99 % of them
    jump_largest: str
    error_median: float | None  # pixels from where the camera's map has it; None where there is none
    error_90: float | None
    error_largest: str
    seconds: float  # taken by this run
    resumed: int  # episodes that an earlier run had looked at


def trace_demos(config: TraceConfig, progress: Progress = silent) -> TraceSummary:
    """Look at every frame of every episode for the end effector, and write where it is.

    Raises ConfigError where `config.out` holds other traces, DataError where no episode can be read.
    """
    started = time.monotonic()
    source: DemoSource = plugins.make("demos", config.demos)
    detector: Detector = plugins.make("detectors", config.detector)
    remark_camera(detector, config.camera)
    ids = list(source.ids()[: config.episodes])
    run = _run(config, source, detector)
    partial = config.out.with_name(f"{config.out.name}.partial")
    resumed = len(ids)
    if config.out.exists():
        require_same(config.out, plain(Tracks(config.out).facts.run), plain(run))
    else:
        resumed = _look(detector, run, ids, _Place(partial, config.workers), progress)
        _write(config.out, run, ids, {str(row["episode"]): row for row in read_jsonl(partial)[1:]})
    partial.unlink(missing_ok=True)
    return _summary(config, Tracks(config.out).facts, resumed, time.monotonic() - started)


def _run(config: TraceConfig, source: DemoSource, detector: Detector) -> TraceRun:
    return TraceRun(
        demos=plugins.choice_of("demos", source).to_json(),
        fingerprint=source.fingerprint(),
        episodes=config.episodes,
        detector=plugins.portable("detectors", detector).to_json(),
        detector_fingerprint=detector.fingerprint(),
        threshold=detector.threshold,
        name=config.name,
        camera=config.camera,
        leap=config.leap,
    )


@dataclass(frozen=True)
class _Place:
    """Where what was seen goes at once, and how many read at a time."""

    partial: Path
    workers: int


def _look(detector: Detector, run: TraceRun, ids: Sequence[str], place: _Place, progress: Progress) -> int:
    """Look at the episodes that are not on disk yet; how many were."""
    rows = read_jsonl(place.partial)
    if rows:
        require_same(place.partial, rows[0].get("run", {}), plain(run))
    else:
        append_jsonl(place.partial, {"run": plain(run)})
    done = {row["episode"] for row in rows[1:]}
    points = sum(_count(row) for row in rows[1:])
    jobs = [(Choice.from_json(run.demos), id, run.camera) for id in ids if id not in done]
    with contextlib.closing(engines.run("local", _read, jobs, place.workers)) as episodes:
        for number, frames in enumerate(episodes, start=len(done) + 1):
            row = _row(detector, frames, run.name)
            append_jsonl(place.partial, row)
            points += _count(row)
            progress(number, len(ids), f"{points:,} points")
    return len(done)


def _count(row: Mapping[str, Any]) -> int:
    return sum(point is not None for point in row["points"])


@dataclass(frozen=True, eq=False)
class _Frames:
    """The pictures of one episode, or why there are none."""

    id: str
    pictures: tuple[bytes | None, ...] = ()  # None where a frame has none of this camera
    size: tuple[int, int] = (0, 0)  # height and width
    known: tuple[Point | None, ...] = ()  # where the camera's map has the end effector
    problem: str = ""


def _read(job: tuple[Choice, str, str]) -> _Frames:
    demos, id, camera = job
    try:
        return _frames(plugins.make("demos", demos), id, camera)
    except (DataError, MismatchError, SimulatorError) as error:
        return _Frames(id, problem=str(error))


def _frames(source: DemoSource, id: str, name: str) -> _Frames:
    """The pictures of an episode, every one of them whole. Raises DataError."""
    episode = source.episode(id)
    camera = episode.robot.camera(name)
    seen = [step.observation.images.get(name) for step in episode.steps]
    sizes = {image.pixels.shape[:2] for image in seen if image is not None}
    if sizes != {(camera.height, camera.width)}:
        told = ", ".join(f"{width} x {height}" for height, width in sorted(sizes)) or "none"
        raise DataError(f"pictures of camera {name!r}: {told}; expected {camera.width} x {camera.height}")
    pictures = tuple(None if image is None else image.data for image in seen)
    known = tuple(projected(step.observation, episode.robot, camera) for step in episode.steps)
    return _Frames(id, pictures, (camera.height, camera.width), known)


def _row(detector: Detector, frames: _Frames, name: str) -> dict[str, JSON]:
    """What is seen of an episode, as it is kept until the end."""
    points: list[list[float] | None] = [None] * len(frames.pictures)
    shown = [k for k, picture in enumerate(frames.pictures) if picture is not None]
    for start in range(0, len(shown), TOGETHER):
        some = shown[start : start + TOGETHER]
        images = [Image.encoded(frames.pictures[k] or b"") for k in some]
        for k, seen in zip(some, detector.find(images), strict=True):
            best = surest(seen, name)
            if best is not None and _inside(best.place, frames.size):
                points[k] = [*(round(part, 3) for part in best.place), round(best.score, 4)]
    return {
        "episode": frames.id,
        "points": points,
        "known": [None if place is None else list(place) for place in frames.known],
        "size": list(frames.size),
        "problem": frames.problem,
    }


def _inside(place: Point, size: tuple[int, int]) -> bool:
    """Whether a place is in a picture of this height and width: boxes at its border may have their middle outside."""
    return 0 <= place[0] < size[1] and 0 <= place[1] < size[0]


def _write(out: Path, run: TraceRun, ids: Sequence[str], rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Say which points are to be believed, and write all of them."""
    left_out = {id: rows[id]["problem"] for id in ids if rows[id]["problem"]}
    readable = [id for id in ids if id not in left_out]
    if not readable:
        first = next(iter(left_out), "")
        raise DataError(f"none of the {len(ids)} episodes can be looked at; {first}: {left_out.get(first, '')}")
    size = rows[readable[0]]["size"]
    for id in [id for id in readable if rows[id]["size"] != size]:
        left_out[id] = f"pictures of {rows[id]['size'][1]} x {rows[id]['size'][0]}, others of {size[1]} x {size[0]}"
    leap = run.leap or LEAP * max(size)
    seen = [_seen(id, rows[id], leap) for id in readable if id not in left_out]
    found = quality(Track(one.episode, one.believed, as_rows(rows[one.episode]["known"])) for one in seen)
    leapt = sum(int(one.leaps.sum()) for one in seen)
    if not found.points:
        logger.warning("no frame shows the %s; choose a lower threshold, or another detector", run.name)
    write_tracks(out, TraceFacts(FORMAT, __version__, run, size[0], size[1], leap, leapt, found, left_out), seen)


def _seen(id: str, row: Mapping[str, Any], leap: float) -> Seen:
    numbers = np.array([point or [np.nan] * 3 for point in row["points"]], np.float64).reshape(-1, 3)
    return Seen(id, numbers[:, :2], numbers[:, 2], leaps(numbers[:, :2], leap))


def _summary(config: TraceConfig, facts: TraceFacts, resumed: int, seconds: float) -> TraceSummary:
    found = facts.quality
    jumps, errors = found.jumps, found.errors
    return TraceSummary(
        traces=config.out,
        detector=config.detector,
        camera=config.camera,
        episodes=found.episodes,
        left_out=len(facts.left_out),
        never=len(found.never),
        frames=found.frames,
        points=found.points,
        coverage=found.coverage,
        leaps=facts.leaps,
        longest_gap=f"{found.gap} from {found.gap_where}" if found.gap else "none",
        jump_99=jumps.q99 if jumps else None,
        jump_largest=f"{jumps.largest:.1f} pixels: {jumps.where}" if jumps else "none",
        error_median=errors.median if errors else None,
        error_90=errors.q90 if errors else None,
        error_largest=f"{errors.largest:.1f} pixels: {errors.where}" if errors else "not known",
        seconds=seconds,
        resumed=resumed,
    )
