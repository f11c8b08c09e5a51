"""Two hand-made demonstrations on the table of VIMA: three objects, two actions, every number known in advance.

The picture is 256x128. First the red swirl block goes into the blue bowl, then the green heart moves to the left.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from instar.demo import Box, Episode, Image, Instruction, Observation, Reference, SceneObject, Step
from instar.embodiments.vima import FRONT, HEIGHT, TOP, VIMA, WIDTH
from instar.robot import Camera, Floats

BOWL = Box(150, 60, 209, 99)
BLOCK_BEFORE, BLOCK_AFTER = Box(40, 80, 63, 103), Box(168, 70, 191, 93)
HEART_BEFORE, HEART_AFTER = Box(90, 50, 109, 69), Box(40, 50, 59, 69)
ALONE = Box(98, 59, 157, 98)  # the bowl by itself in a reference picture

COLOURS = {4: (40, 60, 200), 5: (200, 40, 40), 6: (40, 180, 60)}
NAMES = {4: ("blue", "bowl"), 5: ("red swirl", "block"), 6: ("green", "heart")}


def toy_action(start: tuple[float, float], end: tuple[float, float], degrees: float) -> Floats:
    """The action (6,) that goes from one pixel of the front picture to another and turns by `degrees` about +z."""
    (start_x, start_y), (end_x, end_y) = FRONT.lift([start, end])
    return np.array([start_x, start_y, 0.0, end_x, end_y, np.radians(degrees)])


def toy_objects(*boxes: tuple[int, Box]) -> tuple[SceneObject, ...]:
    """Objects seen at the same `boxes` by both cameras."""
    return tuple(
        SceneObject(id=value, texture=NAMES[value][0], shape=NAMES[value][1], boxes={"front": box, "top": box})
        for value, box in boxes
    )


def toy_picture(objects: tuple[SceneObject, ...], camera: Camera) -> Image:
    """The objects as filled rectangles, later ones in front."""
    pixels = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
    for thing in objects:
        box = thing.boxes[camera.name]
        pixels[box.top : box.bottom + 1, box.left : box.right + 1] = COLOURS[thing.id]
    return Image.of(pixels)


def toy_observation(objects: tuple[SceneObject, ...], spatula: float = 0.0) -> Observation:
    """What both cameras see of `objects`."""
    images = {camera.name: toy_picture(objects, camera) for camera in (FRONT, TOP)}
    return Observation(images, np.array([spatula]), objects)


def toy_reference(kind: Literal["object", "scene"]) -> Reference:
    """The bowl alone, or the scene after both actions."""
    objects = (
        toy_objects((4, ALONE)) if kind == "object" else toy_objects((4, BOWL), (5, BLOCK_AFTER), (6, HEART_AFTER))
    )
    return Reference(kind, {camera.name: toy_picture(objects, camera) for camera in (FRONT, TOP)}, objects)


def whole_pixel_episode(kind: Literal["object", "scene"] = "scene", spatula: float = 0.0) -> Episode:
    """The toy with actions well inside their pixels, so that cutting down to whole pixels finds those."""
    episode = toy_episode(kind, spatula)
    inward = np.array([0.4 / 178, 0.4 / 251, 0.0] * 2)  # metres
    steps = [replace(step, action=None if step.action is None else step.action + inward) for step in episode.steps]
    return replace(episode, steps=steps)


def toy_episode(kind: Literal["object", "scene"] = "scene", spatula: float = 0.0) -> Episode:
    """Three observations, two actions and one reference picture: of a scene, or of a single object."""
    slot = "scene" if kind == "scene" else "base_obj"
    words = "Rearrange to this {scene}." if kind == "scene" else "Put all objects into {base_obj}."
    turns = (-30.4, 90.6) if not spatula else (0.0, 0.0)
    frames = (
        toy_objects((4, BOWL), (5, BLOCK_BEFORE), (6, HEART_BEFORE)),
        toy_objects((4, BOWL), (5, BLOCK_AFTER), (6, HEART_BEFORE)),
        toy_objects((4, BOWL), (5, BLOCK_AFTER), (6, HEART_AFTER)),
    )
    actions = (toy_action((52, 92), (180, 82), turns[0]), toy_action((100, 60), (50, 60), turns[1]), None)
    steps = [Step(toy_observation(frame, spatula), action) for frame, action in zip(frames, actions, strict=True)]
    episode_id = "vima_v6/rearrange/000042" if kind == "scene" else "vima_v6/simple_manipulation/000007"
    return Episode(episode_id, VIMA, Instruction(words, {slot: toy_reference(kind)}), steps, success=True)
