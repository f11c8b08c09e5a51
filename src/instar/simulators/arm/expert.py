"""The scripted expert: it looks at the state of the world alone, so it goes on from wherever somebody else got to."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.demo import Context
from instar.policy import PolicySpec
from instar.robot import ActionChunk, Floats, Robot
from instar.simulators.arm.control import Controller
from instar.simulators.arm.kinematics import Pose
from instar.simulators.arm.tasks.problem import Goal
from instar.simulators.arm.world import World

TURNING: Final = 2.0  # radians a second
PACE: Final = 0.25  # metres a second of a hand that goes from key pose to key pose
LONGEST: Final = 6.0  # seconds on the way to one key pose
STUCK: Final = 0.001  # metres or radians: less in a part of a step is no progress
NEAR: Final = 0.002  # metres that count as there ...
TURNED: Final = 0.015  # ... and radians


@dataclass(frozen=True)
class Expert:
    """A policy for the episode in play: every context gets the next action for the world as it stands."""

    robot: Robot
    advise: Callable[[], Floats]  # the action that is next

    @property
    def spec(self) -> PolicySpec:
        """One action at a time; it looks at no past."""
        return PolicySpec("expert", (self.robot,), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """The same next action for each context: there is one episode in play. Raises SimulatorError if it is over."""
        return [ActionChunk(self.advise()[None, :]) for _ in contexts]


def action_of(goal: Goal, world: World, controller: Controller) -> Floats:
    """The action for as much of the way to `goal` as one step can go: all of it where actions are key poses."""
    pose = goal.pose if controller.control == "key_pose" else _toward(goal, world.hand, controller.seconds)
    action = controller.space.clip(controller.action(world.joints, pose, opened=goal.opened))
    told = [round(float(value), places) for value, places in zip(action, controller.decimals, strict=True)]
    return np.array(told) + 0.0  # minus nought is nought


def _toward(goal: Goal, hand: Pose, seconds: float) -> Pose:
    off = hand.off(goal.pose)
    steps = max(
        1.0,
        float(np.linalg.norm(off[:3])) / (goal.pace * seconds),
        float(np.linalg.norm(off[3:])) / (TURNING * seconds),
    )
    return hand.moved(off / steps)


def approach(world: World, pose: Pose, seconds: float) -> Iterator[Pose]:
    """The poses on the way to `pose`, one for each part of a step; it ends where the hand is or gets no further."""
    for _ in range(round(LONGEST / seconds)):
        before = world.hand.off(pose)
        if _is_there(before):
            return
        yield _toward(Goal(pose, world.opened, PACE), world.hand, seconds)
        if np.linalg.norm(world.hand.off(pose)) > np.linalg.norm(before) - STUCK:
            return


def _is_there(off: Floats) -> bool:
    return bool(np.linalg.norm(off[:3]) < NEAR and np.linalg.norm(off[3:]) < TURNED)
