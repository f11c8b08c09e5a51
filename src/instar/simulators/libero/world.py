"""LIBERO as its own interpreter has it: a world for the child program of `instar.simulators.apart`.

It needs nothing but what is installed there: no package of ours, and no syntax that Python 3.8 does not have. Actions
are LIBERO's own, and pictures are as its renderer gives them.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import random
import sys
import types
import zipfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # Python 3.8 cannot evaluate these
    Arrays = dict[str, Any]  # arrays by name
    Message = tuple[dict[str, Any], Arrays]

PACKAGES = ("libero", "hf-libero", "robosuite", "mujoco", "bddl", "numpy")
NUMBERS = "data.pkl"  # in the archive that torch makes of a table of numbers


def load(checkout: str, folder: str) -> Any:
    """The package `libero.libero` from the clone `checkout`, or as it is installed where that is empty.

    Its settings are written before it is imported: without them it asks a question of whoever sits at the terminal.
    """
    try:
        importlib.import_module("gym")
    except ModuleNotFoundError:
        sys.modules["gym"] = importlib.import_module("gymnasium")
    if checkout:
        # A clone's outer folder is no package, so an installed one of the same name would go before it.
        outer = types.ModuleType("libero")
        outer.__path__ = [str(Path(checkout) / "libero")]
        sys.modules["libero"] = outer
    root = Path(importlib.import_module("libero").__path__[0]) / "libero"
    places = {"bddl_files": "bddl_files", "init_states": "init_files", "datasets": "../datasets", "assets": "assets"}
    settings = {"benchmark_root": str(root), **{name: str(root / place) for name, place in places.items()}}
    os.environ["LIBERO_CONFIG_PATH"] = folder
    (Path(folder) / "config.yaml").write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    return importlib.import_module("libero.libero")


class Player:
    """Plays one episode after another; the world of a task is kept until another task is played."""

    def __init__(self, options: dict[str, Any], folder: str) -> None:
        os.chdir(folder)  # MuJoCo writes a log where it is
        self.libero, self.cloned = load(options["checkout"], folder), bool(options["checkout"])
        self.cameras, self.size = options["cameras"], (options["height"], options["width"])
        self.env: Any = None
        self.task: tuple[str, str] | None = None

    def greet(self) -> Message:
        """Who is here: versions, and where LIBERO's files are."""
        # Of a clone nothing is known but where it lies, whatever else of the name is installed.
        names = [name for name in PACKAGES if not (self.cloned and name.endswith("libero"))]
        versions = {name: _version(name) for name in names if _version(name)}
        versions["python"] = platform.python_version()
        versions["MUJOCO_GL"] = os.environ.get("MUJOCO_GL", "")
        return {"versions": versions, "root": self._place("benchmark_root")}, {}

    def obey(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """The answer to one order."""
        deeds: dict[str, Callable[[], Message]] = {
            "states": lambda: self.states(order["suite"], order["task"]),
            "reset": lambda: self.reset(order, arrays["state"]),
            "step": lambda: self.step(arrays["action"]),
            "assets": self.assets,
        }
        return deeds[order["do"]]()

    def states(self, suite: str, task: str) -> Message:
        """The fixed beginnings of a task as they are stored: a pickle, which is not for this process to run."""
        with zipfile.ZipFile(Path(self._place("init_states")) / suite / f"{task}.pruned_init") as archive:
            name = next(name for name in archive.namelist() if name.endswith(NUMBERS))
            return {}, {"pickle": np.frombuffer(archive.read(name), np.uint8)}

    def reset(self, order: dict[str, Any], state: Any) -> Message:
        """Begin an episode at a fixed beginning, and wait until things lie still."""
        self._enter(order["suite"], order["task"])
        random.seed(order["seed"])
        self.env.seed(order["seed"])
        self.env.reset()
        seen = self.env.set_init_state(state)
        for _ in range(order["settle"]):
            seen = self.env.step(order["waiting"])[0]
        return self._look(seen, success=False, language=self.env.language_instruction)

    def step(self, action: Any) -> Message:
        """Do one action."""
        seen, _, done, _ = self.env.step(action.tolist())
        return self._look(seen, success=bool(done))

    def assets(self) -> Message:
        """Whether the models and textures are there, which do not come with every installation."""
        find = getattr(self.libero, "get_assets_path", lambda: self._place("assets"))
        place = Path(find())
        return {"place": str(place), "there": (place / "scenes").is_dir()}, {}

    def close(self) -> None:
        """Close the world that is kept, if any."""
        if self.env is not None:
            self.env.close()
            self.env = None

    def _enter(self, suite: str, task: str) -> None:
        if self.task == (suite, task):
            return
        self.close()
        self.task = None
        made = importlib.import_module("libero.libero.envs").OffScreenRenderEnv
        self.env = made(
            bddl_file_name=str(Path(self._place("bddl_files")) / suite / f"{task}.bddl"),
            camera_names=self.cameras,
            camera_heights=self.size[0],
            camera_widths=self.size[1],
        )
        self.task = suite, task

    def _look(self, seen: Any, **told: Any) -> Message:
        arrays = {f"rgb/{name}": seen[f"{name}_image"] for name in self.cameras}
        parts = {"place": "robot0_eef_pos", "turn": "robot0_eef_quat", "fingers": "robot0_gripper_qpos"}
        arrays.update({name: np.asarray(seen[part], np.float64) for name, part in parts.items()})
        return told, arrays

    def _place(self, what: str) -> str:
        return str(self.libero.get_libero_path(what))


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def enter(options: dict[str, Any], folder: str) -> Player:
    """LIBERO from the folder `options["checkout"]`, or as it is installed where that is empty."""
    return Player(options, folder)
