"""A task in the environment."""

from importlib import import_module

import numpy as np
from pyrep import PyRep

from rlbench.action_modes.action_mode import MoveArmThenGripper
from rlbench.backend.exceptions import BoundaryError, TaskEnvironmentError
from rlbench.backend.observation import Observation
from rlbench.backend.scene import Scene
from rlbench.backend.task import Task
from rlbench.demo import Demo


class TaskEnvironment:
    def __init__(self, pyrep: PyRep, scene: Scene, task: Task, action_mode: MoveArmThenGripper) -> None:
        self._pyrep, self._scene, self._task, self._action_mode = pyrep, scene, task, action_mode
        self._variation_number, self._reset_called = 0, False
        self._scene.load(self._task)
        self._pyrep.start()

    def sample_variation(self) -> int:
        drawn = import_module("numpy.random").randint(0, self._task.variation_count())
        self._variation_number = int(drawn)
        return self._variation_number

    def set_variation(self, v: int) -> None:
        if v >= self.variation_count():
            raise TaskEnvironmentError(
                f"Requested variation {v}, but there are only {self.variation_count()} variations."
            )
        self._variation_number = v

    def variation_count(self) -> int:
        return self._task.variation_count()

    def reset(self, demo: Demo | None = None) -> tuple[list[str], Observation]:
        self._scene.reset()
        attempts = None if demo is None else demo.num_reset_attempts
        try:
            words = self._scene.init_episode(
                self._variation_number, max_attempts=attempts or 40, place_demo=attempts is not None
            )
        except BoundaryError as error:
            raise TaskEnvironmentError(f"Could not place the task {self._task.get_name()} in the scene.") from error
        self._reset_called = True
        return words, self._scene.get_observation()

    def step(self, action: np.ndarray) -> tuple[Observation, float, bool]:
        if not self._reset_called:
            raise RuntimeError("Call 'reset' before calling 'step' on a task.")
        self._action_mode.action(self._scene, action)
        success, terminate = self._task.success()
        return self._scene.get_observation(), float(success), terminate

    def reset_to_demo(self, demo: Demo) -> tuple[list[str], Observation]:
        demo.restore_state()
        self.set_variation(demo[0].misc["variation_index"])
        return self.reset(demo)
