"""Meta-World as a simulator, on the stand-in: what an episode is, and what becomes of one whose process is lost."""

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.demo import Context
from instar.errors import ConfigError, SimulatorError
from instar.evaluate import EvaluateConfig, evaluate
from instar.rollout import Outcome
from instar.simulator import Simulator, Task
from instar.simulators.metaworld import MetaWorld
from instar.simulators.metaworld.options import VARIABLE
from instar.simulators.metaworld.simulator import ours, theirs
from instar.testing import assert_same_context
from tests.simulators.metaworld.stand_in import DIES, FAILS, IS_MOVED, stand_in, write_interpreter

TASK = Task("reach-v3", "easy")
STILL = np.array([0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in lies."""
    return write_interpreter(tmp_path_factory.mktemp("interpreter")).parent


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[MetaWorld]:
    simulator = stand_in(folder)
    yield simulator
    simulator.close()


def begun(simulator: Simulator, task: Task = TASK, seed: int = 1) -> Context:
    """The context before the first action."""
    instruction, observation = simulator.reset(task, seed)
    return Context(simulator.robot, instruction, observation)


def test_it_is_a_simulator_of_a_sawyer_that_is_moved_by_velocities(shared: MetaWorld) -> None:
    assert isinstance(shared, Simulator)
    assert (shared.robot.name, shared.robot.state) == ("sawyer", ("x", "y", "z", "gripper"))
    assert shared.robot.actions.units == ("m/s", "m/s", "m/s", "1")
    context = begun(shared)
    assert context.instruction.text == "Reach the goal."
    assert context.observation.state.tolist() == [0.0, 0.6, 0.2, 1.0]
    assert context.observation.images["corner4"].pixels.shape == (32, 64, 3)


def test_an_action_goes_as_far_as_its_velocity_in_the_time_that_it_lasts(folder: Path) -> None:
    for repeat in (1, 5):
        simulator = stand_in(folder, repeat=repeat)
        before = begun(simulator).observation.state
        after = simulator.step(np.array([0.4, -0.8, 0.0, 0.5])).observation.state
        simulator.close()
        np.testing.assert_allclose(after[:3] - before[:3], np.array([0.4, -0.8, 0.0]) * repeat / 80, atol=1e-12)


def test_the_gripper_is_one_open_and_zero_closed_on_both_sides_of_the_border(shared: MetaWorld) -> None:
    assert theirs(np.array([0.8, 0.0, -0.4, 0.0])).tolist() == [1.0, 0.0, -0.5, 1.0]
    assert theirs(STILL)[3] == -1.0
    actions = np.random.default_rng(0).uniform([-0.8, -0.8, -0.8, 0], [0.8, 0.8, 0.8, 1], (20, 4))
    for action in actions:
        np.testing.assert_allclose(ours(theirs(action)), action, atol=1e-15)
    begun(shared)
    assert shared.step(np.array([0.0, 0.0, 0.0, 0.0])).observation.state[3] == pytest.approx(0.5)


def test_pictures_are_upright_whichever_way_the_camera_hangs(folder: Path) -> None:
    simulator = stand_in(folder, cameras="corner2+topview+gripperPOV")
    images = begun(simulator).observation.images
    simulator.close()
    whites = {name: np.argwhere(image.pixels[:, :, 2] == 255).tolist() for name, image in images.items()}
    # The engine's first row is the lowest; a camera that hangs upside down has its lower left corner above, right.
    assert whites == {"corner2": [[0, 63]], "topview": [[31, 0]], "gripperPOV": [[31, 0]]}
    assert [camera.world_to_pixel is None for camera in simulator.robot.cameras] == [False, False, True]


def test_an_episode_is_the_same_whatever_was_played_before(shared: MetaWorld, folder: Path) -> None:
    other = stand_in(folder)
    alone = begun(other, seed=3)
    other.close()
    shared.step(shared.advice() if begun(shared, Task("push-v3", "hard"), 2) else STILL)
    assert_same_context(begun(shared, seed=3), alone)
    assert_same_context(begun(copy.deepcopy(shared), seed=3), alone)


def test_the_expert_looks_ahead_changes_nothing_by_it_and_solves(shared: MetaWorld) -> None:
    context = begun(shared)
    expert = shared.expert()
    for _ in range(20):
        first, again = (expert.act([context])[0].actions[0] for _ in range(2))
        np.testing.assert_array_equal(first, again)
        transition = shared.step(first)
        if transition.terminated:
            break
    assert (transition.terminated, transition.success, transition.reason) == (True, True, "")
    with pytest.raises(SimulatorError, match="the episode is over"):
        shared.step(first)
    with pytest.raises(SimulatorError, match="the episode is over"):
        expert.act([context])


def test_an_episode_goes_on_for_as_long_as_it_is_played(folder: Path) -> None:
    simulator = stand_in(folder, repeat=500)
    begun(simulator)
    assert [simulator.step(STILL).terminated for _ in range(2)] == [False, False]
    simulator.close()


def test_what_is_too_fast_is_slowed_and_named(shared: MetaWorld) -> None:
    before = begun(shared).observation.state
    transition = shared.step(np.array([2.0, 0.0, 0.0, 1.25]))
    np.testing.assert_allclose(transition.observation.state[0] - before[0], 0.05, atol=1e-12)
    assert transition.reason == (
        "x 2.000 m/s is more than there is and was made 0.800; gripper 1.250 1 is more than there is and was made 1.000"
    )


@pytest.mark.parametrize("action", [np.zeros(3), np.full(4, np.nan), np.zeros((1, 4))])
def test_refuses_what_is_no_action(shared: MetaWorld, action: np.ndarray) -> None:
    begun(shared)
    with pytest.raises(SimulatorError, match="an action is 4 finite numbers"):
        shared.step(action)


def test_without_an_episode_there_is_nothing_to_do(folder: Path) -> None:
    simulator = stand_in(folder)
    for deed in (lambda: simulator.step(STILL), simulator.advice):
        with pytest.raises(SimulatorError, match="no episode in play"):
            deed()


def test_an_episode_whose_process_dies_is_over_and_the_next_one_plays(folder: Path) -> None:
    simulator = stand_in(folder)
    begun(simulator, seed=DIES)
    with pytest.raises(SimulatorError, match=r"the Meta-World process died \(step, signal 6, SIGABRT\).*about to die"):
        simulator.step(STILL)
    with pytest.raises(SimulatorError, match="no episode in play"):
        simulator.step(STILL)
    begun(simulator)
    assert simulator.greeting["versions"]["metaworld"] == "3.1.1"
    simulator.close()


def test_a_camera_that_hangs_elsewhere_is_refused(folder: Path) -> None:
    simulator = stand_in(folder)
    with pytest.raises(SimulatorError, match="has mounted 'corner4' elsewhere"):
        begun(simulator, seed=IS_MOVED)
    simulator.close()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("reach-v2", "easy"), "no task 'reach-v2' in easy; did you mean 'reach-v3'"),
        (Task("reach-v3", "hard"), "no task 'reach-v3' in hard"),
        (Task("reach-v3", "eazy"), "no suite 'eazy'; did you mean 'easy'"),
    ],
)
def test_unknown_tasks_are_refused_by_name(shared: MetaWorld, task: Task, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        shared.reset(task, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("cameras=corner5", "no camera 'corner5'; did you mean 'corner"),
        ("height=8", "pictures have 16 to 2048 pixels a side"),
        ("fov=180", "between 0 and 180 degrees"),
        ("repeat=0", "an action lasts 1 to 500 steps"),
        ("python=nowhere/python", "no such interpreter"),
    ],
)
def test_options_that_cannot_be_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("simulators", f"metaworld:{options}")


def test_it_is_told_where_the_interpreter_is_by_option_or_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=f"metaworld:python=PATH, or set {VARIABLE}"):
        plugins.make("simulators", "metaworld")
    monkeypatch.setenv(VARIABLE, str(folder / "python"))
    simulator = plugins.make("simulators", "metaworld:fov=45")
    choice = plugins.choice_of("simulators", simulator)
    assert plugins.make("simulators", choice) == simulator
    assert not {"python", "patience"} & set(plugins.portable("simulators", simulator).options)


def test_a_run_survives_its_simulator_and_names_no_place_of_this_machine(folder: Path, tmp_path: Path) -> None:
    benchmark = f"metaworld:python={folder / 'python'},tasks=reach-v3,per_task=3,seed={FAILS - 1},height=32,width=64"
    run = evaluate(EvaluateConfig("expert", tmp_path / "run", benchmark, videos="none"))
    outcomes = {record.seed: record.outcome for record in run.records}
    assert outcomes == {FAILS - 1: Outcome.SUCCESS, FAILS: Outcome.CRASHED, DIES: Outcome.CRASHED}
    assert "failed (reset): ValueError: no place for the puck" in run.records[1].error
    assert str(folder) not in (tmp_path / "run" / "run.json").read_text()
