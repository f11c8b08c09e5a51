"""Episodes as strips of pictures with the wanted action drawn in, few enough that the page stays light."""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from instar.demo import Image
from instar.errors import DataError
from instar.files import door
from instar.playing.film import Frames, frames, place
from instar.reporting.entries import Entry
from instar.reporting.plots import duration
from instar.reporting.tables import ordered_ids
from instar.robot import Camera
from instar.rollout import EpisodeRecord, Outcome, TraceStep

STEPS: Final = 12  # pictures of one episode at most
WIDEST: Final = 512  # pixels of a picture; larger ones are shrunk
LARGEST: Final = 16_000_000  # bytes of all pictures on a page
FILM: Final = 400_000  # bytes of a video that still goes onto the page
WORDS: Final = 8000  # characters of one question or reply that are shown


@dataclass(frozen=True)
class Drawing:
    """An action on a picture, in pixels: a circle where it picks, a cross where it places, an arrow between."""

    width: int
    height: int
    pick_x: float
    pick_y: float
    radius: float
    cross: str  # path
    shaft: str  # path of the arrow; empty where start and end are too close
    words: str


@dataclass(frozen=True)
class Frame:
    """One picture with what was asked, said and done about it."""

    source: str  # data URI
    width: int
    height: int
    alt: str
    caption: str
    drawing: Drawing | None
    question: str
    reply: str
    unreadable: str
    summary: str  # one line for those who do not open the rest
    facts: tuple[tuple[str, str], ...]  # the action's dimensions, the time it took


@dataclass(frozen=True)
class Strip:
    """One episode as one policy played it."""

    index: int
    label: str
    outcome: str
    words: str
    frames: tuple[Frame, ...]
    video: str  # data URI; empty where there is none that is small enough

    @property
    def lengthy(self) -> bool:
        """Whether it needs the whole width of a page."""
        return len(self.frames) > 4


@dataclass(frozen=True)
class ShownTrial:
    """One episode with the strips of all policies that played it."""

    id: str
    anchor: str
    instruction: str
    strips: tuple[Strip, ...]

    @property
    def lengthy(self) -> bool:
        """Whether any strip needs the whole width of a page."""
        return any(strip.lengthy for strip in self.strips)


@dataclass(frozen=True)
class Group:
    """The episodes of one task, failures first."""

    label: str
    trials: tuple[ShownTrial, ...]


@dataclass(frozen=True)
class Gallery:
    """What is shown of the episodes, and what is not."""

    groups: tuple[Group, ...]
    shown: int  # strips with pictures on the page
    filmed: int  # strips that have pictures on disk

    @property
    def anchors(self) -> dict[str, str]:
        """Where on the page each shown episode is, by its id."""
        return {trial.id: trial.anchor for group in self.groups for trial in group.trials}


Played = Mapping[str, Sequence[tuple[Entry, EpisodeRecord]]]  # by episode id, in the order of the runs


def gallery(entries: Sequence[Entry], most: int) -> Gallery:
    """Pictures of at most `most` episodes, whole trials at a time, tasks taking turns and failures coming first."""
    played: dict[str, list[tuple[Entry, EpisodeRecord]]] = {key: [] for key in ordered_ids(entries)}
    for entry in entries:
        for record in entry.records:
            played[record.id].append((entry, record))
    filmed = {key: [pair for pair in pairs if _filmed(*pair)] for key, pairs in played.items()}
    chosen = _chosen({key: pairs for key, pairs in filmed.items() if pairs}, most)
    by_task: dict[str, list[str]] = {}
    for key in filter(chosen.__contains__, played):
        by_task.setdefault(key.rpartition("/")[0], []).append(key)
    groups = tuple(
        Group(task, tuple(_trial(key, played[key]) for key in sorted(ids, key=lambda key: _solved(played[key]))))
        for task, ids in by_task.items()
    )
    return Gallery(groups, sum(len(filmed[key]) for key in chosen), sum(len(pairs) for pairs in filmed.values()))


def _filmed(entry: Entry, record: EpisodeRecord) -> bool:
    return (entry.run.folder / "frames" / place(record.id) / "film.json").is_file()


def _weight(entry: Entry, record: EpisodeRecord) -> int:
    """Bytes of the pictures of an episode that go onto the page, before they are shrunk."""
    film = frames(entry.run.folder, record.id)
    return sum(film.paths[t].stat().st_size for t in _shown(film)) if film else 0


def _solved(pairs: Sequence[tuple[Entry, EpisodeRecord]]) -> bool:
    return all(record.outcome is Outcome.SUCCESS for _, record in pairs)


def _chosen(filmed: Played, most: int) -> set[str]:
    """Ids that together have at most `most` strips of `LARGEST` bytes: failures before successes, tasks in turn."""
    tasks: dict[str, list[str]] = {}
    for key in sorted(filmed, key=lambda key: _solved(filmed[key])):
        tasks.setdefault(key.rpartition("/")[0], []).append(key)
    chosen: set[str] = set()
    room = LARGEST
    for key in (key for turn in zip_longest(*tasks.values()) for key in turn if key is not None):
        weight = sum(_weight(*pair) for pair in filmed[key])
        if len(filmed[key]) <= most and weight <= room:
            chosen.add(key)
            most -= len(filmed[key])
            room -= weight
    return chosen


def _trial(id: str, pairs: Sequence[tuple[Entry, EpisodeRecord]]) -> ShownTrial:
    anchor = "episode-" + hashlib.blake2b(id.encode(), digest_size=6).hexdigest()
    instruction = next((record.instruction for _, record in pairs if record.instruction), "")
    return ShownTrial(id, anchor, instruction, tuple(_strip(entry, record) for entry, record in pairs))


def _strip(entry: Entry, record: EpisodeRecord) -> Strip:
    film = frames(entry.run.folder, record.id)
    count = f"{record.steps} step{'' if record.steps == 1 else 's'}"
    missing = "" if film else " (no pictures kept)"
    words = f"{count}: {record.error}{missing}" if record.error else f"{count}{missing}"
    pictures = tuple(_frames(film, record)) if film else ()
    video = entry.run.folder / "videos" / place(record.id).with_suffix(".mp4")
    # Where every frame is on the page already, a video of the same frames would say nothing more.
    told = film is None or len(film.paths) <= STEPS
    return Strip(entry.index, entry.label, record.outcome.value, words, pictures, "" if told else _video(video))


def _frames(film: Frames, record: EpisodeRecord) -> Iterator[Frame]:
    """The pictures of an episode; of a long one some, evenly spread, with its beginning first and its end last."""
    for t in _shown(film):
        step = record.trace[t] if t < len(record.trace) else None
        yield _frame(film, record, t, step)


def _shown(film: Frames) -> list[int]:
    last = len(film.paths) - 1
    return sorted({int(t) for t in np.linspace(0, last, min(last + 1, STEPS)).round()})


def _frame(film: Frames, record: EpisodeRecord, t: int, step: TraceStep | None) -> Frame:
    source, height, width = _picture(film.paths[t])
    drawing = _drawing(film.camera, film.names, step.action) if step else None
    caption = f"step {t + 1}" if step else "end"
    alt = f"{record.id}, {'before ' + caption if step else 'at the end'}"
    return Frame(
        source,
        width,
        height,
        f"{alt}; {drawing.words}" if drawing else alt,
        caption,
        drawing,
        _shortened(step.question) if step else "",
        _shortened(step.reply) if step else "",
        (step.unreadable or "") if step else "",
        (step.reply or _told(film.names, step)) if step else "",
        tuple(_facts(film.names, step)) if step else (),
    )


def _shortened(text: str) -> str:
    return text if len(text) <= WORDS else f"{text[:WORDS]} … ({len(text) - WORDS} more characters)"


def _told(names: Sequence[str], step: TraceStep) -> str:
    """The action in numbers, for policies that do not speak."""
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(names, step.action, strict=False))


def _facts(names: Sequence[str], step: TraceStep) -> Iterator[tuple[str, str]]:
    for name, value in zip(names, step.action, strict=False):
        yield name, f"{value:.4f}"
    if step.milliseconds:
        yield "policy call", duration(step.milliseconds)


def _picture(path: Path) -> tuple[str, int, int]:
    """A picture as a data URI, with its height and width; shrunk where it is larger than a page needs."""
    with door(path):
        data = path.read_bytes()
    try:
        pixels = Image.encoded(data).pixels
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    height, width = pixels.shape[:2]
    if width > WIDEST:
        height, width = round(height * WIDEST / width), WIDEST
        pixels = np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        done, buffer = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
        assert done
        data = buffer.tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode(), height, width


def _video(path: Path) -> str:
    if not path.is_file() or path.stat().st_size > FILM:
        return ""
    with door(path):
        return "data:video/mp4;base64," + base64.b64encode(path.read_bytes()).decode()


def _drawing(camera: Camera, names: Sequence[str], action: Sequence[float]) -> Drawing | None:
    """Where a pick and place begins and ends in the picture; None for another kind of action, or none."""
    value = dict(zip(names, action, strict=False))
    if not {"start_x", "start_y", "end_x", "end_y"} <= value.keys():
        return None
    points = camera.project(
        [[value[f"{end}_x"], value[f"{end}_y"], value.get(f"{end}_z", 0.0)] for end in ("start", "end")]
    )
    # Far outside the picture is still a direction.
    limits = np.array([camera.width, camera.height])
    (x0, y0), (x1, y1) = np.clip(points, -limits, 2 * limits).tolist()
    size = camera.height / 26
    across = f"{2 * size:.1f}"
    cross = f"M{x1 - size:.1f},{y1 - size:.1f}l{across},{across}m0,-{across}l-{across},{across}"
    words = f"pick at pixel ({points[0, 0]:.0f}, {points[0, 1]:.0f}), place at ({points[1, 0]:.0f}, {points[1, 1]:.0f})"
    return Drawing(
        camera.width,
        camera.height,
        round(x0, 1),
        round(y0, 1),
        round(size * 1.1, 1),
        cross,
        _arrow((x0, y0), (x1, y1), size),
        words,
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], size: float) -> str:
    """A shaft from the circle to just before the cross, with its head."""
    (x0, y0), (x1, y1) = start, end
    length = float(np.hypot(x1 - x0, y1 - y0))
    if length < 3.5 * size:
        return ""
    dx, dy = (x1 - x0) / length, (y1 - y0) / length
    ax, ay = x0 + dx * 1.1 * size, y0 + dy * 1.1 * size
    bx, by = x1 - dx * 1.3 * size, y1 - dy * 1.3 * size
    heads = [(bx - size * (dx * 0.9 + s * dy * 0.6), by - size * (dy * 0.9 - s * dx * 0.6)) for s in (1, -1)]
    (hx, hy), (kx, ky) = heads
    return f"M{ax:.1f},{ay:.1f}L{bx:.1f},{by:.1f}M{hx:.1f},{hy:.1f}L{bx:.1f},{by:.1f}L{kx:.1f},{ky:.1f}"
