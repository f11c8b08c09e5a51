"""What the child saw, in the words of the house: the same values as `demos.vima` reads from a recorded episode."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from instar.demo import Image, Instruction, Observation, Pixels, Reference, SceneObject
from instar.demos.vima.frames import objects_in
from instar.embodiments.vima import HEIGHT, VIMA, WIDTH
from instar.errors import SimulatorError
from instar.simulators.apart.program import Answer, Array

Names = Sequence[SceneObject]  # without boxes, in the order of the benchmark

_CAMERAS = tuple(camera.name for camera in VIMA.cameras)


def names_in(listed: Sequence[Sequence[Any]]) -> Names:
    """Objects from rows of id, name and texture."""
    return [SceneObject(int(id), str(shape), str(texture)) for id, shape, texture in listed]


def observation_in(answer: Answer, names: Names) -> Observation:
    """What the child's answer shows. Raises SimulatorError where a picture is missing."""
    masks = _masks(answer.arrays, "segm")
    return Observation(
        _images(answer.arrays, "rgb"), np.array([float(answer.header["ee"])]), objects_in(names, masks), masks
    )


def instruction_in(answer: Answer) -> Instruction:
    """The prompt with its reference pictures, in the benchmark's order."""
    references = {
        str(asset["slot"]): _reference(asset, answer.arrays, f"asset/{asset['slot']}")
        for asset in answer.header["assets"]
    }
    return Instruction(str(answer.header["prompt"]), references)


def _reference(asset: Mapping[str, Any], arrays: Mapping[str, Array], place: str) -> Reference:
    masks = _masks(arrays, f"{place}/segm")
    kind = "object" if asset["kind"] == "object" else "scene"
    return Reference(
        "object" if kind == "object" else "scene",
        _images(arrays, f"{place}/rgb"),
        objects_in(names_in(asset["objects"]), masks),
        masks,
    )


def _images(arrays: Mapping[str, Array], place: str) -> dict[str, Image]:
    return {camera: Image.of(_pixels(arrays, f"{place}/{camera}", (HEIGHT, WIDTH, 3))) for camera in _CAMERAS}


def _masks(arrays: Mapping[str, Array], place: str) -> dict[str, Pixels]:
    return {camera: _pixels(arrays, f"{place}/{camera}", (HEIGHT, WIDTH)) for camera in _CAMERAS}


def _pixels(arrays: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Pixels:
    if name not in arrays or arrays[name].shape != shape or arrays[name].dtype != np.uint8:
        there = f"{arrays[name].shape} {arrays[name].dtype}" if name in arrays else "nothing"
        raise SimulatorError(f"VIMA-Bench should have sent {name!r}, {shape} uint8; it sent {there}")
    return np.asarray(arrays[name], dtype=np.uint8)
