"""What tests of the arm share: what they need of the machine, and episodes that somebody else's advice plays."""

import importlib.util
from functools import cache

import pytest

from instar.demo import Context
from instar.errors import InstarError
from instar.robot import Floats
from instar.simulator import Task, Transition
from instar.simulators.arm import Arm
from instar.simulators.arm.control import Controller
from instar.simulators.arm.expert import action_of
from instar.simulators.arm.render import painter
from instar.simulators.arm.simulator import draw_problem
from instar.simulators.arm.tasks.problem import Problem, Rule, Verdict
from instar.simulators.arm.world import World

CONTROLLER = Controller("end_effector_delta", 5.0)

needs_mujoco = pytest.mark.skipif(importlib.util.find_spec("mujoco") is None, reason="mujoco is not installed")


@cache
def _draws() -> bool:
    try:
        painter(32, 64)
    except InstarError:
        return False
    return True


needs_pictures = pytest.mark.skipif(not _draws(), reason="no mujoco, or no GL library that draws without a window")


def problem_of(task: str, seed: int = 0, suite: str = "seen") -> Problem:
    """The problem of a seed."""
    return draw_problem(Task(task, suite), seed)


def played(problem: Problem, adviser: Rule, steps: int = 60) -> Verdict:
    """How `problem` ends when `adviser` is followed."""
    world = World(problem.things)
    for _ in range(steps):
        action = action_of(adviser.advise(world), world, CONTROLLER)
        world.move(CONTROLLER.joints(world.joints, action), opened=bool(action[-1] > 0.5), seconds=CONTROLLER.seconds)
        verdict = problem.rule.judge(world)
        if verdict.over:
            return verdict
    return Verdict()


def begun(simulator: Arm, task: Task, seed: int) -> Context:
    """An episode before its first step."""
    return Context(simulator.robot, *simulator.reset(task, seed))


def advised(simulator: Arm, context: Context) -> Floats:
    """What the expert does next; it looks at the world, not at the context."""
    expert = simulator.expert()
    assert expert is not None
    action: Floats = expert.act([context])[0].actions[0]
    return action


def solved(simulator: Arm, task: Task, seed: int) -> list[Transition]:
    """The expert's episode."""
    context, transitions = begun(simulator, task, seed), list[Transition]()
    while len(transitions) < task.max_steps and not (transitions and transitions[-1].terminated):
        transitions.append(simulator.step(advised(simulator, context)))
    return transitions
