"""A world for tests: a point on a line that is to be brought to a goal, and every way in which an episode can end.

The line is seen from above through one camera of 32 x 16 pixels. What a task does besides is in its name.
"""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instar.demo import Context, Image, Instruction, Observation
from instar.errors import SimulatorError
from instar.policy import PolicySpec
from instar.robot import ActionChunk, ActionSpace, Camera, Floats, Robot
from instar.simulator import Task, Transition, Trial

HEIGHT, WIDTH = 16, 32
STEP = 0.1  # the furthest the expert goes at once
EYE = Camera("eye", HEIGHT, WIDTH, ((16.0, 0.0, 0.0, 16.0), (0.0, 8.0, 0.0, 8.0), (0.0, 0.0, 0.0, 1.0)))
SPACE = ActionSpace(("x",), ("m",), "base", "delta", (-0.2,), (0.2,))
POINT = Robot("point", "slide", SPACE, (EYE,), state=("x", "goal"))


def trial(name: str = "slide", seed: int = 0, max_steps: int = 12, suite: str = "line") -> Trial:
    """One episode; `name` may be slide, crash, refuse, die or hang."""
    return Trial(Task(name, suite, max_steps), seed)


class PointWorld:
    """Starts at 0; success within a centimetre of the goal, failure beyond a metre."""

    def __init__(self, graves: Path | None = None) -> None:
        """`graves` is a folder where dying worlds leave a mark; the task "die once" dies only without its mark."""
        self.robot = POINT
        self.graves = graves
        self.x = self.goal = 0.0
        self.taken = 0
        self.trial = trial()

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        self.trial = Trial(task, seed)
        if task.name == "refuse":
            raise SimulatorError("this scene cannot be set")
        self.x, self.taken = 0.0, 0
        self.goal = float(np.random.default_rng(seed).uniform(0.15, 0.6))
        return Instruction(f"Slide to {self.goal:.3f}."), self.observe()

    def observe(self) -> Observation:
        pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for place, channel in ((self.x, 0), (self.goal, 1)):
            pixels[:, int(np.clip(EYE.project([place, 0.0])[0], 0, WIDTH - 1)), channel] = 255
        return Observation({"eye": Image.of(pixels)}, np.array([self.x, self.goal]))

    def step(self, action: Floats) -> Transition:
        self.taken += 1
        if self.taken == 2:
            self.misbehave()
        self.x += float(action[0])
        action[:] = np.nan  # worlds that write into their input must do no harm
        arrived = abs(self.x - self.goal) < 0.01
        fallen = abs(self.x) > 1
        return Transition(self.observe(), arrived or fallen, arrived, "fell off the line" if fallen else "")

    def misbehave(self) -> None:
        mark = self.graves / str(self.trial.seed) if self.graves is not None else None
        name = self.trial.task.name
        if name == "crash":
            raise ZeroDivisionError("the solver diverged")
        if name == "hang":
            time.sleep(600)
        if name == "die" or (name == "die once" and mark is not None and not mark.exists()):
            if mark is not None:
                mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    def expert(self) -> "Slider | None":
        return Slider()

    def close(self) -> None:
        self.robot = POINT


@dataclass(frozen=True)
class Slider:
    """Goes towards the goal that the state shows, in chunks of `horizon` equal steps; says what it thinks."""

    past: int = 0
    horizon: int = 1
    stride: float = STEP
    robots: tuple[Robot, ...] = (POINT,)

    @property
    def spec(self) -> PolicySpec:
        return PolicySpec("slider", self.robots, self.past, self.horizon)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        return [self._answer(context) for context in contexts]

    def _answer(self, context: Context) -> ActionChunk:
        x, goal = context.observation.state
        way = np.clip(np.full((self.horizon, 1), (goal - x) / self.horizon), -self.stride, self.stride)
        # What was remembered is part of the reply, so that equal records mean equal memories.
        seen = ", ".join(f"{step.observation.state[0]:.3f}" for step in context.past)
        return ActionChunk(way, reply=f"t={context.t} past=[{seen}]", question=context.instruction.text)


@dataclass(frozen=True)
class Constant:
    """Always the same chunk."""

    chunk: ActionChunk
    robots: tuple[Robot, ...] = ()

    @property
    def spec(self) -> PolicySpec:
        return PolicySpec("constant", self.robots, 0, 1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        return [self.chunk for _ in contexts]
