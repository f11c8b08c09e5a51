"""Where the end effector goes in the picture: the visual trace of LLARVA (Niu et al., CoRL 2024).

A point is (u, v) in continuous pixel coordinates, u to the right and v down. It comes from whoever saw it
(`Observation.effector`), or from the camera's map where the state tells the end effector's place.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from instar.demo import Episode, Observation, Point
from instar.robot import Camera, Robot

PLACE: Final = ("x", "y", "z")  # dimensions of a state: the end effector in metres, in the robot's base frame
_PUBLISHED: Final = 30  # points that LLARVA's subsampling aims at; it keeps up to 59


def effector(observation: Observation, robot: Robot, camera: Camera) -> Point | None:
    """Where `camera` sees the end effector; None where it is outside the picture, or nobody can tell."""
    point = observation.effector.get(camera.name) or _projected(observation, robot, camera)
    if point is None or not (0 <= point[0] < camera.width and 0 <= point[1] < camera.height):
        return None
    return point


def _projected(observation: Observation, robot: Robot, camera: Camera) -> Point | None:
    if camera.world_to_pixel is None or not set(PLACE) <= set(robot.state):
        return None
    place = [observation.state[robot.state.index(name)] for name in PLACE]
    u, v = camera.project(place)
    return float(u), float(v)


def points(episode: Episode, t: int, camera: Camera) -> list[Point | None]:
    """The end effector in every frame from `t` on, with gaps."""
    return [effector(step.observation, episode.robot, camera) for step in episode.steps[t:]]


def evenly(trace: Sequence[Point | None], most: int) -> list[Point]:
    """At most so many points, evenly spread in time; the first and the last that were seen are among them."""
    seen = [point for point in trace if point is not None]
    chosen = sorted({int(k) for k in np.linspace(0, len(seen) - 1, min(len(seen), most)).round()}) if seen else []
    return [seen[k] for k in chosen]


def published(trace: Sequence[Point | None]) -> list[tuple[int, int]]:
    """As LLARVA's published code: whole pixels, gaps closed, and every so-manieth of more than 59; the last may go."""
    seen = [(round(u), round(v)) for u, v in (point for point in trace if point is not None)]
    stride = int(1 / (_PUBLISHED / len(seen))) if seen else 1
    return seen[:: max(stride, 1)]
