"""The environment."""

from pyrep import PyRep

from rlbench.action_modes.action_mode import MoveArmThenGripper
from rlbench.backend.scene import Robot, Scene
from rlbench.backend.task import Task
from rlbench.observation_config import ObservationConfig
from rlbench.task_environment import TaskEnvironment


class Environment:
    def __init__(
        self,
        action_mode: MoveArmThenGripper,
        dataset_root: str = "",
        obs_config: ObservationConfig | None = None,
        *,
        headless: bool = False,
    ) -> None:
        assert not dataset_root
        self._action_mode, self._obs_config, self._headless = action_mode, obs_config or ObservationConfig(), headless
        self._pyrep: PyRep | None = None
        self._scene: Scene | None = None

    def launch(self) -> None:
        if self._pyrep is not None:
            raise RuntimeError("Already called launch!")
        self._pyrep = PyRep()
        self._pyrep.launch("task_design.ttt", headless=self._headless)
        self._robot = Robot(self._pyrep)
        self._scene = Scene(self._pyrep, self._robot, self._obs_config)
        self._action_mode.arm_action_mode.set_control_mode(self._robot)

    def shutdown(self) -> None:
        if self._pyrep is not None:
            self._pyrep.shutdown()
        self._pyrep = None

    def get_task(self, task_class: type[Task]) -> TaskEnvironment:
        if self._pyrep is None:
            self.launch()
        assert self._pyrep is not None
        assert self._scene is not None
        self._scene.unload()
        return TaskEnvironment(self._pyrep, self._scene, task_class(self._pyrep, self._robot), self._action_mode)
