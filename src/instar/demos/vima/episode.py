"""One raw VIMA episode: three pickles, the pictures they belong to, and everything that may be wrong with them.

T actions have T + 1 frames. `obs.pkl` holds the segmentations (T + 1, 128, 256) by camera and the tool of each frame,
`action.pkl` the pick and place poses, `trajectory.pkl` the prompt, its reference pictures and what the objects are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from instar.demo import Box, Episode, Instruction, Pixels, Reference, SceneObject
from instar.demos.archive import Archive
from instar.demos.masks import boxes
from instar.demos.vima.frames import Pictures, Record, Steps, frame_name, from_planes, placed
from instar.demos.vima.table import Table
from instar.embodiments.vima import HEIGHT, VIMA, WIDTH, quaternion_to_yaw
from instar.errors import DataError
from instar.robot import Floats

CAMERAS: Final = tuple(camera.name for camera in VIMA.cameras)

_SLOT: Final = re.compile(r"\{([^{}]*)\}")


def read_episode(archive: Archive, id: str) -> Episode:
    """The episode in folder `id`, its pictures unread. Raises DataError that says what is damaged and where."""
    trajectory = Table.read(archive, f"{id}/trajectory.pkl")
    actions = _actions(Table.read(archive, f"{id}/action.pkl"))
    told = trajectory.entries.get("steps", len(actions))
    if told != len(actions):
        raise trajectory.wrong(f"speaks of {told!r:.20} steps; action.pkl has {len(actions)}")
    names = _names(trajectory.table("obj_id_to_info"))
    record = _record(Table.read(archive, f"{id}/obs.pkl"), names, actions)
    _require_frames(archive, id, len(actions) + 1)
    success = trajectory.entries.get("success")
    steps = Steps(archive, id, record)
    return Episode(id, VIMA, _instruction(trajectory), steps, None if success is None else bool(success))


def _actions(poses: Table) -> Floats:
    """The planar poses of T actions, (T, 6)."""
    count = poses.length("pose0_position")
    if count == 0:
        raise poses.wrong("has no action")
    actions = np.empty((count, 6))
    for pose, first in (("pose0", 0), ("pose1", 3)):
        turns = poses.numbers(f"{pose}_rotation", (count, 4))
        wrong = abs(np.sqrt((turns * turns).sum(axis=1)) - 1)
        if wrong.max() > 1e-3:
            raise poses.wrong(f"'{pose}_rotation' holds {turns[wrong.argmax()]}, which is no rotation")
        actions[:, first : first + 2] = poses.numbers(f"{pose}_position", (count, 2))
        actions[:, first + 2] = [quaternion_to_yaw(turn) for turn in turns]
    return actions


def _names(table: Table) -> Sequence[SceneObject]:
    """What the objects of the scene are, in the order of the file, without boxes."""
    if not table.entries:
        raise table.wrong("names no object")
    return [
        SceneObject(table.checked_id(key), about.text("obj_name"), about.name("texture_name"))
        for key, about in table.tables()
    ]


def _record(observed: Table, names: Sequence[SceneObject], actions: Floats) -> Record:
    frames = len(actions) + 1
    tools = observed.numbers("ee", (frames,))
    if not ((tools == 0) | (tools == 1)).all():
        raise observed.wrong(f"'ee' should be 0 (suction cup) or 1 (spatula), is {tools}")
    segmentation = observed.table("segm")
    masks = {camera: segmentation.pixels(camera, (frames, HEIGHT, WIDTH)) for camera in CAMERAS}
    ids = [thing.id for thing in names]
    if not any((mask == id).any() for id in ids for mask in masks.values()):
        raise segmentation.wrong(f"shows none of the objects {ids} in any frame")
    return Record(names, actions, tools, masks)


def _require_frames(archive: Archive, id: str, frames: int) -> None:
    pictures = [frame_name(camera, t) for t in range(frames) for camera in CAMERAS]
    missing = archive.missing(id, pictures)
    if missing:
        raise DataError(
            f"{archive.path}: {id}: {len(missing)} of {2 * frames} pictures are missing, first {missing[0]}"
        )


def _instruction(trajectory: Table) -> Instruction:
    """The prompt with its references, which must answer to each other."""
    text = trajectory.text("prompt")
    assets = trajectory.table("prompt_assets")
    slots = set(_SLOT.findall(text))
    if slots != set(assets.entries):
        raise trajectory.wrong(
            f"the prompt's slots {sorted(slots)} and the reference pictures {sorted(map(str, assets.entries))} differ"
        )
    shown = {str(slot): _asset(asset) for slot, asset in assets.tables()}
    names = {thing.id for asset in shown.values() for thing in asset.names}
    found = iter(boxes([mask for asset in shown.values() for mask in asset.masks.values()], names))
    return Instruction(
        text, {slot: asset.reference({camera: next(found) for camera in asset.masks}) for slot, asset in shown.items()}
    )


@dataclass(frozen=True, eq=False)
class _Asset:
    """What the file has on a reference, before its boxes are measured."""

    kind: Literal["object", "scene"]
    names: Sequence[SceneObject]  # without boxes
    segmentation: Table
    masks: Mapping[str, Pixels]  # by camera: (H, W) object ids
    planes: Mapping[str, Pixels]  # by camera: (3, H, W)

    def reference(self, found: Mapping[str, Mapping[int, Box]]) -> Reference:
        """It, with the boxes that were `found` by camera."""
        objects = placed(self.names, found)
        if not any(thing.boxes for thing in objects):
            raise self.segmentation.wrong(f"shows none of the objects {[thing.id for thing in self.names]}")
        return Reference(self.kind, Pictures(self.planes, from_planes), objects, self.masks)


def _asset(asset: Table) -> _Asset:
    kind = asset.text("placeholder_type")
    segmentation = asset.table("segm")
    about = segmentation["obj_info"]
    # One object alone is a table, a scene is a list of them.
    listed = [about] if kind == "object" else about
    if kind not in {"object", "scene"} or not isinstance(listed, list | tuple) or not listed:
        raise asset.wrong(f"is a reference of kind {kind!r} with a {type(about).__name__} of objects")
    names = [_named(Table.of(entry, f"{segmentation.where}['obj_info']")) for entry in listed]
    masks = {camera: segmentation.pixels(camera, (HEIGHT, WIDTH)) for camera in CAMERAS}
    pictures = asset.table("rgb")
    planes = {camera: pictures.pixels(camera, (3, HEIGHT, WIDTH)) for camera in CAMERAS}
    return _Asset("object" if kind == "object" else "scene", names, segmentation, masks, planes)


def _named(about: Table) -> SceneObject:
    texture = "obj_color" if "obj_color" in about.entries else "texture_name"
    return SceneObject(about.object_id("obj_id"), about.text("obj_name"), about.name(texture))
