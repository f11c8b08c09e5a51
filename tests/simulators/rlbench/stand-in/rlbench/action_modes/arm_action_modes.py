"""Speeds, places, or a pose to plan to."""

import numpy as np
from pyrep.errors import ConfigurationPathError

from rlbench.backend.exceptions import InvalidActionError
from rlbench.backend.scene import Robot, Scene


def require_shape(action: np.ndarray) -> None:
    if action.shape != (7,):
        raise InvalidActionError(f"Expected the action shape to be: (7,), but was shape: {action.shape}")


class JointVelocity:
    def set_control_mode(self, robot: Robot) -> None:
        robot.arm.set_control_loop_enabled(False)
        robot.arm.set_motor_locked_at_zero_velocity(True)

    def action(self, scene: Scene, action: np.ndarray) -> None:
        require_shape(action)
        scene.robot.arm.set_joint_target_velocities(action)
        scene.step()
        scene.robot.arm.set_joint_target_velocities(np.zeros_like(action))


class JointPosition:
    def __init__(self, *, absolute_mode: bool = True) -> None:
        assert absolute_mode

    def set_control_mode(self, robot: Robot) -> None:
        robot.arm.set_control_loop_enabled(True)

    def action(self, scene: Scene, action: np.ndarray) -> None:
        require_shape(action)
        scene.robot.arm.set_joint_target_positions(action)
        scene.step()
        scene.robot.arm.set_joint_target_positions(np.array(scene.robot.arm.get_joint_positions()))


class EndEffectorPoseViaPlanning:
    def __init__(self, *, absolute_mode: bool = True, collision_checking: bool = False) -> None:
        assert absolute_mode
        self._collision_checking = collision_checking

    def set_control_mode(self, robot: Robot) -> None:
        robot.arm.set_control_loop_enabled(True)

    def action(self, scene: Scene, action: np.ndarray) -> None:
        require_shape(action)
        if not np.isclose(np.linalg.norm(action[3:]), 1.0):
            raise InvalidActionError("Action contained non unit quaternion!")
        if not scene.check_target_in_workspace(action[:3]):
            raise InvalidActionError("A path could not be found because the target is outside of workspace.")
        try:
            path = scene.robot.arm.get_path(action[:3], action[3:], ignore_collisions=not self._collision_checking)
        except ConfigurationPathError as error:
            raise InvalidActionError("A path could not be found.") from error
        for _ in path:
            scene.step()
