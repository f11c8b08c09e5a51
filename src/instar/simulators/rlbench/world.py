"""RLBench as its own interpreter has it: a world for the child program of `instar.simulators.apart`.

It needs nothing but what is installed there: no package of ours, and no syntax that Python 3.8 does not have. Actions
are RLBench's own: seven numbers for the arm, then how far the gripper is to be open.
"""

from __future__ import annotations

import importlib
import pkgutil
import platform
import random
import types
from collections.abc import Callable
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:  # Python 3.8 cannot evaluate these
    Arrays = dict[str, Any]  # arrays by name
    Message = tuple[dict[str, Any], Arrays]

# RLBench's names of its cameras, and what they are called in its scene.
SENSORS = {
    "front": "cam_front",
    "left_shoulder": "cam_over_shoulder_left",
    "right_shoulder": "cam_over_shoulder_right",
    "overhead": "cam_overhead",
    "wrist": "cam_wrist",
}
ARMS = {
    "joint_velocity": "JointVelocity",
    "joint_position": "JointPosition",
    "end_effector_pose": "EndEffectorPoseViaPlanning",
}
JOINTS = 7  # numbers that are the arm's, which a pose has as many of
RENDERERS = {"opengl": "OPENGL", "opengl3": "OPENGL3"}
# What an action that cannot be done raises: the fault of whoever chose it.
REFUSALS = (
    ("rlbench.backend.exceptions", "InvalidActionError"),
    ("pyrep.errors", "IKError"),
    ("pyrep.errors", "ConfigurationPathError"),
)


def found(module: str, name: str) -> Any:
    """What a module calls so."""
    return getattr(importlib.import_module(module), name)


def seen_by(options: dict[str, Any]) -> Any:
    """What is to be observed: colours through the chosen cameras, the joints, and the gripper."""
    lens, modes = found("rlbench.observation_config", "CameraConfig"), found("pyrep.const", "RenderMode")
    cameras = {}
    for name in SENSORS:
        size, mode = (options["size"], options["size"]), getattr(modes, RENDERERS[options["renderer"]])
        cameras[name + "_camera"] = lens(image_size=size, render_mode=mode)
        cameras[name + "_camera"].set_all(False)
        cameras[name + "_camera"].rgb = name in options["cameras"]
    config = found("rlbench.observation_config", "ObservationConfig")(**cameras)
    config.set_all_low_dim(False)
    config.joint_positions = config.gripper_open = config.gripper_pose = True
    return config


def launched(options: dict[str, Any]) -> Any:
    """RLBench's environment, with CoppeliaSim running in this process."""
    arm = found("rlbench.action_modes.arm_action_modes", ARMS[options["control"]])()
    gripper = found("rlbench.action_modes.gripper_action_modes", "Discrete")()
    both = found("rlbench.action_modes.action_mode", "MoveArmThenGripper")
    mode = type("ArmThenGripper", (both,), {"action": arm_then_gripper})(arm, gripper)
    made = found("rlbench.environment", "Environment")
    env = made(mode, obs_config=seen_by(options), headless=options["headless"])
    env.launch()
    return env


def arm_then_gripper(mode: Any, scene: Any, action: Any) -> None:
    """Do what RLBench's `MoveArmThenGripper` does.

    That of PerAct's fork tells the arm, too, whether it may collide, which of all arms only the one that plans takes.
    """
    mode.arm_action_mode.action(scene, np.array(action[:JOINTS]))
    mode.gripper_action_mode.action(scene, np.array(action[JOINTS:]))


class Player:
    """Plays one episode after another, each in a task that is loaded anew."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.cameras = options["cameras"]
        self.env = launched(options)
        self.refusals = tuple(found(module, name) for module, name in REFUSALS)
        self.task: Any = None
        self.seen: Any = None  # RLBench's last observation

    def greet(self) -> Message:
        """Who is here: versions, the tasks, and where the cameras are (PyRep's matrices by RLBench's names)."""
        names = ("rlbench", "PyRep", "numpy")
        versions = {name: _version(name) for name in names}
        versions["python"] = platform.python_version()
        sensor, matrices = found("pyrep.objects.vision_sensor", "VisionSensor"), {}
        for name in self.cameras:
            camera = sensor(SENSORS[name])
            matrices[name + "_camera_intrinsics"] = np.asarray(camera.get_intrinsic_matrix(), np.float64)
            matrices[name + "_camera_extrinsics"] = np.asarray(camera.get_matrix(), np.float64)
        return {"versions": versions, "tasks": known()}, matrices

    def obey(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """The answer to one order."""
        deeds: dict[str, Callable[[], Message]] = {
            "reset": lambda: self.reset(order, arrays),
            "step": lambda: self.step(arrays["action"]),
        }
        return deeds[order["do"]]()

    def reset(self, order: dict[str, Any], arrays: Arrays) -> Message:
        """Begin an episode: as the seed decides, or as the demonstration did whose random state is told."""
        self.task = self.env.get_task(task_class(order["task"]))
        random.seed(order["seed"])
        importlib.import_module("numpy.random").seed(order["seed"])  # the old global generator
        if "demo" in order:
            self.task.set_variation(order["demo"]["variation"])
            words, self.seen = self.task.reset_to_demo(beginning(order["demo"], arrays["keys"]))
            variation = order["demo"]["variation"]
        else:
            variation = order["variation"] if order["variation"] >= 0 else self.task.sample_variation()
            self.task.set_variation(variation)
            words, self.seen = self.task.reset()
        told = {"words": list(words), "variation": int(variation), "count": int(self.task.variation_count())}
        return self._look(told)

    def step(self, action: Any) -> Message:
        """Do one action. What the arm cannot do changes nothing, and is told."""
        try:
            self.seen, reward, ended = self.task.step(action)
        except self.refusals as error:
            return self._look({"success": False, "ended": True, "refused": f"{type(error).__name__}: {error}"})
        success = float(reward) >= 1
        return self._look({"success": success, "ended": bool(ended), "refused": ""})

    def close(self) -> None:
        """End CoppeliaSim."""
        self.env.shutdown()

    def _look(self, told: dict[str, Any]) -> Message:
        """The pictures (H, W, 3) uint8, joints in radians, whether the gripper is open, and its pose in metres."""
        seen = self.seen
        arrays = {"rgb/" + name: getattr(seen, name + "_rgb") for name in self.cameras}
        for part in ("joint_positions", "gripper_open", "gripper_pose"):
            arrays[part] = np.asarray(getattr(seen, part), np.float64).reshape(-1)
        return told, arrays


def known() -> list[str]:
    """The names of all tasks."""
    folders = importlib.import_module("rlbench.tasks").__path__
    return sorted(one.name for one in pkgutil.iter_modules(folders))


def task_class(name: str) -> Any:
    """The class of a task: `open_drawer` is `OpenDrawer` in a module of its own."""
    return found("rlbench.tasks." + name, "".join(word[0].upper() + word[1:] for word in name.split("_")))


def beginning(told: dict[str, Any], keys: Any) -> Any:
    """A demonstration of RLBench's, as far as `reset_to_demo` looks at one: its random state and its variation."""
    demo = found("rlbench.demo", "Demo")([types.SimpleNamespace(misc={"variation_index": told["variation"]})])
    demo.random_seed = (told["generator"], np.array(keys, np.uint32), *told["rest"])
    demo.num_reset_attempts, demo.variation_number = told["attempts"], told["variation"]
    return demo


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "?"


def enter(options: dict[str, Any], _folder: str) -> Player:
    """RLBench as it is installed."""
    return Player(options)
