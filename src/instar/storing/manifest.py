"""What an exported folder says of itself, as its format keeps less of a robot than is known of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from instar.edges import checked, plain
from instar.files import MANIFEST, read_json, write_json
from instar.robot import Robot

KIND: Final = "dataset"


def write_manifest(folder: Path, robot: Robot, told: Mapping[str, Any]) -> None:
    """Say that a folder is whole, whose demonstrations it holds, and what else is `told`."""
    write_json(folder / MANIFEST, {"kind": KIND, **told, "robot": plain(robot)})


def stored_robot(folder: Path, cameras: Collection[str]) -> Robot | None:
    """The robot of an exported folder with those of its cameras that are wanted; None for any other folder.

    Raises DataError if the manifest tells of no robot.
    """
    path = folder / MANIFEST
    told = read_json(path) if path.is_file() else {}
    if not isinstance(told, dict) or told.get("kind") != KIND:
        return None
    robot = checked(Robot, told.get("robot"), str(path))
    return replace(robot, cameras=tuple(camera for camera in robot.cameras if camera.name in cameras))
