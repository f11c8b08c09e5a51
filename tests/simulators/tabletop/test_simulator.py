"""The tabletop as a simulator."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar.demo import Context, Observation
from instar.embodiments.vima import VIMA, canonical
from instar.errors import SimulatorError
from instar.simulator import Simulator, Task
from instar.simulators.tabletop import Tabletop
from instar.testing import conform

ROTATE = Task("rotate", "placement")
NOWHERE = np.array([0.3, 0.3, 0.0, 0.3, 0.3, 0.0])


def digest(task: Task, seed: int) -> str:
    """All that can be seen of an episode up to its first step, as one hash."""
    simulator = Tabletop()
    instruction, observation = simulator.reset(task, seed)
    action = simulator.expert().act([Context(VIMA, instruction, observation)])[0].actions[0]
    pieces = [instruction.text.encode(), action.tobytes()]
    for seen in (observation, simulator.step(action).observation):
        pieces += _bytes(seen)
    for reference in instruction.references.values():
        pieces += [reference.images[camera].pixels.tobytes() for camera in ("front", "top")]
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def _bytes(seen: Observation) -> Iterator[bytes]:
    for camera in ("front", "top"):
        yield seen.images[camera].pixels.tobytes()
        yield seen.segmentation[camera].tobytes()
    yield repr(seen.objects).encode()


def test_it_is_a_simulator_of_the_vima_robot() -> None:
    simulator = Tabletop()
    assert isinstance(simulator, Simulator)
    assert simulator.robot == VIMA


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "from instar.simulator import Task; from tests.simulators.tabletop.test_simulator import digest;"
        "print(digest(Task('rotate', 'placement'), 7))"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=root
    )
    assert result.stdout.strip() == digest(ROTATE, 7)


def test_another_step_allowance_or_an_earlier_episode_changes_nothing() -> None:
    simulator = Tabletop()
    simulator.reset(Task("rearrange", "placement"), 3)
    simulator.step(NOWHERE)
    _, again = simulator.reset(Task("rotate", "placement", max_steps=2), 7)
    _, fresh = Tabletop().reset(ROTATE, 7)
    assert list(_bytes(again)) == list(_bytes(fresh))
    assert list(_bytes(fresh)) != list(_bytes(Tabletop().reset(ROTATE, 8)[1]))


def test_an_observation_holds_both_cameras_and_the_tool() -> None:
    _, observation = Tabletop().reset(ROTATE, 0)
    for camera in VIMA.cameras:
        assert observation.images[camera.name].pixels.shape == (camera.height, camera.width, 3)
        ids = observation.segmentation[camera.name]
        assert ids.dtype == np.uint8
        assert set(np.unique(ids)) == {0, 1, 5, 6}
    assert observation.state.tolist() == [0.0]
    _, sweeping = Tabletop().reset(Task("sweep_without_exceeding", "placement"), 0)
    assert sweeping.state.tolist() == [1.0]
    assert [thing.shape for thing in sweeping.objects][:2] == ["three-sided rectangle", "line"]
    assert sweeping.objects[0].id == 4


def test_boxes_lie_where_the_robots_cameras_see_the_objects() -> None:
    simulator = Tabletop()
    _, observation = simulator.reset(ROTATE, 0)
    for body, thing in zip(simulator.bodies, observation.objects, strict=True):
        for camera in VIMA.cameras:
            box = thing.boxes[camera.name]
            u, v = camera.project([body.x, body.y, body.z])
            assert box.left - 2 <= u <= box.right + 3
            assert box.top - 2 <= v <= box.bottom + 3


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task("rotat", "placement"), "no task 'rotat'; did you mean 'rotate'"),
        (Task("rotate", "placment"), "no suite 'placment'; did you mean 'placement'"),
        (Task("sweep_without_exceeding", "novel_object"), "'sweep_without_exceeding' has no suite 'novel_object'"),
    ],
)
def test_an_unknown_task_or_suite_is_refused(task: Task, message: str) -> None:
    with pytest.raises(SimulatorError, match=message):
        Tabletop().reset(task, 0)


def test_a_step_needs_an_episode() -> None:
    simulator = Tabletop()
    with pytest.raises(SimulatorError, match="reset"):
        simulator.step(NOWHERE)
    with pytest.raises(SimulatorError, match="reset"):
        simulator.expert().act([_nothing(simulator)])
    simulator.reset(ROTATE, 0)
    simulator.close()
    with pytest.raises(SimulatorError, match="reset"):
        simulator.step(NOWHERE)


def _nothing(simulator: Tabletop) -> Context:
    instruction, observation = Tabletop().reset(ROTATE, 0)
    return Context(simulator.robot, instruction, observation)


def test_an_episode_that_is_over_takes_no_more_steps() -> None:
    simulator = Tabletop()
    context = Context(VIMA, *simulator.reset(ROTATE, 0))
    assert simulator.step(simulator.expert().act([context])[0].actions[0]).success
    with pytest.raises(SimulatorError, match="over"):
        simulator.step(NOWHERE)
    with pytest.raises(SimulatorError, match="over"):
        simulator.expert().act([context])


@pytest.mark.parametrize("action", [np.zeros(5), np.zeros((1, 6)), np.full(6, np.nan)], ids=["short", "chunk", "nan"])
def test_an_action_that_is_none_is_refused(action: np.ndarray) -> None:
    simulator = Tabletop()
    simulator.reset(ROTATE, 0)
    with pytest.raises(SimulatorError, match="6 finite numbers"):
        simulator.step(action)


def test_places_outside_the_workspace_are_moved_to_its_edge() -> None:
    inside, outside = Tabletop(), Tabletop()
    for simulator in (inside, outside):
        simulator.reset(ROTATE, 1)
    body = inside.bodies[0]
    inside.step(np.array([body.x, body.y, 0.0, 0.75, 0.5, 0.0]))
    outside.step(np.array([body.x, body.y, 0.0, 3.0, 0.9, 0.0]))
    assert inside.bodies == outside.bodies
    assert inside.bodies[0].place == pytest.approx((0.75, 0.5), abs=0.003)


def test_the_expert_says_one_action_per_context_as_vimas_files_would_keep_it() -> None:
    simulator = Tabletop()
    context = Context(VIMA, *simulator.reset(ROTATE, 0))
    expert = simulator.expert()
    chunks = expert.act([context, context])
    assert [chunk.actions.shape for chunk in chunks] == [(1, 6), (1, 6)]
    assert np.array_equal(chunks[0].actions, chunks[1].actions)
    assert np.array_equal(canonical(chunks[0].actions[0]), chunks[0].actions[0])
    assert (expert.spec.past, expert.spec.horizon, expert.spec.robots) == (0, 1, (VIMA,))


def test_it_conforms() -> None:
    assert conform("simulators", "tabletop")
