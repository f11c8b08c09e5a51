"""Episodes measured in the real VIMA-Bench, as bodies of ours."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instar.demo import Box
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.scenes import shape_of
from instar.simulators.tabletop.shapes import Shape, scaled

FILE = Path(__file__).parents[4] / "shared" / "data" / "vima_scenes.json"
needs_measurements = pytest.mark.skipif(not FILE.exists(), reason="no measured VIMA-Bench scenes beside the repository")
BoxOrNone = Box | None


@dataclass(frozen=True)
class Frame:
    """Where everything was, and where the two cameras saw it."""

    bodies: tuple[Body, ...]
    boxes: Mapping[str, Mapping[int, BoxOrNone]]  # by camera and body


@dataclass(frozen=True)
class Scene:
    """One episode of the real demonstrator."""

    task: str
    spatula: bool
    slots: Mapping[str, str]
    roles: Mapping[int, str]
    goals: Sequence[Mapping[str, Any]]
    actions: Sequence[Sequence[float]]  # start x, y, end x, y, end yaw
    pictured: Sequence[tuple[Shape, Mapping[str, BoxOrNone]]]  # what object pictures show, and its boxes by camera
    frames: Sequence[Frame]


def scenes() -> list[Scene]:
    """All measured episodes."""
    return [_scene(value) for value in json.loads(FILE.read_text(encoding="utf-8"))["scenes"]]


def _scene(value: dict[str, Any]) -> Scene:
    things = {thing["id"]: thing for thing in value["objects"]}
    shapes = {number: _shape(thing) for number, thing in things.items()}
    return Scene(
        value["task"],
        value["ee"] == "spatula",
        value["slots"],
        {number: thing["role"] for number, thing in things.items()},
        value["goals"],
        value["actions"],
        list(_pictured(value["assets"], things)),
        [_frame(rows, shapes, things) for rows in value["frames"]],
    )


def _pictured(
    assets: dict[str, Any], things: dict[int, dict[str, Any]]
) -> Iterator[tuple[Shape, Mapping[str, BoxOrNone]]]:
    """Object pictures of things that stand on the table, too, so that their sizes are known."""
    by_name = {thing["name"]: _shape(thing) for thing in things.values()}
    for picture in assets.values():
        name, _, front, top = picture["objects"][0]
        if picture["kind"] == "object" and name in by_name:
            magnified = scaled(by_name[name], (7.0, 7.0, 7.0)) if name == "small block" else by_name[name]
            yield magnified, {"front": _box(front), "top": _box(top)}


def _shape(thing: dict[str, Any]) -> Shape:
    return shape_of(thing["name"], thing["size"])


def _frame(rows: list[list[Any]], shapes: dict[int, Shape], things: dict[int, dict[str, Any]]) -> Frame:
    bodies = []
    for number, x, y, z, yaw, tilt, *_ in rows:
        lean, toward = _lean(yaw, *tilt) if tilt else (0.0, 0.0)
        bodies.append(Body(number, shapes[number], things[number]["texture"], x, y, z, yaw, lean, toward))
    return Frame(
        tuple(bodies), {camera: {row[0]: _box(row[k]) for row in rows} for camera, k in (("front", 6), ("top", 7))}
    )


def _box(value: list[int] | None) -> BoxOrNone:
    return None if value is None else Box(*value)


def _lean(yaw: float, roll: float, pitch: float) -> tuple[float, float]:
    """How far and which way the up vector of these Euler angles leans."""
    x = np.cos(yaw) * np.sin(pitch) * np.cos(roll) + np.sin(yaw) * np.sin(roll)
    y = np.sin(yaw) * np.sin(pitch) * np.cos(roll) - np.cos(yaw) * np.sin(roll)
    return float(np.arccos(np.cos(pitch) * np.cos(roll))), float(np.arctan2(y, x))
