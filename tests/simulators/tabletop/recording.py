"""Episodes of our own table, written down as recordings of the real VIMA-Bench are."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from instar.demo import Context
from instar.robot import Floats
from instar.simulator import Task
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import box_of, portrait, scene
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.placing import Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sweeping import Sweeping
from instar.simulators.tabletop.views import VIEWS


def recorded(task: Task, seed: int, slots: dict[str, Any] | None = None) -> dict[str, Any]:
    """The expert's episode as a scene in the layout of `instar.simulators.tabletop.scenes`."""
    problem, simulator = draw_problem(task, seed), Tabletop()
    instruction, observation = simulator.reset(task, seed)
    frames, actions, success = [_rows(simulator.bodies)], [], False
    for t in range(task.max_steps):
        context = Context(simulator.robot, instruction, observation, t=t)
        action = simulator.expert().act([context])[0].actions[0]
        transition = simulator.step(action)
        observation, success = transition.observation, transition.success
        frames.append(_rows(simulator.bodies))
        actions.append([float(action[k]) for k in (0, 1, 3, 4)] + [float(action[5] - action[2])])
        if transition.terminated:
            break
    roles, goals = _asked(problem)
    return {
        "task": task.name,
        "partition": "placement_generalization",
        "ee": problem.tool,
        "max_steps": task.max_steps,
        "slots": slots or {},
        "objects": [_thing(body, roles) for body in problem.bodies],
        "goals": goals,
        "frames": frames,
        "actions": actions,
        "assets": {slot: _asset(picture) for slot, picture in problem.pictures.items()},
        "success": success,
    }


def _rows(bodies: Sequence[Body]) -> list[list[Any]]:
    ids = [scene(bodies, view).ids for view in VIEWS]
    return [[body.id, body.x, body.y, body.z, body.yaw, 0, *(_box(seen == body.id) for seen in ids)] for body in bodies]


def _box(mask: np.ndarray) -> list[int] | None:
    box = box_of(mask)
    return None if box is None else [box.left, box.top, box.right, box.bottom]


def _thing(body: Body, roles: dict[int, str]) -> dict[str, Any]:
    low, high = body.shape.box
    return {
        "id": body.id,
        "name": body.shape.name,
        "texture": body.texture,
        "fixed": not body.shape.loose,
        "size": (high - low).tolist(),
        "role": roles.get(body.id, "other" if body.shape.loose else "base"),
    }


def _asked(problem: Problem) -> tuple[dict[int, str], list[dict[str, Any]]]:
    rule = problem.rule
    assert isinstance(rule, Placing | Sweeping)
    roles = dict.fromkeys(rule.distractors, "distractor")
    if isinstance(rule, Sweeping):
        roles |= dict.fromkeys(rule.targets, "target")
        return roles, [_goal(number, np.array([*rule.zone.middle, 0.0, 0.0]), "zone") for number in rule.targets]
    roles |= {goal.body: "target" for goal in rule.goals}
    return roles, [_goal(goal.body, np.array([goal.x, goal.y, 0.0, goal.yaw]), "pose") for goal in rule.goals]


def _goal(number: int, target: Floats, kind: str) -> dict[str, Any]:
    return {"obj": number, "target": target.tolist(), "kind": kind, "oracle_only": False}


def _asset(picture: Picture) -> dict[str, Any]:
    draw = portrait if picture.kind == "object" else scene
    ids = [draw(picture.bodies, view).ids for view in VIEWS]
    rows = [[body.shape.name, body.texture, *(_box(seen == body.id) for seen in ids)] for body in picture.bodies]
    return {"kind": picture.kind, "objects": rows}
