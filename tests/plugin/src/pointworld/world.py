"""A dot that walks to a cross, its scripted expert, and demonstrations of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from typing_extensions import Doc

from instar.demo import Context, Episode, Image, Instruction, Observation, Step
from instar.errors import SimulatorError
from instar.policy import Policy, PolicySpec
from instar.robot import ActionChunk, ActionSpace, Camera, Floats, Robot
from instar.simulator import Task, Transition, Trial

SIZE = 64
EYE = Camera("eye", SIZE, SIZE, ((32.0, 0.0, 0.0, 32.0), (0.0, -32.0, 0.0, 32.0), (0.0, 0.0, 0.0, 1.0)))
WALK = ActionSpace(("east", "north"), ("m", "m"), "world", "delta", (-0.5, -0.5), (0.5, 0.5))
POINT = Robot("point", "walk", WALK, (EYE,))
REACH = Task("reach", "pointworld", max_steps=6)


@dataclass
class PointWorld:
    """A square of two metres with a dot and a cross."""

    near: Annotated[float, Doc("Metres from the cross that count as reached.")] = 0.05
    robot: Robot = field(default=POINT, init=False)
    _dot: Floats | None = field(default=None, init=False, repr=False)
    _cross: Floats = field(default_factory=lambda: np.zeros(2), init=False, repr=False)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        if task.name != "reach":
            raise SimulatorError(f"pointworld has no task {task.name!r}; it has: reach")
        rng = np.random.default_rng(seed)
        self._dot, self._cross = rng.uniform(-0.8, 0.8, (2, 2)).round(2)
        return Instruction("Walk to the cross."), self._look()

    def step(self, action: Floats) -> Transition:
        if self._dot is None:
            raise SimulatorError("step before reset")
        if action.shape != (2,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is two finite numbers, not {action}")
        self._dot = np.clip(self._dot + WALK.clip(action), -1, 1).round(6)
        there = bool(np.linalg.norm(self._dot - self._cross) <= self.near)
        return Transition(self._look(), terminated=there, success=there)

    def expert(self) -> Policy:
        return _Walker(self)

    def close(self) -> None:
        """Nothing to release."""

    def way(self) -> Floats:
        """From the dot to the cross, at most half a metre each way."""
        assert self._dot is not None
        return WALK.clip((self._cross - self._dot).round(2))

    def _look(self) -> Observation:
        assert self._dot is not None
        pixels = np.full((SIZE, SIZE, 3), 240, dtype=np.uint8)
        for point, colour in ((self._cross, (200, 30, 30)), (self._dot, (30, 30, 200))):
            column, row = EYE.project(point).round().astype(int)
            pixels[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3] = colour
        return Observation({"eye": Image.of(pixels)}, np.empty(0))


@dataclass(frozen=True)
class _Walker:
    world: PointWorld

    @property
    def spec(self) -> PolicySpec:
        return PolicySpec("pointworld expert", (POINT,), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        return [ActionChunk(self.world.way()[None]) for _ in contexts]


@dataclass(frozen=True)
class PointDemos:
    """The expert's own walks."""

    episodes: Annotated[int, Doc("How many.")] = 6

    def ids(self) -> Sequence[str]:
        return [f"pointworld/{seed:04d}" for seed in range(self.episodes)]

    def episode(self, id: str) -> Episode:
        world = PointWorld()
        instruction, observation = world.reset(REACH, int(id.split("/")[1]))
        steps, ended = [], False
        while not ended:
            action = world.way()
            transition = world.step(action)
            steps.append(Step(observation, action))
            observation, ended = transition.observation, transition.terminated
        return Episode(id, POINT, instruction, [*steps, Step(observation, None)], success=True)

    def fingerprint(self) -> str:
        return "1"


@dataclass(frozen=True)
class PointBenchmark:
    """Walks from places that no demonstration begins at."""

    episodes_per_task: Annotated[int, Doc("How many.")] = 5

    def simulator(self) -> str:
        return "pointworld"

    def episodes(self) -> Sequence[Trial]:
        return [Trial(REACH, 10_000 + k) for k in range(self.episodes_per_task)]
