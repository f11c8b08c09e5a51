"""Where the end effector was seen in the frames of an episode, which of that to believe, and how good it is.

Points are rows (u, v) in continuous pixel coordinates, NaN where there is a gap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Episode, Point
from instar.robot import Camera, Floats
from instar.tracing import projected, seen

RUN: Final = 3  # frames in a row that may be a leap; who stays away longer went there


@dataclass(frozen=True, eq=False)
class Track:
    """The end effector in every frame of an episode, as one camera saw it and as the camera's map has it."""

    episode: str
    points: Floats  # (T, 2)
    known: Floats  # (T, 2), worked out from the state; NaN where nobody can

    @classmethod
    def of(cls, episode: Episode, camera: Camera) -> "Track":
        """What an episode itself knows."""
        steps = [step.observation for step in episode.steps]
        places = [seen(observation, camera) for observation in steps]
        known = [projected(observation, episode.robot, camera) for observation in steps]
        return cls(episode.id, as_rows(places), as_rows(known))

    @property
    def watched(self) -> bool:
        """Whether somebody saw it in any frame."""
        return not np.isnan(self.points).all()

    @property
    def worked_out(self) -> "Track":
        """The camera's map taken for what was seen."""
        return Track(self.episode, self.known, np.full_like(self.known, np.nan))


def as_rows(places: Sequence[Point | None]) -> Floats:
    """Points as rows (n, 2)."""
    return np.array([(np.nan, np.nan) if place is None else place for place in places], np.float64).reshape(-1, 2)


def leaps(points: Floats, most: float) -> NDArray[np.bool_]:
    """Which of the points (T, 2) leap away by more than `most` pixels and are back within `RUN` frames.

    Their neighbours on both sides are no farther from each other than a hand comes in that time that moves by `most` a
    frame, divided by how many leap: no steady motion is a leap, however fast. At the ends of a track nobody can tell.
    """
    there = np.flatnonzero(~np.isnan(points[:, 0]))
    away = np.zeros(len(points), np.bool_)
    k = 1
    while k < len(there) - 1:
        run = next((run for run in range(1, RUN + 1) if _leaps(points, there[k - 1 : k + run + 1], run, most)), 0)
        away[there[k : k + run]] = True
        k += run + 1
    return away


def _leaps(points: Floats, frames: NDArray[np.int64], run: int, most: float) -> bool:
    """Whether all between the first and the last of `frames` are far from both, which are near each other."""
    span = int(frames[-1] - frames[0])
    if len(frames) < run + 2 or span > RUN + 1:
        return False
    before, *between, after = points[frames]
    far = all(min(_apart(point, before), _apart(point, after)) > most for point in between)
    return far and _apart(before, after) <= most * span / run


def _apart(one: Floats, other: Floats) -> float:
    return float(np.hypot(*(one - other)))


@dataclass(frozen=True)
class Distances:
    """Distances in pixels."""

    count: int
    median: float
    q90: float
    q99: float
    largest: float
    where: str  # the largest

    @classmethod
    def of(cls, found: Iterable[tuple[float, str]]) -> "Distances | None":
        """Of distances and where each is; None where there are none."""
        every = list(found)
        if not every:
            return None
        values = np.array([value for value, _ in every])
        median, q90, q99 = np.quantile(values, (0.5, 0.9, 0.99)).tolist()
        return cls(len(every), median, q90, q99, float(values.max()), every[int(values.argmax())][1])


@dataclass(frozen=True)
class Quality:
    """How much of some tracks there is, and how steady and how true it is."""

    episodes: int
    frames: int
    points: int  # frames with a point
    never: tuple[str, ...]  # episodes without any
    gap: int  # frames of the longest gap
    gap_where: str  # "train/000003 frame 40": where it begins
    jumps: Distances | None  # from each frame to the next, where both have a point
    errors: Distances | None  # from where the camera's map has it; None where that is not known

    @property
    def coverage(self) -> float:
        """The share of frames with a point."""
        return self.points / self.frames if self.frames else 0.0


def quality(tracks: Iterable[Track]) -> Quality:
    """What there is to say about tracks of one camera."""
    every = list(tracks)
    gap, gap_where = max((_gap(track) for track in every), key=lambda found: found[0], default=(0, ""))
    return Quality(
        episodes=len(every),
        frames=sum(len(track.points) for track in every),
        points=sum(_count(track) for track in every),
        never=tuple(track.episode for track in every if not _count(track)),
        gap=gap,
        gap_where=gap_where,
        jumps=Distances.of(jump for track in every for jump in _jumps(track)),
        errors=Distances.of(error for track in every for error in _errors(track)),
    )


def _count(track: Track) -> int:
    return int((~np.isnan(track.points[:, 0])).sum())


def _gap(track: Track) -> tuple[int, str]:
    """The longest run of frames without a point, and where it begins."""
    there = np.flatnonzero(~np.isnan(track.points[:, 0]))
    edges = np.concatenate([[-1], there, [len(track.points)]])
    missing = np.diff(edges) - 1
    longest = int(missing.argmax())
    return int(missing[longest]), f"{track.episode} frame {edges[longest] + 1}" if missing[longest] else ""


def _jumps(track: Track) -> list[tuple[float, str]]:
    return _told(track, np.hypot(*np.diff(track.points, axis=0).T), later=1)


def _errors(track: Track) -> list[tuple[float, str]]:
    return _told(track, np.hypot(*(track.points - track.known).T), later=0)


def _told(track: Track, distances: Floats, later: int) -> list[tuple[float, str]]:
    there = np.flatnonzero(~np.isnan(distances)).tolist()
    return [(float(distances[k]), f"{track.episode} frame {k + later}") for k in there]
