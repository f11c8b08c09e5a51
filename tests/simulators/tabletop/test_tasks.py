"""The families of problems: how they are set, solved and failed."""

import numpy as np
import pytest

from instar.demo import Context
from instar.simulator import Task, Transition
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.tasks import FAMILIES, sets
from instar.simulators.tabletop.tasks.problem import Family

LEVELS = [(family, suite) for family in FAMILIES for suite in family.suites]


def _named(value: object) -> str:
    return getattr(value, "name", str(value))


def _play(simulator: Tabletop, task: Task, seed: int) -> Transition:
    """The expert's episode, to its end."""
    instruction, observation = simulator.reset(task, seed)
    for t in range(12):
        context = Context(simulator.robot, instruction, observation, t=t)
        transition = simulator.step(simulator.expert().act([context])[0].actions[0])
        if transition.terminated:
            return transition
        observation = transition.observation
    raise AssertionError(f"{task.name}/{seed}: the expert does not come to an end")


@pytest.mark.parametrize(("family", "suite"), LEVELS, ids=_named)
def test_the_expert_solves_every_family_at_every_level(family: Family, suite: str) -> None:
    simulator = Tabletop()
    for seed in range(900_000, 900_006):  # 150 seeds of each were tried when this was written; none failed
        transition = _play(simulator, Task(family.name, suite), seed)
        assert transition.success, transition.reason


@pytest.mark.parametrize(("family", "suite"), LEVELS, ids=_named)
def test_every_slot_of_the_text_has_its_picture(family: Family, suite: str) -> None:
    instruction, observation = Tabletop().reset(Task(family.name, suite), 1)
    assert bool(instruction.references) is (suite != sets.REAL)  # there, words must do
    assert all(f"{{{slot}}}" in instruction.text for slot in instruction.references)
    assert instruction.text.count("{") == len(instruction.references)
    first = 4 if family.name.startswith("sweep") else 5
    assert [thing.id for thing in observation.objects] == list(range(first, first + len(observation.objects)))
    for reference in instruction.references.values():
        assert set(reference.images) == set(reference.segmentation) == {"front", "top"}
        ids = [thing.id for thing in reference.objects]
        assert ids == ([0] if reference.kind == "object" else list(range(2, 2 + len(ids))))


def _scene_with_loose_distractor(simulator: Tabletop, task: Task) -> int:
    for seed in range(900_000, 900_050):
        simulator.reset(task, seed)
        if simulator.bodies[2].shape.loose and simulator.bodies[2].shape.name != "ring":
            return simulator.bodies[2].id
    raise AssertionError("no scene with a loose distractor in fifty")


def test_a_distractor_in_the_base_fails() -> None:
    simulator = Tabletop()
    number = _scene_with_loose_distractor(simulator, Task("visual_manipulation", "placement"))
    bodies = {body.id: body for body in simulator.bodies}
    transition = simulator.step(np.array([*bodies[number].place, 0.0, *simulator.bodies[0].place, 0.0]))
    assert transition.terminated
    assert not transition.success
    assert "where it should not be" in transition.reason


def test_a_thing_carried_off_the_workspace_fails() -> None:
    simulator = Tabletop()
    simulator.reset(Task("rotate", "placement"), 900_001)
    body = simulator.bodies[0]
    hull = body.outline(body.shape.solids[0].outline)
    edge = body.place + 0.9 * (hull[np.argmax(hull[:, 0])] - body.place)  # grasped at its near end
    transition = simulator.step(np.array([*edge, 0.0, 0.25, -0.5, 0.0]))
    assert transition.terminated
    assert transition.reason == f"the {body.name} left the workspace"


def test_rotating_the_wrong_way_is_not_success() -> None:
    simulator = Tabletop()
    instruction, _ = simulator.reset(Task("rotate", "placement"), 900_002)
    degrees = next(int(word) for word in instruction.text.split() if word.isdecimal())
    place = simulator.bodies[0].place
    wrong = simulator.step(np.array([*place, 0.0, *place, np.radians(degrees)]))
    assert not wrong.terminated
    right = simulator.step(np.array([*place, 0.0, *place, np.radians(-2 * degrees)]))
    assert right.success


def test_stacking_out_of_order_fails() -> None:
    simulator = Tabletop()
    simulator.reset(Task("follow_order", "placement"), 900_003)
    transition = simulator.step(np.array([0.3, 0.4, 0.0, 0.4, 0.4, 0.0]))
    assert transition.terminated
    assert transition.reason == "the step did not reach the next goal"


def test_a_distractor_on_the_goal_of_a_rearrangement_is_moved_first() -> None:
    simulator, task, blocked = Tabletop(), Task("rearrange", "placement"), 0
    for seed in range(900_000, 900_040):
        instruction, observation = simulator.reset(task, seed)
        wanted = instruction.references["scene"].objects
        before = simulator.bodies
        if len(wanted) == 1 and observation.objects[1].boxes["top"].left - wanted[0].boxes["top"].left in range(-9, 9):
            first = simulator.expert().act([Context(simulator.robot, instruction, observation)])[0].actions[0]
            assert not simulator.step(first).terminated
            assert simulator.bodies[1].place != pytest.approx(before[1].place, abs=0.1)
            blocked += 1
    assert blocked > 3


def test_sweeping_the_wrong_block_fails() -> None:
    simulator, task = Tabletop(), Task("sweep_without_exceeding", "placement")
    simulator.reset(task, 900_004)
    wrong = simulator.bodies[-1]
    transition = simulator.step(np.array([wrong.x, wrong.y, 0.0, 0.47, 0.0, 0.0]))
    assert transition.terminated
    assert "is in the area" in transition.reason


def test_sweeping_over_the_line_fails() -> None:
    simulator, task = Tabletop(), Task("sweep_without_exceeding", "placement")
    simulator.reset(task, 900_005)
    block = simulator.bodies[2]
    transition = simulator.step(np.array([block.x, block.y, 0.0, 0.26, 0.0, 0.0]))
    assert transition.reason == "a block touched the line"
