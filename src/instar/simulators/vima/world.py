"""VIMA-Bench as its own interpreter has it: a world for the child program of `instar.simulators.apart`.

It needs nothing but what is installed there: no package of ours, and no syntax that Python 3.8 does not have.
"""

from __future__ import annotations

import copy
import importlib
import os
import platform
import random
import re
import sys
import tempfile
import time
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # Python 3.8 cannot evaluate these
    Arrays = dict[str, Any]  # arrays by name
    Message = tuple[dict[str, Any], Arrays]

VIEWS = ("front", "top")
POSES = ("pose0_position", "pose0_rotation", "pose1_position", "pose1_rotation")

ROBOT = (
    "plane/plane.urdf",
    "ur5/ur5.urdf",
    "ur5/workspace.urdf",
    "ur5/suction/suction-base.urdf",
    "ur5/suction/suction-head.urdf",
    "ur5/spatula/spatula-base.urdf",
)

# What VIMA-Bench imports on its way and never calls while an episode is played: training helpers, plots and windows.
UNUSED = ("torch", "kornia", "matplotlib", "matplotlib.pyplot", "einops")
# The arm gives up a movement after five seconds of the clock. Seconds of a clock differ from run to run; so here it has
# 25 000 small steps for them, forty times what the longest ordinary movement takes.
TICK = 5.0 / 25_000


class Steps:
    """Stands in for the module `time` where the arm moves: every look at it is a small step later."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        """Seconds, which pass only when somebody looks."""
        self.now += TICK
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


def moved(points: Any, transform: Any) -> Any:
    """`points` (H, W, 3) float32 of a depth picture after a rigid `transform` (4, 4), written in their place.

    Every sum is made in the order of the benchmark's own function, so every bit is the same; but over whole columns,
    which takes a tenth of the time. It is called for every object that is placed and for every advice of the oracle.
    """
    x, y, z = (points[..., k].astype(np.float64) for k in range(3))
    for k in range(3):
        points[..., k] = transform[k, 0] * x + transform[k, 1] * y + transform[k, 2] * z + transform[k, 3]
    return points


class Unused(types.ModuleType):
    """A module that is only ever imported; whoever calls on it is told what to install."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(self.__name__, name)


class _Missing:
    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError(f"VIMA-Bench calls {self.module}.{self.name}, which is not loaded here")


def load(checkout: str) -> Any:
    """The package `vima_bench`, from the folder `checkout` or as it is installed.

    Raises ModuleNotFoundError with the name of what is missing.
    """
    for name in UNUSED:
        sys.modules[name] = Unused(name)
    if checkout:
        sys.path.insert(0, checkout)
    try:
        importlib.import_module("gym")
    except ModuleNotFoundError:
        sys.modules["gym"] = importlib.import_module("gymnasium")
    package = importlib.import_module("vima_bench")
    for name in UNUSED:  # whoever asks from now on gets the real one
        sys.modules.pop(name, None)
    vars(importlib.import_module("vima_bench.env.base"))["time"] = Steps()
    vars(importlib.import_module("vima_bench.tasks.utils.misc_utils"))["transform_pointcloud"] = moved
    importlib.import_module("cv2").setNumThreads(1)
    return package


class Player:
    """Plays one episode after another, each as if it were the first of its process."""

    def __init__(self, checkout: str, folder: str) -> None:
        tempfile.tempdir = self.folder = folder  # VIMA-Bench writes its models where temporary files go
        self.bench = load(checkout)
        self.env: Any = None
        self.seen: Any = None
        self.goals: list[Any] = []  # as the episode began; the task strikes off those that are reached
        self.advice: Arrays | None = None  # what the oracle said about the scene as it is

    def greet(self) -> Message:
        """Who is here: versions, and the tasks by partition."""
        versions = {name: str(getattr(sys.modules.get(name), "__version__", "")) for name in ("numpy", "gym", "cv2")}
        versions["python"] = platform.python_version()
        specs = self.bench.PARTITION_TO_SPECS
        partitions = {name: list(tasks) for name, tasks in specs["test"].items()}
        partitions["train"] = list(specs["train"])
        return {"versions": versions, "partitions": partitions}, {}

    def obey(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """The answer to one order."""
        deeds: dict[str, Callable[[], Message]] = {
            "reset": lambda: self.reset(order["partition"], order["task"], order["seed"]),
            "step": lambda: self.step(arrays),
            "advise": self.advise,
            "describe": self.describe,
            "assets": lambda: ({"absent": absent(self.bench)}, {}),
        }
        return deeds[order["do"]]()

    def reset(self, partition: str, task: str, seed: int) -> Message:
        """Begin an episode as LLaRA's evaluation does: both global generators seeded, a new world, one reset."""
        self.close()
        specs = self.bench.PARTITION_TO_SPECS
        tasks = specs["train"] if partition == "train" else specs["test"][partition]
        random.seed(seed)
        importlib.import_module("numpy.random").seed(seed)  # the old global generator
        arguments = copy.deepcopy(tasks[task])  # a task may write into them
        self.env = self.bench.make(task, task_kwargs=arguments, modalities=["rgb", "segm"], seed=seed)
        header, arrays = self._look(self.env.reset(), {"success": False, "failure": False})
        self.goals = _goals(self.env.task)
        header["prompt"] = self.env.prompt
        header["objects"] = _named(self.env.meta_info["obj_id_to_info"])
        header["assets"] = [_asset(slot, asset, arrays) for slot, asset in self.env.prompt_assets.items()]
        return header, arrays

    def step(self, action: Arrays) -> Message:
        """Do one action. After the oracle was asked, its own extra goals (clearing the way) count as well."""
        seen, _, done, told = self.env.step(action, skip_oracle=self.advice is None)
        self.advice = None
        header, arrays = self._look(seen, told)
        header["stuck"] = bool(done and not (told["success"] or told["failure"]))
        return header, arrays

    def advise(self) -> Message:
        """What the scripted oracle does next, inside the bounds; asked again about the same scene it says the same."""
        if self.advice is None:
            said = self.env.task.oracle(self.env).act(self.seen)
            if said is None:
                raise RuntimeError("the oracle sees nothing that it could pick up")
            space = self.env.action_space
            self.advice = {k: np.clip(said[k], space[k].low, space[k].high).astype(np.float32) for k in POSES}
        return {}, self.advice

    def describe(self) -> Message:
        """The scene behind the pictures: every object with its size and part in the task, and the goals in order."""
        task, engine = self.env.task, importlib.import_module("pybullet")
        goals = [wish for goal in self.goals for wish in _wishes(goal)]
        targets = {goal["obj"] for goal in goals if not goal["oracle_only"]}
        watched = {item[0] for item in task.distractors or ()} | set(getattr(task, "distractors_pts", ()))
        fixed = set(self.env.obj_ids["fixed"])
        objects = []
        for id, name, texture in _named(self.env.meta_info["obj_id_to_info"]):
            part = "target" if id in targets else "distractor" if id in watched else "base" if id in fixed else "other"
            about = {"id": id, "name": name, "texture": texture, "fixed": id in fixed, "role": part}
            objects.append({**about, "size": _size(engine, id, self.env.client_id)})
        slots = {key: one.text for key, one in task.placeholders.items() if isinstance(getattr(one, "text", None), str)}
        told = {"objects": objects, "goals": goals, "slots": slots, "max_steps": int(task.oracle_max_steps)}
        return told, {}

    def close(self) -> None:
        """End the episode: its world, and the files it made."""
        self.advice = self.seen = None
        if self.env is not None:
            self.env.close()
            self.env = None
        for left in Path(self.folder).iterdir():
            left.unlink()

    def _look(self, seen: Any, told: Mapping[str, Any]) -> Message:
        self.seen = seen
        arrays = {"rgb/" + view: seen["rgb"][view].transpose(1, 2, 0) for view in VIEWS}
        arrays.update({"segm/" + view: seen["segm"][view] for view in VIEWS})
        engine = importlib.import_module("pybullet")
        poses = [_pose(engine, int(id), self.env.client_id) for id in self.env.meta_info["obj_id_to_info"]]
        flags = {"success": bool(told["success"]), "failure": bool(told["failure"])}
        return {"ee": int(seen["ee"]), **flags, "poses": poses}, arrays


def _pose(engine: Any, id: int, client: int) -> list[float]:
    """Id, then where the origin of a model is (the engine tells its centre of mass), then roll, pitch and yaw."""
    place, turn = engine.getBasePositionAndOrientation(id, physicsClientId=client)
    inertia = engine.getDynamicsInfo(id, -1, physicsClientId=client)
    place, turn = engine.multiplyTransforms(place, turn, *engine.invertTransform(inertia[3], inertia[4]))
    return [id, *place, *engine.getEulerFromQuaternion(turn)]


def _size(engine: Any, id: int, client: int) -> list[float]:
    """The extents (3,) of what is drawn of a model that is not turned, in metres."""
    lows, highs = [], []
    for shape in engine.getVisualShapeData(id, physicsClientId=client):
        low, high = np.array([-0.5] * 3), np.array([0.5] * 3)
        if shape[2] == engine.GEOM_MESH:
            rows = Path(os.fsdecode(shape[4])).read_text(errors="replace").splitlines()
            corners = np.array([[float(part) for part in row.split()[1:4]] for row in rows if row.startswith("v ")])
            low, high = corners.min(axis=0), corners.max(axis=0)
        lows.append(low * shape[3] + shape[5])
        highs.append(high * shape[3] + shape[5])
    return [float(extent) for extent in np.max(highs, axis=0) - np.min(lows, axis=0)]


def _goals(task: Any) -> list[Any]:
    """All goals of a task that has just begun."""
    return list(task.goals if getattr(task, "_all_goals", None) is None else vars(task)["_all_goals"])


def _wishes(goal: Any) -> list[dict[str, Any]]:
    """Which object is to be where: the pose of its origin, or the middle of a zone."""
    engine = importlib.import_module("pybullet")
    things, _, targets, _, _, metric, more, _ = goal
    place, turn = more[1][0][0] if metric == "zone" else targets[0]
    target = [*(float(part) for part in place), float(engine.getEulerFromQuaternion(turn)[2])]
    spare = isinstance(more, dict) and bool(more.get("oracle_only"))
    return [{"obj": int(thing[0]), "target": target, "kind": metric, "oracle_only": spare} for thing in things]


def _named(known: Mapping[int, Mapping[str, Any]]) -> list[list[Any]]:
    """Id, name and texture of every object, in the order of the benchmark."""
    return [[int(key), about["obj_name"], about["texture_name"]] for key, about in known.items()]


def _asset(slot: str, asset: Mapping[str, Any], arrays: Arrays) -> dict[str, Any]:
    """What a reference picture shows; the picture itself goes into `arrays`."""
    for view in VIEWS:
        arrays[f"asset/{slot}/rgb/{view}"] = asset["rgb"][view].transpose(1, 2, 0)
        arrays[f"asset/{slot}/segm/{view}"] = asset["segm"][view]
    shown = asset["segm"]["obj_info"]
    listed = [shown] if isinstance(shown, dict) else shown
    objects = [[int(about["obj_id"]), about["obj_name"], about["obj_color"]] for about in listed]
    return {"slot": slot, "kind": asset["placeholder_type"], "objects": objects}


def absent(bench: Any) -> list[str]:
    """The model and texture files that VIMA-Bench names and does not have, relative to its assets."""
    root = Path(bench.__file__).parent / "tasks" / "assets"
    known = importlib.import_module("vima_bench.tasks.components.encyclopedia")
    models = {root / name for name in ROBOT}
    pictures = {Path(one.value.texture_asset) for one in known.TexturePedia if one.value.texture_asset is not None}
    for entry in (one.value for one in known.ObjPedia):
        models.add(root / entry.assets)
        if entry.replace_fn is not None:
            filled = entry.replace_fn(size=entry.size_range.low, scaling=1.0, assets_root=str(root))
            pictures.update(Path(name) for name in filled.get("FNAME", ()))
    for model in models:
        named = re.findall(r'filename="([^"]+)"', model.read_text(errors="replace")) if model.is_file() else []
        for name in set(named) - {"FNAME0"}:  # relative to the model, or to a folder above it
            there = [folder / name for folder in model.parents if (folder / name).exists()]
            pictures.add(there[0] if there else model.parent / name)
    return sorted(os.path.relpath(path, root) for path in models | pictures if not path.exists())


def enter(options: dict[str, Any], folder: str) -> Player:
    """VIMA-Bench from the folder `options["checkout"]`, or as it is installed where that is empty."""
    return Player(options["checkout"], folder)
