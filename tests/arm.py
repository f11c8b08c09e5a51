"""An arm with seven joints, seen by a camera that knows where the world is."""

import numpy as np

from instar.demo import Episode, Image, Instruction
from instar.demos.recorded import RecordedSteps
from instar.embodiments.panda import JOINT_VELOCITY, JOINTS
from instar.robot import Camera, Robot

# Seen from above: a metre is 100 pixels, and the base is in the middle of the upper edge.
FRONT = Camera("front", 128, 128, ((0.0, 100.0, 0.0, 64.0), (100.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)))
PANDA = Robot("panda", "joint velocity", JOINT_VELOCITY, (FRONT,), (*JOINTS, "x", "y", "z"))


def arm_episode(length: int = 6, words: str = "open the top drawer") -> Episode:
    """An arm that moves its hand away from the viewer, 3.2 centimetres a step."""
    rng = np.random.default_rng(0)
    actions = np.column_stack([rng.normal(0, 0.05, (length, 7)), np.ones(length)])
    joints = np.column_stack([0.1 + np.arange(length) / 10, np.zeros((length, 6))])
    hand = np.column_stack([0.32 + 0.032 * np.arange(length), np.zeros(length), np.full(length, 0.2)])
    picture = Image.of(np.zeros((128, 128, 3), np.uint8))
    steps = RecordedSteps("made", actions, np.column_stack([joints, hand]), {"front": lambda _: picture})
    return Episode("made/0", PANDA, Instruction(words), steps)
