"""The table with its task, its arm and its cameras."""

from typing import Any

import numpy as np
from pyrep import PyRep
from pyrep.arm import START
from pyrep.objects.vision_sensor import VisionSensor

from rlbench.backend.exceptions import BoundaryError
from rlbench.backend.observation import Observation
from rlbench.backend.task import Task
from rlbench.observation_config import CameraConfig, ObservationConfig

SENSORS = {
    "left_shoulder": "cam_over_shoulder_left",
    "right_shoulder": "cam_over_shoulder_right",
    "overhead": "cam_overhead",
    "wrist": "cam_wrist",
    "front": "cam_front",
}


class Robot:
    def __init__(self, pyrep: PyRep) -> None:
        self.arm, self.gripper = pyrep.arm, pyrep.gripper


class Scene:
    def __init__(self, pyrep: PyRep, robot: Robot, obs_config: ObservationConfig) -> None:
        self.pyrep, self.robot, self._obs_config = pyrep, robot, obs_config
        self.task: Task | None = None
        self._variation_index = 0
        self.cameras: dict[str, CameraConfig] = {name: getattr(obs_config, f"{name}_camera") for name in SENSORS}
        for name, config in self.cameras.items():
            VisionSensor(SENSORS[name]).set_resolution(list(config.image_size))
            VisionSensor(SENSORS[name]).set_render_mode(config.render_mode)

    def load(self, task: Task) -> None:
        self.task = task

    def unload(self) -> None:
        self.task = None

    def reset(self) -> None:
        self.robot.gripper.amount = 1.0
        self.robot.arm.set_joint_positions(START, disable_dynamics=True)
        self.robot.arm.set_joint_target_velocities(np.zeros(7))

    def init_episode(
        self, index: int, *, randomly_place: bool = True, max_attempts: int = 5, place_demo: bool = False
    ) -> list[str]:
        assert self.task is not None
        assert randomly_place
        self._variation_index, attempts, words = index, 0, None
        while attempts < max_attempts:
            words = self.task.init_episode(index)
            attempts += 1
            if not place_demo and self.task.fits():
                break
        if words is None or not self.task.fits():
            raise BoundaryError
        return words

    def check_target_in_workspace(self, target_pos: np.ndarray) -> bool:
        x, y, z = target_pos
        return bool(-0.3 < x < 0.8 and -0.7 < y < 0.7 and 0.75 < z < 1.75)

    def step(self) -> None:
        self.pyrep.step()

    def get_observation(self) -> Observation:
        config, seen = self._obs_config, {}
        for name, camera in self.cameras.items():
            assert not any((camera.depth, camera.mask, camera.point_cloud))
            if camera.rgb:
                colours = VisionSensor(SENSORS[name]).capture_rgb()
                seen[f"{name}_rgb"] = np.clip((colours * 255.0).astype(np.uint8), 0, 255)
        told: dict[str, Any] = {}
        if config.joint_positions:
            told["joint_positions"] = np.array(self.robot.arm.get_joint_positions())
        if config.gripper_open:
            told["gripper_open"] = 1.0 if self.robot.gripper.get_open_amount()[0] > 0.9 else 0.0
        if config.gripper_pose:
            told["gripper_pose"] = self.robot.arm.get_pose()
        return Observation({"variation_index": self._variation_index}, **seen, **told)
