"""LIBERO as a simulator, on the stand-in: what an episode is, and what becomes of one whose process is lost."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.demo import Context
from instar.errors import ConfigError, DataError, SimulatorError
from instar.evaluate import EvaluateConfig, evaluate
from instar.rollout import Outcome
from instar.simulator import Simulator, Task
from instar.simulators.libero import Libero
from instar.simulators.libero.options import CHECKOUT, VARIABLE
from instar.testing import assert_same_context
from tests.simulators.libero.stand_in import (
    DIES,
    HAS_NO_NUMBERS,
    RUNS_CODE,
    SUITE,
    TASKS,
    stand_in,
    write_clone,
    write_interpreter,
)

TASK = Task(TASKS[1], SUITE)
STILL = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in lies."""
    folder = tmp_path_factory.mktemp("bench")
    write_clone(folder / "LIBERO")
    write_interpreter(folder)
    return folder


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[Libero]:
    simulator = stand_in(folder)
    yield simulator
    simulator.close()


def begun(simulator: Libero, task: Task = TASK, seed: int = 1) -> Context:
    """The context before the first action."""
    instruction, observation = simulator.reset(task, seed)
    return Context(simulator.robot, instruction, observation)


def test_it_is_a_simulator_of_the_arm_of_its_recorded_demonstrations(shared: Libero) -> None:
    assert isinstance(shared, Simulator)
    assert (shared.robot.name, shared.robot.control) == ("panda", "end effector motion")
    context = begun(shared)
    assert context.instruction.text == "pick up the cream cheese and place it in the basket"
    # Place, rotation vector, fingers: half a turn about x.
    np.testing.assert_allclose(context.observation.state, [0.01, 0.1, 0.2, np.pi, 0, 0, 0.04, -0.04])
    assert shared.expert() is None


def test_the_arm_waits_ten_steps_with_the_gripper_open(shared: Libero) -> None:
    observation = begun(shared).observation
    assert observation.images["agentview"].pixels[5, 5, 0] == 50  # the picture tells how many steps were taken
    assert observation.state[6] == 0.04


def test_a_seed_is_the_number_of_a_beginning_counted_round(shared: Libero) -> None:
    places = [begun(shared, seed=seed).observation.state[0] for seed in (0, 7, 49, 57)]
    np.testing.assert_allclose(places, [0.0, 0.07, 0.49, 0.07])


def test_pictures_are_turned_by_half_a_turn(shared: Libero) -> None:
    pixels = begun(shared).observation.images["agentview"].pixels
    assert pixels.shape == (32, 48, 3)
    assert np.argwhere(pixels[:, :, 0] == 255).tolist() == [[31, 47]]


def test_actions_cross_the_border_with_their_gripper_the_right_way_round(shared: Libero) -> None:
    before = begun(shared).observation.state
    closed = shared.step(np.array([1.0, -2.0, 0.0, 0.0, 0.0, 0.0, 0.0])).observation.state
    np.testing.assert_allclose(closed[:3] - before[:3], [0.05, -0.05, 0.0])
    assert closed[6] == 0.0
    assert shared.step(STILL).observation.state[6] == 0.04


def test_an_episode_is_over_when_libero_says_that_it_succeeded(shared: Libero) -> None:
    begun(shared)
    down = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0])
    endings = [shared.step(down) for _ in range(4)]
    assert [(one.terminated, one.success) for one in endings] == [(False, False)] * 3 + [(True, True)]
    with pytest.raises(SimulatorError, match="the episode is over"):
        shared.step(down)


def test_an_episode_is_the_same_whatever_was_played_before(shared: Libero, folder: Path) -> None:
    other = stand_in(folder)
    alone = begun(other, seed=3)
    other.close()
    begun(shared, Task(TASKS[2], SUITE), 4)
    shared.step(STILL)
    assert_same_context(begun(shared, seed=3), alone)
    assert_same_context(begun(copy.deepcopy(shared), seed=3), alone)


def test_both_cameras_can_be_looked_through_and_both_wordings_told(folder: Path) -> None:
    simulator = stand_in(folder, "eye_in_hand+agentview", "bddl")
    context = begun(simulator)
    simulator.close()
    assert list(context.observation.images) == ["eye_in_hand", "agentview"]
    assert context.instruction.text == "Do number 1"


def test_beginnings_that_are_programs_are_read_and_not_run(folder: Path) -> None:
    simulator = stand_in(folder)
    with pytest.raises(DataError, match=r"refused: the pickle asks for (os|posix)\.putenv"):
        simulator.reset(Task(RUNS_CODE, SUITE), 0)
    with pytest.raises(SimulatorError, match="are no table of numbers"):
        simulator.reset(Task(HAS_NO_NUMBERS, SUITE), 0)
    simulator.close()


def test_an_installed_one_needs_no_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKOUT, raising=False)
    python = write_interpreter(tmp_path / "bin", write_clone(tmp_path / "site"))
    simulator = Libero(str(python), height=32, width=48)
    begun(simulator)
    assert "numpy" in simulator.greeting["versions"]
    assert simulator.greeting["root"] == str(tmp_path / "site" / "libero" / "libero")
    simulator.close()


@pytest.mark.parametrize("action", [np.zeros(6), np.full(7, np.nan), np.zeros((1, 7))])
def test_refuses_what_is_no_action(shared: Libero, action: np.ndarray) -> None:
    begun(shared)
    with pytest.raises(SimulatorError, match="an action is 7 finite numbers"):
        shared.step(action)


def test_without_an_episode_there_is_nothing_to_do(folder: Path) -> None:
    with pytest.raises(SimulatorError, match="no episode in play"):
        stand_in(folder).step(STILL)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("pick_up_the_milk", SUITE), "no task 'pick_up_the_milk' in libero_object"),
        (Task(TASKS[0], "libero_objects"), "no suite 'libero_objects'; did you mean 'libero_object'"),
        (Task(TASKS[0], "libero_goal"), "no task '.*' in libero_goal"),
    ],
)
def test_unknown_tasks_are_refused_by_name(shared: Libero, task: Task, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        shared.reset(task, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("cameras=frontview", "no camera 'frontview'; did you mean 'agentview'"),
        ("height=8", "pictures have 16 to 2048 pixels a side"),
        ("settle=-1", "the arm waits 0 to 100 steps"),
        ("checkout=nowhere", "no clone of LIBERO; it has no libero/libero/__init__.py"),
    ],
)
def test_options_that_cannot_be_are_refused(
    folder: Path, options: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(folder / "python"))
    with pytest.raises(ConfigError, match=words):
        plugins.make("simulators", f"libero:{options}")


def test_a_run_survives_its_simulator_and_names_no_place_of_this_machine(folder: Path, tmp_path: Path) -> None:
    where = f"python={folder / 'python'},checkout={folder / 'LIBERO'}"
    benchmark = f"libero:{where},suites={SUITE},tasks=0+7,per_task=2,height=32,width=48,max_steps=3"
    run = evaluate(EvaluateConfig("random", tmp_path / "run", benchmark, videos="none"))
    assert [record.task for record in run.records] == [TASKS[0]] * 2 + [DIES] * 2
    assert {record.outcome for record in run.records[:2]} <= {Outcome.TIMEOUT, Outcome.SUCCESS}
    assert {record.outcome for record in run.records[2:]} == {Outcome.CRASHED}
    assert "the LIBERO process died (step, signal 6, SIGABRT)" in run.records[2].error
    assert str(folder) not in (tmp_path / "run" / "run.json").read_text()
