"""Which RLBench episodes there are, and the one that is asked for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from typing_extensions import Doc

from instar.demo import Episode, Image, Instruction
from instar.demos.archive import Archive
from instar.demos.recorded import RecordedSteps
from instar.demos.rlbench.episode import CAMERAS, DEMO, Recording, words
from instar.embodiments.panda import END_EFFECTOR_POSE, JOINT_POSITION, JOINT_VELOCITY, JOINTS
from instar.errors import ConfigError, DataError
from instar.files import digest
from instar.robot import ActionSpace, Robot
from instar.tracing import PLACE

Control = Literal["joint_velocity", "joint_position", "end_effector_pose"]

# What an action is made of: the attribute of the next observation, and its width. The gripper follows.
_SPACES: Final[dict[Control, tuple[str, int, ActionSpace]]] = {
    "joint_velocity": ("joint_velocities", 7, JOINT_VELOCITY),
    "joint_position": ("joint_positions", 7, JOINT_POSITION),
    "end_effector_pose": ("gripper_pose", 7, END_EFFECTOR_POSE),
}


@dataclass(frozen=True)
class RLBench:
    """Episodes as RLBench and its forks store them: a folder or zip with low_dim_obs.pkl and a folder a camera.

    An action is what the next observation shows: its joint velocities, joint positions or pose of the gripper, and
    whether the gripper is open (1) or closed (0), as LLARVA learns from (Niu et al., CoRL 2024).
    """

    path: Annotated[Path, Doc("the folder, or a zip file of it")]
    tasks: Annotated[str, Doc("only these tasks, joined by +, e.g. open_drawer+close_jar; empty for all")] = ""
    control: Annotated[Control, Doc("what one action is")] = "joint_velocity"
    cameras: Annotated[str, Doc("only these cameras, joined by +; empty for all that are there")] = ""

    def ids(self) -> Sequence[str]:
        """The ids of all chosen episodes: their folders, in order of their numbers."""
        there = [folder for folder in Archive(self.path).folders(DEMO) if folder != "."]
        if not there:
            raise DataError(f"{self.path}: no episode in it: no folder below the root has a {DEMO}")
        wanted = {task for task in self.tasks.split("+") if task}
        known = {_task(id) for id in there}
        if not wanted <= known:
            raise ConfigError(
                f"{self.path}: no task {', '.join(sorted(wanted - known))} in it; there are: {', '.join(sorted(known))}"
            )
        return sorted((id for id in there if not wanted or _task(id) in wanted), key=_order)

    def episode(self, id: str) -> Episode:
        """One episode, its pictures unread. Raises DataError that says what is damaged and where."""
        archive = Archive(self.path)
        recording = Recording.read(archive, id)
        cameras = self._cameras(archive, id, len(recording.observations))
        pictures = {camera: partial(_picture, archive, id, camera) for camera in cameras}
        attribute, width, space = _SPACES[self.control]
        gripper = recording.numbers("gripper_open", 1)
        actions = np.concatenate([recording.numbers(attribute, width), gripper], axis=1)[1:]
        joints, hand = recording.numbers("joint_positions", len(JOINTS)), recording.numbers("gripper_pose", 7)
        states = np.concatenate([joints, gripper, hand[:, :3]], axis=1)
        sizes = {camera: pictures[camera](0).pixels.shape[:2] for camera in cameras}
        robot = Robot(
            "panda",
            self.control.replace("_", " "),
            space,
            tuple(recording.camera(camera, *size) for camera, size in sizes.items()),
            (*JOINTS, "gripper", *PLACE),
        )
        return Episode(
            id, robot, Instruction(words(archive, id)[0]), RecordedSteps(recording.where, actions, states, pictures)
        )

    def fingerprint(self) -> str:
        """A hash of the chosen ids and the listing of their files."""
        ids = self.ids()
        return digest([list(ids), Archive(self.path).fingerprint(list(ids))])

    def _cameras(self, archive: Archive, id: str, frames: int) -> list[str]:
        """The wanted cameras. Raises DataError if one of them lacks a picture."""
        there = [camera for camera in CAMERAS if not archive.missing(id, [_name(camera, 0)])]
        wanted = self.cameras.split("+") if self.cameras else there
        if unknown := sorted(set(wanted) - set(there)):
            raise ConfigError(
                f"{self.path}: {id}: no camera {', '.join(unknown)}; there are: {', '.join(there) or 'none'}"
            )
        missing = archive.missing(id, [_name(camera, t) for camera in wanted for t in range(frames)])
        if missing:
            raise DataError(f"{self.path}: {id}: {len(missing)} pictures are missing, first {missing[0]}")
        return wanted


def _picture(archive: Archive, id: str, camera: str, t: int) -> Image:
    return Image.encoded(archive.read(f"{id}/{_name(camera, t)}"))


def _name(camera: str, t: int) -> str:
    return f"{camera}_rgb/{t}.png"


def _task(id: str) -> str:
    """The folder above those of the variation and of the episodes."""
    parts = id.split("/")
    return parts[-4] if len(parts) >= 4 else ""


def _order(id: str) -> list[tuple[str, int]]:
    """By numbers where there are some: episode10 comes after episode9."""
    return [(name, int(number or -1)) for name, number in re.findall(r"(\D+)(\d*)", id)]
