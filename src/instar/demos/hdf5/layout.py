"""What files of robomimic and LIBERO mean by their names.

Both record robosuite's arms: an action is six shares of the controller's greatest motion, then the gripper from -1 open
to +1 closed. LIBERO's pictures are stored turned by half a turn, as OpenVLA found (Kim et al., 2024).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instar.embodiments.registry import canonical
from instar.errors import DataError


@dataclass(frozen=True)
class Dialect:
    """The names that one of the two uses."""

    state: tuple[str, ...]  # observations that make the state, where they are there
    turned: bool  # pictures are turned by half a turn
    picture: str  # how the name of a picture ends, which is left out of the camera's


LIBERO: Final = Dialect(("ee_states", "gripper_states"), turned=True, picture="_rgb")
ROBOMIMIC: Final = Dialect(("robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos"), turned=False, picture="_image")

_SCENE: Final = re.compile(r"^[A-Z_]+SCENE\d+_")  # "KITCHEN_SCENE3_", where LIBERO's tasks are numbered by scenes


def dialect(attributes: Mapping[str, Any]) -> Dialect:
    """Whose file it is, by the attributes of its group `data`."""
    return LIBERO if "problem_info" in attributes or "bddl_file_name" in attributes else ROBOMIMIC


def instruction(path: Path, attributes: Mapping[str, Any]) -> str:
    """What is to be done: said in the file, or by its name; robomimic says no more than the name of the world."""
    told = _json(path, attributes, "problem_info").get("language_instruction")
    if told:
        return ("".join(told) if isinstance(told, list) else str(told)).strip().strip('"')
    if path.stem.endswith("_demo"):
        return _SCENE.sub("", path.stem.removesuffix("_demo")).replace("_", " ")
    world = str(_json(path, attributes, "env_args").get("env_name", ""))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", world).lower()


def robot(path: Path, attributes: Mapping[str, Any]) -> str:
    """Who acts."""
    robots = _json(path, attributes, "env_args").get("env_kwargs", {}).get("robots", "Panda")
    return "+".join(map(canonical, robots if isinstance(robots, list) else [str(robots)]))


def _json(path: Path, attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        told = json.loads(attributes.get(name, "{}"))
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: attribute {name} of `data` is no JSON: {error}") from error
    return told if isinstance(told, dict) else {}
