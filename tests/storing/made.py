"""Demonstrations made of numbers, with what a test wants wrong about some of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from instar import plugins
from instar.demo import Episode, Image, Instruction, Observation, Pixels, Step
from instar.errors import DataError
from instar.plugins import Choice
from instar.robot import ActionSpace, Camera, Robot

AXES = ("x", "y", "gripper")
ARM = Robot(
    "ur5",
    "end effector motion",
    ActionSpace(AXES, ("m", "m", "1"), "base", "delta", (-1.0, -1.0, 0.0), (9.0, 9.0, 1.0)),
    (Camera("front", 16, 24), Camera("wrist", 8, 8)),
    ("x", "y"),
)
LENGTHS = (3, 5, 2, 4)
TASKS = ("push it", "pull it", "push it", "lift it")


@dataclass(frozen=True)
class Made:
    """Episodes "made/0" and so on, each with an observation at its end that has no action."""

    lengths: tuple[int, ...] = LENGTHS
    wrong: Mapping[str, str] = field(default_factory=dict)  # by id: what is: torn, robot, size, wordless

    def ids(self) -> Sequence[str]:
        return [f"made/{number}" for number in range(len(self.lengths))]

    def episode(self, id: str) -> Episode:
        wrong, number = self.wrong.get(id), int(id.rpartition("/")[2])
        if wrong == "torn":
            raise DataError(f"{id}: torn in two")
        made = made_episode(id, number, self.lengths[number])
        if wrong == "robot":
            return replace(made, robot=replace(ARM, name="panda"))
        if wrong == "size":
            last = made.steps[1]
            images = {**last.observation.images, "wrist": Image.of(np.zeros((9, 8, 3), np.uint8))}
            seen = replace(last.observation, images=images)
            return replace(made, steps=[made.steps[0], replace(last, observation=seen), *made.steps[2:]])
        return made

    def fingerprint(self) -> str:
        return f"made of {self.lengths}"


def made_episode(id: str, number: int, length: int) -> Episode:
    """An episode that can be told from all others."""
    steps = [
        Step(made_observation(number, t), np.array([number, t / 8, t % 2]) if t < length else None)
        for t in range(length + 1)
    ]
    return Episode(id, ARM, Instruction(TASKS[number % len(TASKS)]), steps, success=number % 2 == 0)


def made_observation(number: int, t: int) -> Observation:
    pictures = {camera.name: Image.of(made_picture(camera, number, t)) for camera in ARM.cameras}
    return Observation(pictures, np.array([t / 4, -number]))


def made_picture(camera: Camera, number: int, t: int) -> Pixels:
    """Smooth enough for a video, and of no other step."""
    pixels = np.full((camera.height, camera.width, 3), (40 * number + 20, 20 * t + 10, 100), np.uint8)
    pixels[:, : camera.width // 2, 2] = 30 * t
    return pixels


def use(monkeypatch: pytest.MonkeyPatch, source: Made) -> None:
    """Let every export of this process read `source`, whatever it asks for."""
    monkeypatch.setattr(plugins, "make", lambda _kind, _choice: source)
    monkeypatch.setattr(plugins, "choice_of", lambda _kind, _source: Choice("made", {}))
