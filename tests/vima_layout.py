"""Tiny episodes in VIMA's raw layout, drawn as coloured blocks: a folder or one zip file."""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.embodiments.vima import HEIGHT, VIMA, WIDTH, yaw_to_quaternion
from instar.robot import Camera, Floats

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Thing:
    """A block on the table, as VIMA would describe it."""

    id: int
    shape: str
    texture: str
    colour: tuple[int, int, int]  # RGB
    half: tuple[int, int]  # half its width and height in pixels


RED = Thing(4, "block", "red swirl", (200, 40, 40), (9, 7))
BLUE = Thing(5, "bowl", "blue", (40, 60, 200), (14, 11))
GREEN = Thing(6, "letter A", "green and blue polka dot", (40, 160, 90), (6, 10))

Places = Mapping[int, tuple[float, float]]  # world x, y by object id


@dataclass(frozen=True)
class Tale:
    """What happens in one kind of episode."""

    task: str
    prompt: str
    things: tuple[Thing, ...]
    moves: tuple[int, ...]  # the object moved at each step
    references: Mapping[str, tuple[Thing, ...] | Thing]  # several things are a scene
    spatula: int = 0


TALES = (
    Tale("rotate", "Turn the {dragged_obj} a quarter.", (RED, BLUE), (RED.id,), {"dragged_obj": RED}),
    Tale(
        "sweep_without_exceeding",
        "Sweep all {swept_obj} into {bounds} without going past it.",
        (BLUE, RED, GREEN),
        (RED.id, RED.id),
        {"bounds": BLUE, "swept_obj": RED},
        spatula=1,
    ),
    Tale(
        "rearrange",
        "Make the table look like {scene}.",
        (RED, BLUE, GREEN),
        (RED.id, GREEN.id, BLUE.id),
        {"scene": (RED, BLUE, GREEN)},
    ),
)


Contents = dict[str, Any]  # of an episode by file name: bytes, or what is to be pickled


def unchanged(contents: Contents) -> None:
    """Write an episode as it is."""
    del contents


def write_vima(
    path: Path,
    episodes: int = 2,
    seed: int = 0,
    *,
    zipped: bool = False,
    change: Callable[[Contents], object] = unchanged,
) -> Path:
    """`path`, with `episodes` called "vima_v6/<task>/<index:06d>" in it: rotate (1 step), sweep (2), rearrange (3), ...

    Rotate has 2 objects and one object reference, sweep 3 objects, two object references and the spatula, rearrange 3
    objects and one scene reference. `change` may damage every episode before it is written. The same arguments give
    the same episodes.
    """
    rng = np.random.default_rng(seed)
    files: dict[str, bytes] = {}
    for number in range(episodes):
        tale = TALES[number % len(TALES)]
        folder = f"vima_v6/{tale.task}/{number // len(TALES):06d}"
        contents = episode_contents(tale, rng)
        change(contents)
        files |= {f"{folder}/{name}": _as_bytes(content) for name, content in contents.items()}
        files[f"vima_v6/{tale.task}/metadata.pkl"] = pickle.dumps({"n_steps_min": len(tale.moves)})
    write_files(path, files, zipped=zipped)
    return path


def write_files(path: Path, files: Mapping[str, bytes], *, zipped: bool) -> None:
    """`files` by name, in a folder or in one zip file."""
    if not zipped:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def _as_bytes(content: object) -> bytes:
    return content if isinstance(content, bytes) else pickle.dumps(content)


def episode_contents(tale: Tale, rng: np.random.Generator) -> Contents:
    """One episode: its pictures as bytes, its pickles still as Python objects."""
    scenes, starts, ends = _played(tale, rng)
    pictures = {
        f"rgb_{camera.name}/{t}.jpg": _jpeg(_picture(tale.things, places, camera))
        for camera in VIMA.cameras
        for t, places in enumerate(scenes)
    }
    return pictures | {
        "obs.pkl": _observations(tale, scenes),
        "action.pkl": _actions(tale, starts, ends, rng),
        "trajectory.pkl": _trajectory(tale, scenes[-1]),
    }


def _played(tale: Tale, rng: np.random.Generator) -> tuple[list[Places], list[Floats], list[Floats]]:
    """Where everything is at each frame, and where each move starts and ends. Blocks stay a hand's breadth apart."""
    cells = [(x, y) for x in (0.38, 0.62) for y in (-0.35, -0.12, 0.12, 0.35)]
    free = [cells[k] for k in rng.permutation(len(cells))]
    places = {thing.id: free.pop() for thing in tale.things}
    scenes: list[Places] = [dict(places)]
    starts, ends = [], []
    for moved in tale.moves:
        starts.append(np.array(places[moved]))
        places[moved] = free.pop()
        ends.append(np.array(places[moved]))
        scenes.append(dict(places))
    return scenes, starts, ends


def _observations(tale: Tale, scenes: list[Places]) -> dict[str, object]:
    masks = {
        camera.name: np.stack([_mask(tale.things, places, camera) for places in scenes]) for camera in VIMA.cameras
    }
    return {"segm": masks, "ee": np.full(len(scenes), tale.spatula)}


def _actions(tale: Tale, starts: list[Floats], ends: list[Floats], rng: np.random.Generator) -> dict[str, object]:
    upright = np.stack([yaw_to_quaternion(0.0)] * len(starts))
    turns = [yaw_to_quaternion(0.0 if tale.spatula else float(rng.uniform(-3, 3))) for _ in starts]
    return {
        "pose0_position": np.stack(starts).astype(np.float32),
        "pose0_rotation": upright,
        "pose1_position": np.stack(ends).astype(np.float32),
        "pose1_rotation": np.stack(turns),
    }


def _trajectory(tale: Tale, last: Places) -> dict[str, object]:
    return {
        "prompt": tale.prompt,
        "prompt_assets": {slot: _asset(shown, last) for slot, shown in tale.references.items()},
        "obj_id_to_info": {
            thing.id: {"obj_name": thing.shape, "texture_name": thing.texture, "obj_alias": None}
            for thing in tale.things
        },
        "end_effector_type": "spatula" if tale.spatula else "suction",
        "n_objects": len(tale.things),
        "views": ["front", "top"],
        "action_bounds": {"low": np.array([0.25, -0.5], np.float32), "high": np.array([0.75, 0.5], np.float32)},
        "steps": len(tale.moves),
        "success": True,
        "failure": False,
    }


def _asset(shown: tuple[Thing, ...] | Thing, last: Places) -> dict[str, object]:
    """A scene as it is at the end, or one block alone in the middle, which VIMA numbers 0 on a ground of 255."""
    alone = isinstance(shown, Thing)
    things = (shown,) if isinstance(shown, Thing) else shown
    places: Places = {things[0].id: (0.5, 0.0)} if alone else last
    named = [
        {"obj_id": 0 if alone else thing.id, "obj_name": thing.shape, "obj_color": thing.texture} for thing in things
    ]
    masks: dict[str, object] = {camera.name: _mask(things, places, camera) for camera in VIMA.cameras}
    if alone:
        masks = {name: np.where(mask == things[0].id, 0, 255).astype(np.uint8) for name, mask in masks.items()}
    return {
        "rgb": {camera.name: _picture(things, places, camera).transpose(2, 0, 1) for camera in VIMA.cameras},
        "segm": {**masks, "obj_info": named[0] if alone else named},
        "placeholder_type": "object" if alone else "scene",
    }


def _extent(thing: Thing, places: Places, camera: Camera) -> tuple[slice, slice]:
    u, v = (int(part) for part in camera.project(places[thing.id]))
    width, height = thing.half
    return slice(max(0, v - height), v + height + 1), slice(max(0, u - width), u + width + 1)


def _mask(things: tuple[Thing, ...], places: Places, camera: Camera) -> Pixels:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    for thing in things:
        mask[_extent(thing, places, camera)] = thing.id
    return mask


def _picture(things: tuple[Thing, ...], places: Places, camera: Camera) -> Pixels:
    pixels = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    for thing in things:
        pixels[_extent(thing, places, camera)] = thing.colour
    return pixels


def _jpeg(pixels: Pixels) -> bytes:
    done, buffer = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return buffer.tobytes()
