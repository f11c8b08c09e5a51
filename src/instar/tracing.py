"""Where the end effector goes in the picture: the visual trace of LLARVA (Niu et al., CoRL 2024).

A point is (u, v) in continuous pixel coordinates, u to the right and v down. It comes from whoever saw it
(`Observation.effector`, where a detector's points are kept), or from the camera's map where the state tells the end
effector's place. A frame without one is a gap, None, and stays one unless somebody bridges it.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np

from instar.demo import Episode, Observation, Point
from instar.robot import Camera, Floats, Robot

PLACE: Final = ("x", "y", "z")  # dimensions of a state: the end effector in metres, in the robot's base frame
_POSES: Final = (("start_x", "start_y"), ("end_x", "end_y"))  # dimensions of an action that are places on a table
_PUBLISHED: Final = 30  # points that LLARVA's subsampling aims at; it keeps up to 59


def seen(observation: Observation, camera: Camera) -> Point | None:
    """Where somebody saw the end effector in the picture of `camera`; None where nobody did."""
    return _inside(observation.effector.get(camera.name), camera)


def projected(observation: Observation, robot: Robot, camera: Camera) -> Point | None:
    """Where the end effector must be in the picture by the camera's map; None outside it, or where nobody can tell.

    Whether something stands between the camera and the end effector is not known.
    """
    place = _place(observation, robot, camera)
    if place is None:
        return None
    u, v = camera.project(place)
    return _inside((float(u), float(v)), camera)


def pixels_per_metre(observation: Observation, robot: Robot, camera: Camera) -> float | None:
    """How large a metre across is in the picture where the end effector is; None where nobody can tell."""
    place = _place(observation, robot, camera)
    if place is None:
        return None
    matrix = np.asarray(camera.world_to_pixel, np.float64)
    depth = _depth(camera, place)
    # How u and v change with x, y and z: the derivative of the projection.
    change = (matrix[:2, :3] - np.outer(camera.project(place), matrix[2, :3])) / depth
    return float(np.linalg.norm(change, 2))


def points(episode: Episode, t: int, camera: Camera) -> list[Point | None]:
    """The end effector in every frame from `t` on, with gaps.

    What somebody saw goes before what can be worked out, for the whole episode: where a frame of it was seen, the
    others are not filled by the camera's map, which would leap from one origin to the other.
    """
    return list(_points(episode, camera)[t:])


def told(episode: Episode, t: int, camera: Camera) -> list[Point | None]:
    """Where the actions from `t` on say that the end effector goes, where each goes from place to place on a plane.

    As of VIMA's table, whose arm is not in the picture: two points for every action. Nothing for other robots, and for
    cameras without a map.
    """
    space = episode.robot.actions
    if camera.world_to_pixel is None or space.mode != "absolute" or not {*_POSES[0], *_POSES[1]} <= set(space.names):
        return []
    columns = [[space.names.index(name) for name in pose] for pose in _POSES]
    places = [episode.action(k)[pose] for k in range(t, episode.length) for pose in columns]
    return [_inside((float(u), float(v)), camera) for u, v in camera.project(np.array(places))]


def bridged(trace: Sequence[Point | None], most: int) -> list[Point | None]:
    """The trace with gaps of at most `most` frames between two points filled by a straight line, even in time."""
    filled = list(trace)
    there = [(k, point) for k, point in enumerate(trace) if point is not None]
    for (first, one), (last, other) in pairwise(there):
        if last - first - 1 <= most:
            for k in range(first + 1, last):
                share = (k - first) / (last - first)
                filled[k] = (one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1]))
    return filled


def evenly(trace: Sequence[Point | None], most: int) -> list[Point]:
    """At most so many points, evenly spread in time; the first and the last that were seen are among them.

    Where a time falls into a gap, the nearest frame that shows the end effector stands for it, once: a gap leaves fewer
    points, not others that are closer in time.
    """
    there = {k: point for k, point in enumerate(trace) if point is not None}
    if len(there) <= most:
        return list(there.values())
    times = np.array(list(there))
    targets = np.linspace(times[0], times[-1], most).round()
    chosen = sorted({int(times[np.abs(times - target).argmin()]) for target in targets})
    return [there[k] for k in chosen]


def published(trace: Sequence[Point | None]) -> list[tuple[int, int]]:
    """As LLARVA's published code: whole pixels, gaps closed, and every so-manieth of more than 59; the last may go."""
    there = [(round(u), round(v)) for u, v in (point for point in trace if point is not None)]
    stride = int(1 / (_PUBLISHED / len(there))) if there else 1
    return there[:: max(stride, 1)]


@lru_cache(maxsize=2)
def _points(episode: Episode, camera: Camera) -> tuple[Point | None, ...]:
    """Worked out once for all the steps that an episode is asked about."""
    saw = tuple(seen(step.observation, camera) for step in episode.steps)
    if any(saw):
        return saw
    return tuple(projected(step.observation, episode.robot, camera) for step in episode.steps)


def _inside(point: Point | None, camera: Camera) -> Point | None:
    if point is None or not (0 <= point[0] < camera.width and 0 <= point[1] < camera.height):
        return None
    return point


def _place(observation: Observation, robot: Robot, camera: Camera) -> Floats | None:
    """The end effector (3,) in metres, if it is known, before the camera, and the camera's map is known."""
    if camera.world_to_pixel is None or not set(PLACE) <= set(robot.state):
        return None
    place = np.array([observation.state[robot.state.index(name)] for name in PLACE])
    # What is behind a camera has a projection, too: its mirror image.
    return place if _depth(camera, place) > 0 else None


def _depth(camera: Camera, place: Floats) -> float:
    """What the projection divides by: positive before a camera, whatever its unit."""
    matrix = np.asarray(camera.world_to_pixel, np.float64)
    return float(matrix[2, :3] @ place + matrix[2, 3])
