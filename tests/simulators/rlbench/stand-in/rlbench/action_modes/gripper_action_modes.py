"""Open or closed."""

import numpy as np

from rlbench.backend.exceptions import InvalidActionError
from rlbench.backend.scene import Scene


class Discrete:
    def __init__(self, *, attach_grasped_objects: bool = True, detach_before_open: bool = True) -> None:
        assert attach_grasped_objects
        assert detach_before_open

    def action(self, scene: Scene, action: np.ndarray) -> None:
        if action.shape != (1,):
            raise InvalidActionError(f"Expected the action shape to be: (1,), but was shape: {action.shape}")
        wanted = float(action[0] > 0.5)
        if wanted != float(scene.robot.gripper.get_open_amount()[0] > 0.9):
            scene.robot.gripper.release()
            scene.robot.gripper.actuate(wanted, velocity=0.2)
