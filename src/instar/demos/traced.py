"""Demonstrations with the end effector's places that `instar trace` found in their pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc

from instar import plugins
from instar.demo import DemoSource, Episode
from instar.errors import ConfigError
from instar.files import digest, door
from instar.plugins import Choice
from instar.seeing.track_file import TraceFacts, Tracks, attach


@dataclass(frozen=True)
class Traced:
    """The episodes that were traced, as their own source has them, each with where cameras saw the end effector."""

    traces: Annotated[tuple[Path, ...] | Path, Doc("the file that `instar trace` wrote, or a list: one a camera")]
    demos: Annotated[str, Doc("the demonstrations; empty: where they were when they were traced")] = ""

    def __post_init__(self) -> None:
        if not self._files:
            raise ConfigError("traced: name at least one file of traces")

    def ids(self) -> Sequence[str]:
        """The ids of the episodes that were traced, by every camera, in the order of their source."""
        first, *others = self._opened().tracks
        there = [set(tracks.ids()) for tracks in others]
        return [id for id in first.ids() if all(id in ids for ids in there)]

    def episode(self, id: str) -> Episode:
        """One episode with its traces. Raises DataError where it was not traced, or is another now."""
        opened = self._opened()
        episode = opened.source.episode(id)
        for tracks in opened.tracks:
            episode = attach(episode, tracks)
        return episode

    def fingerprint(self) -> str:
        """Of the demonstrations and of the files."""
        opened = self._opened()
        return digest([opened.source.fingerprint(), *(tracks.fingerprint for tracks in opened.tracks)])

    def remarks(self) -> Sequence[str]:
        """What was left out when they were traced, and which episodes have no trace at all."""
        return [remark for tracks in self._opened().tracks for remark in _remarks(tracks.facts)]

    @property
    def _files(self) -> tuple[Path, ...]:
        return (self.traces,) if isinstance(self.traces, Path) else self.traces

    def _opened(self) -> "_Opened":
        stamps = []
        for path in self._files:
            with door(path):
                stamps.append((path.stat().st_mtime_ns, path.stat().st_size))
        return _opened(self._files, self.demos, tuple(stamps))


def _remarks(facts: TraceFacts) -> Iterator[str]:
    if facts.left_out:
        id, why = next(iter(facts.left_out.items()))
        yield f"{len(facts.left_out):,} episodes could not be traced, first {id}: {why}"
    if never := facts.quality.never:
        run = facts.run
        yield f"camera {run.camera!r} never shows the {run.name} in {len(never):,} episodes, first {never[0]}"


@dataclass(frozen=True, eq=False)
class _Opened:
    source: DemoSource
    tracks: Sequence[Tracks]


@lru_cache(maxsize=4)
def _opened(files: tuple[Path, ...], demos: str, _stamps: tuple[tuple[int, int], ...]) -> _Opened:
    """Kept by each process while the files are the same; traces of other demonstrations are refused."""
    tracks = [Tracks(path) for path in files]
    choice = Choice.parse(demos) if demos else Choice.from_json(tracks[0].facts.run.demos)
    source: DemoSource = plugins.make("demos", choice)
    for each in tracks:
        each.require(source)
    return _Opened(source, tracks)
