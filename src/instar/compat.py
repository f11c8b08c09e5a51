"""Numbers as LLaRA's published code makes them, for its data sets, checkpoints and result files.

`markup` says an action exactly. The published code cuts positions down to whole pixels, cuts rotations down to whole
degrees without wrapping them, keeps executed actions in float32, and takes whatever numbers it finds in a reply.
`Numbers` is the one switch between the two; everything else in the house stays the same. After LLaRA (Li et al.,
ICLR 2025), whose positions are float32 and whose arithmetic is numpy 1's: in double precision from there on.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from instar import markup
from instar.demo import Episode, SceneObject
from instar.errors import MismatchError, ReplyError
from instar.robot import Camera, Floats, Robot


@dataclass(frozen=True)
class _View:
    """Pixel = (metre - low) * scale + origin, along each axis of the picture."""

    across: tuple[float, float]  # scale and origin of world y
    down: tuple[float, float]  # of world x


_VIEWS: Final = {"front": _View((251, 3), (178, 34)), "top": _View((251, 2), (252, 1))}
_SIZE: Final = (128, 256)  # height and width that the constants are for
_LOW: Final = (0.25, -0.5)  # metres
_HIGH: Final = (0.75, 0.5)

_PAIR: Final = re.compile(r"\(.+?,.+?\)")
_TURN: Final = re.compile(r"\[(-*\d*)\]")


@dataclass(frozen=True)
class Numbers:
    """How actions become the numbers of a sentence and back: exactly, or as the published code does it."""

    compat: bool = False

    def values(self, action: Floats, camera: Camera) -> dict[str, Any]:
        """The values of a move but for its object: `action` (6,) as `camera` sees it."""
        return _cut_values(action, camera) if self.compat else markup.move_values(action, camera)

    def action(self, values: Mapping[str, Any], camera: Camera, robot: Robot) -> Floats:
        """The action (6,) that a move says; positions outside the table are moved to its border."""
        return _settled(values, camera) if self.compat else markup.move_action(values, camera, robot)

    def moved(self, episode: Episode, t: int, camera: Camera) -> str:
        """The name of the object that action `t` moves."""
        return _moved_object(episode, t, camera) if self.compat else markup.moved_object(episode, t, camera)


def degrees(action: Floats) -> int:
    """How far `action` (6,) turns its object about +z, cut down to whole degrees; the difference is not wrapped."""
    start, end = (np.rad2deg(math.remainder(action[k], math.tau)) for k in (2, 5))
    return int(end - start)


def settled_pose(x: float, y: float) -> tuple[float, float]:
    """A position on the table as it is after being executed: inside the workspace and in float32."""
    inside = np.clip((x, y), _LOW, _HIGH).astype(np.float32)
    return float(inside[0]), float(inside[1])


def settled_yaw(degrees: float) -> float:
    """A turn about +z in radians, from -pi to pi, as it is after its quaternion was kept in float32."""
    half = np.deg2rad(degrees) / 2
    z, w = (float(part) for part in np.array([np.sin(half), np.cos(half)], dtype=np.float32))
    return math.remainder(2 * math.atan2(z, w), 2 * math.pi)


def loose_moves(reply: str) -> list[dict[str, Any]]:
    """The values of all moves that can be read from `reply`, whatever is written around their numbers.

    The k-th rotation belongs to the positions 2k and 2k + 1; step labels and tags are not looked at. Moves from the
    first one on that is no number are left out. Raises ReplyError if that leaves none.
    """
    pairs, turns = _PAIR.findall(reply), _TURN.findall(reply)
    moves: list[dict[str, Any]] = []
    for k in range(min(len(pairs) // 2, len(turns))):
        move = _numbers(pairs[2 * k], pairs[2 * k + 1], turns[k])
        if move is None:
            break
        moves.append(move)
    if not moves:
        raise ReplyError(reply, 0, "two positions (x, y) and a rotation [r]")
    return moves


def _numbers(start: str, end: str, turn: str) -> dict[str, Any] | None:
    try:
        (x0, y0), (x1, y1) = ([float(part) for part in pair[1:-1].split(",")] for pair in (start, end))
        values = {"x0": x0, "y0": y0, "degrees": int(turn), "x1": x1, "y1": y1}
        float(values["degrees"])
    except (ValueError, OverflowError):  # a turn may have more digits than any number
        return None
    return None if any(math.isnan(value) for value in values.values()) else values


def _view(camera: Camera) -> _View:
    if camera.name not in _VIEWS or (camera.height, camera.width) != _SIZE:
        raise MismatchError(
            f"compat=true speaks of LLaRA's cameras, {' and '.join(_VIEWS)} of {_SIZE[0]}x{_SIZE[1]} pixels; "
            f"this is {camera.name!r} of {camera.height}x{camera.width}. Leave compat out"
        )
    return _VIEWS[camera.name]


def _cut_values(action: Floats, camera: Camera) -> dict[str, Any]:
    (x0, y0), (x1, y1) = (_cut_place(action[k], action[k + 1], camera) for k in (0, 3))
    return {"x0": x0, "y0": y0, "degrees": -degrees(action), "x1": x1, "y1": y1}


def _cut_place(x: float, y: float, camera: Camera) -> tuple[float, float]:
    """A world position in fractions of the picture, after it was cut down to whole pixels."""
    view = _view(camera)
    column = int((y - _LOW[1]) * view.across[0] + view.across[1])
    row = int((x - _LOW[0]) * view.down[0] + view.down[1])
    return column / camera.width, row / camera.height


def _settled(values: Mapping[str, Any], camera: Camera) -> Floats:
    ends = []
    for x, y in ((values["x0"], values["y0"]), (values["x1"], values["y1"])):
        ends.append(settled_pose(*place(x, y, camera)))
    (x0, y0), (x1, y1) = ends
    return np.array([x0, y0, 0.0, x1, y1, settled_yaw(-float(values["degrees"]))])


def place(x: float, y: float, camera: Camera) -> tuple[float, float]:
    """The world position (x, y) in metres of a place in fractions of the picture; it may be off the table."""
    view = _view(camera)
    across = (x * camera.width - view.across[1]) / view.across[0] + _LOW[1]
    down = (y * camera.height - view.down[1]) / view.down[0] + _LOW[0]
    return down, across


def _moved_object(episode: Episode, t: int, camera: Camera) -> str:
    """As in `markup`, but judged by whole pixels, and only of objects that are seen both before and after."""
    values = _cut_values(episode.action(t), camera)
    start, end = np.array([values["x0"], values["y0"]]), np.array([values["x1"], values["y1"]])
    after = episode.steps[t + 1].observation.objects if t + 1 < len(episode.steps) else ()
    later = {thing.id: markup.centre(thing.boxes[camera.name], camera) for thing in markup.visible(after, camera)}
    known = _known(episode.steps[t].observation.objects, camera, later)

    def score(thing: SceneObject) -> float:
        here, there = markup.centre(thing.boxes[camera.name], camera), later[thing.id]
        return float(np.linalg.norm(start - here) + np.linalg.norm(end - there) - np.linalg.norm(here - there))

    return min(known, key=score).name if known else markup.UNNAMED


def _known(objects: Sequence[SceneObject], camera: Camera, later: Mapping[int, Floats]) -> list[SceneObject]:
    return [thing for thing in markup.visible(objects, camera) if thing.id in later]
