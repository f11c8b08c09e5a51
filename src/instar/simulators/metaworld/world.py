"""Meta-World as its own interpreter has it: a world for the child program of `instar.simulators.apart`.

It needs nothing but what is installed there: no package of ours, and no syntax that Python 3.8 does not have. Actions
are Meta-World's own: three shares of the greatest motion, then the gripper's effort.
"""

from __future__ import annotations

import copy
import importlib
import os
import platform
import random
import warnings
from collections import OrderedDict
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # Python 3.8 cannot evaluate these
    Arrays = dict[str, Any]  # arrays by name
    Message = tuple[dict[str, Any], Arrays]

KEPT = 8  # tasks whose meshes and textures the graphics library keeps; each takes about 40 MB
GEOMS = 2000  # most things that are drawn
ENDLESS = 1 << 60  # steps: who plays decides when an episode is over


class Eyes:
    """Draws the pictures of all cameras. What the graphics library has of a task is kept for its next episode."""

    def __init__(self, options: dict[str, Any]) -> None:
        """`options` are the size, `cameras` with whether each hangs upside down, `fov` in degrees, and `full`."""
        self.engine = importlib.import_module("mujoco")
        self.height, self.width, self.full = options["height"], options["width"], options["full"]
        self.cameras, self.fov = options["cameras"], options["fov"]
        self.screen = self.engine.GLContext(self.width, self.height)
        self.screen.make_current()
        self.canvases: OrderedDict[str, Any] = OrderedDict()
        self.model: Any = None
        self.scene: Any = None

    def open(self, model: Any, file: str) -> None:
        """Look at a new `model`, which was read from `file`."""
        for name, _ in self.cameras:
            if self.fov:
                model.cam_fovy[model.camera(name).id] = self.fov
        if not self.full:
            model.vis.quality.offsamples = 0
            model.vis.quality.shadowsize = 0
        model.vis.global_.offheight, model.vis.global_.offwidth = self.height, self.width
        self.model, self.scene = model, self.engine.MjvScene(model, GEOMS)
        if not self.full:
            self.scene.flags[self.engine.mjtRndFlag.mjRND_SHADOW] = 0
            self.scene.flags[self.engine.mjtRndFlag.mjRND_REFLECTION] = 0
        canvas = self.canvases.pop(file, None)
        if canvas is None:
            canvas = self.engine.MjrContext(model, self.engine.mjtFontScale.mjFONTSCALE_50)
        self.engine.mjr_setBuffer(self.engine.mjtFramebuffer.mjFB_OFFSCREEN, canvas)
        self.canvases[file] = canvas
        while len(self.canvases) > KEPT:
            self.canvases.popitem(last=False)[1].free()

    def see(self, data: Any) -> Arrays:
        """The picture (H, W, 3) uint8 of every camera, upright."""
        return {f"rgb/{name}": self._picture(name, data, turned=turned) for name, turned in self.cameras}

    def _picture(self, name: str, data: Any, *, turned: bool) -> Any:
        engine, canvas = self.engine, next(reversed(self.canvases.values()))
        eye = engine.MjvCamera()
        eye.type, eye.fixedcamid = engine.mjtCamera.mjCAMERA_FIXED, self.model.camera(name).id
        every = engine.mjtCatBit.mjCAT_ALL
        engine.mjv_updateScene(self.model, data, engine.MjvOption(), None, eye, every, self.scene)
        whole = engine.MjrRect(0, 0, self.width, self.height)
        pixels = np.empty((self.height, self.width, 3), np.uint8)
        engine.mjr_render(whole, self.scene, canvas)
        engine.mjr_readPixels(pixels, None, whole, canvas)
        # The graphics library begins with the lowest row.
        return pixels[:, ::-1] if turned else pixels[::-1]

    def close(self) -> None:
        """Give back what the graphics library holds."""
        for canvas in self.canvases.values():
            canvas.free()
        self.canvases.clear()
        self.screen.free()


class Player:
    """Plays one episode after another, each as if it were the first of its process."""

    def __init__(self, options: dict[str, Any], folder: str) -> None:
        os.chdir(folder)  # MuJoCo writes a log where it is
        warnings.simplefilter("ignore")  # experts ask for more than the arm can do, and the world clips it
        self.worlds = importlib.import_module("metaworld.env_dict").ALL_V3_ENVIRONMENTS
        self.experts = importlib.import_module("metaworld.policies").ENV_POLICY_MAP
        self.repeat = int(options["repeat"])
        self.eyes = Eyes(options)
        self.env: Any = None
        self.expert: Any = None
        self.sensed: Any = None  # Meta-World's own observation (39,)

    def greet(self) -> Message:
        """Who is here: versions, and the tasks."""
        names = ("metaworld", "mujoco", "gymnasium", "numpy")
        versions = {name: metadata.version(name) for name in names}
        versions["python"] = platform.python_version()
        versions["MUJOCO_GL"] = os.environ.get("MUJOCO_GL", "")
        return {"versions": versions, "tasks": sorted(self.worlds)}, {}

    def obey(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """The answer to one order."""
        deeds: dict[str, Callable[[], Message]] = {
            "reset": lambda: self.reset(order["task"], order["seed"]),
            "step": lambda: self.step(arrays["action"]),
            "advise": self.advise,
        }
        return deeds[order["do"]]()

    def reset(self, task: str, seed: int) -> Message:
        """Begin an episode: a new world, in which the seed decides where things and goals are."""
        random.seed(seed)
        importlib.import_module("numpy.random").seed(seed)  # the old global generator
        self.env, self.expert = self.worlds[task](), self.experts[task]()
        # As Meta-World's own benchmarks do it, but with the generator of the world itself and not the global one.
        vars(self.env).update(_partially_observable=False, _set_task_called=True, _freeze_rand_vec=False)
        vars(self.env).pop("sawyer_observation_space", None)  # it was worked out for a world that hides its goal
        self.env.seeded_rand_vec, self.env.max_path_length = True, ENDLESS
        self.env.seed(seed)
        self.sensed = self.env.reset()[0]
        self.eyes.open(self.env.model, self.env.fullpath)
        return {"cameras": self._mounts(), **self._state()}, self.eyes.see(self.env.data)

    def step(self, action: Any) -> Message:
        """Do one action so often, or until it succeeds."""
        success = False
        for _ in range(self.repeat):
            self.sensed, success = self._stepped(action)
            if success:
                break
        return {"success": success, **self._state()}, self.eyes.see(self.env.data)

    def advise(self) -> Message:
        """The mean of what the scripted expert does in the next `repeat` steps, found by looking ahead.

        Its controllers are made for a decision in each step. Held for several, their first action overshoots; the mean
        of all goes as far as they do.
        """
        kept = {name: _copied(value) for name, value in vars(self.env).items() if name not in ("model", "data")}
        data, sensed, actions = copy.copy(self.env.data), self.sensed, []
        for _ in range(self.repeat):
            actions.append(np.clip(self.expert.get_action(sensed), -1, 1).astype(np.float64))
            sensed, success = self._stepped(actions[-1])
            if success:
                break
        vars(self.env).update(kept)
        self.env.data = data
        return {}, {"action": np.mean(actions, axis=0)}

    def close(self) -> None:
        """Give back what the graphics library holds."""
        self.eyes.close()

    def _stepped(self, action: Any) -> tuple[Any, bool]:
        sensed, _, _, _, told = self.env.step(action)
        return sensed, bool(told["success"])

    def _state(self) -> dict[str, Any]:
        """Where the hand is, in metres, and how far the gripper is open, from 0 to 1."""
        return {"state": [float(part) for part in self.sensed[:4]]}

    def _mounts(self) -> dict[str, list[float]]:
        """By camera: place, quaternion wxyz, vertical field of view in degrees; only of those that stand still."""
        model, found = self.env.model, {}
        for name, _ in self.eyes.cameras:
            id = model.camera(name).id
            if model.cam_bodyid[id] == 0:
                found[name] = [*map(float, (*model.cam_pos[id], *model.cam_quat[id], model.cam_fovy[id]))]
        return found


def _copied(value: Any) -> Any:
    return copy.copy(value) if isinstance(value, (np.ndarray, list, dict)) else value


def enter(options: dict[str, Any], folder: str) -> Player:
    """Meta-World as it is installed."""
    return Player(options, folder)
