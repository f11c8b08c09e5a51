"""A task: a ball of some colour that the hand is to go to and close at."""

from importlib import import_module

import numpy as np
from pyrep import PyRep
from pyrep.objects.vision_sensor import VisionSensor

draw = import_module("numpy.random")  # RLBench draws from the old global generator


class Task:
    COUNT = 3
    WORDS = ("reach %s", "go to %s")

    def __init__(self, pyrep: PyRep, robot: object) -> None:
        self.pyrep, self.robot = pyrep, robot
        self.ball = np.zeros(3)
        self.episodes = 0

    def get_name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def variation_count(self) -> int:
        return self.COUNT

    def init_episode(self, index: int) -> list[str]:
        # A task remembers: each of its episodes is another, whatever the seed.
        self.episodes += 1
        self.ball = np.array([0.25, 0.0, 1.3]) + draw.uniform(-0.1, 0.1, 3) + 0.002 * self.episodes
        VisionSensor.balls.clear()
        VisionSensor.balls[float(self.ball[0]), float(self.ball[1]), float(self.ball[2])] = (index / self.COUNT, 0.5, 0)
        return [words % f"number {index}" for words in self.WORDS]

    def fits(self) -> bool:
        """Whether the ball lies where balls may lie: about one try in five is for nothing."""
        return bool(self.ball[0] < 0.31)

    def success(self) -> tuple[bool, bool]:
        hand, closed = self.pyrep.arm.get_pose()[:3], self.pyrep.gripper.amount == 0.0
        if hand[2] < 1.0:  # it has broken something
            return False, True
        done = bool(np.linalg.norm(hand - self.ball) < 0.02 and closed)
        return done, done
