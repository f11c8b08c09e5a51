"""VIMA-Bench as a simulator, on the stand-in: what an episode is, and what becomes of one whose process is lost."""

import copy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.demo import Context, Observation
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, SimulatorError
from instar.evaluate import EvaluateConfig, evaluate
from instar.rollout import Outcome
from instar.simulator import Simulator, Task
from instar.simulators.tabletop.scenes import problem_of, read_scene
from instar.simulators.vima import VimaBench
from instar.simulators.vima.simulator import CHECKOUT, VARIABLE
from instar.testing import assert_same_context
from tests.simulators.vima import stand_in
from tests.simulators.vima.stand_in import CHATTERS, DIES, FAILS, HANGS, IS_LOST_AT_ONCE, LOSES, STICKS

TASK = Task("rotate", "placement")
ANYWHERE = np.array([0.4, 0.0, 0.0, 0.3, 0.1, 0.5])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in.write_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def shared(checkout: Path) -> Iterator[VimaBench]:
    simulator = stand_in.stand_in(checkout)
    yield simulator
    simulator.close()


def begun(simulator: Simulator, task: Task = TASK, seed: int = 1) -> Context:
    """The context before the first action."""
    instruction, observation = simulator.reset(task, seed)
    return Context(simulator.robot, instruction, observation)


def solved(simulator: VimaBench, seed: int) -> list[Observation]:
    """What is seen while the oracle plays."""
    context = begun(simulator, seed=seed)
    expert = simulator.expert()
    transition = simulator.step(expert.act([context])[0].actions[0])
    assert transition.success
    return [context.observation, transition.observation]


def test_it_is_a_simulator_of_vimas_robot(shared: VimaBench) -> None:
    assert isinstance(shared, Simulator)
    assert shared.robot == VIMA
    observation = begun(shared).observation
    assert observation.images["top"].pixels.shape == (128, 256, 3)
    assert observation.state.tolist() == [0.0]


def test_things_are_named_and_boxed_in_the_benchmarks_order(shared: VimaBench) -> None:
    observation = begun(shared).observation
    assert [(thing.id, thing.name) for thing in observation.objects] == [(5, "red block"), (6, "blue swirl letter A")]
    for thing in observation.objects:
        rows, columns = np.nonzero(observation.segmentation["front"] == thing.id)
        box = thing.boxes["front"]
        assert (box.left, box.top, box.right, box.bottom) == (columns.min(), rows.min(), columns.max(), rows.max())


def test_references_come_with_pictures_and_names(shared: VimaBench) -> None:
    instruction = begun(shared).instruction
    assert instruction.text == "Bring the {dragged_obj} where {scene} shows it."
    assert list(instruction.references) == ["dragged_obj", "scene"]
    alone, scene = instruction.references.values()
    assert (alone.kind, scene.kind) == ("object", "scene")
    assert [thing.name for thing in alone.objects] == ["red block"]
    assert [(thing.id, thing.name) for thing in scene.objects] == [(2, "red block"), (3, "blue swirl letter A")]
    assert alone.segmentation["front"].max() == 255
    assert scene.objects[0].boxes["front"].left == 195


def test_an_episode_is_the_same_whatever_was_played_before(shared: VimaBench, checkout: Path) -> None:
    other = stand_in.stand_in(checkout)
    alone = begun(other, seed=3)
    other.close()
    solved(shared, 1)
    begun(shared, Task("twist", "combinatorial"), 2)
    assert_same_context(begun(shared, seed=3), alone)
    assert_same_context(begun(copy.deepcopy(shared), seed=3), alone)


def test_the_oracle_solves_and_says_the_same_until_something_is_done(shared: VimaBench) -> None:
    context = begun(shared)
    expert = shared.expert()
    first, again = (expert.act([context])[0].actions[0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    transition = shared.step(first)
    assert (transition.terminated, transition.success, transition.reason) == (True, True, "")
    with pytest.raises(SimulatorError, match="the episode is over"):
        shared.step(first)
    with pytest.raises(SimulatorError, match="the episode is over"):
        expert.act([context])


def test_places_outside_the_table_are_moved_to_its_edge_and_named(shared: VimaBench) -> None:
    begun(shared)
    transition = shared.step(np.array([0.4, 0.0, 0.0, 0.9, -0.7, 7.0]))
    assert not transition.terminated
    assert transition.reason == (
        "end_x 0.900 m is outside the table and was moved to 0.750 m; "
        "end_y -0.700 m is outside the table and was moved to -0.500 m"
    )


@pytest.mark.parametrize("action", [np.zeros(5), np.full(6, np.nan), np.zeros((1, 6))])
def test_refuses_what_is_no_action(shared: VimaBench, action: np.ndarray) -> None:
    begun(shared)
    with pytest.raises(SimulatorError, match="an action is 6 finite numbers"):
        shared.step(action)


def test_endings_are_told_apart(shared: VimaBench) -> None:
    begun(shared, seed=LOSES)
    lost = shared.step(np.array([0.4, 0.0, 0.0, 0.5, 0.3, 0.0]))
    assert (lost.terminated, lost.success) == (True, False)
    begun(shared, seed=STICKS)
    stuck = shared.step(ANYWHERE)
    assert (stuck.terminated, stuck.reason) == (False, "the arm did not get there")


def test_what_the_benchmark_prints_disturbs_nobody(shared: VimaBench) -> None:
    begun(shared, seed=CHATTERS)
    assert shared.step(ANYWHERE).observation.objects[0].boxes


@pytest.mark.parametrize(
    ("seed", "why"),
    [(DIES, r"signal 6, SIGABRT\); it said last: .*about to die"), (HANGS, r"said nothing for 2 s \(step\)")],
)
def test_an_episode_whose_process_is_lost_is_over_and_the_next_one_plays(checkout: Path, seed: int, why: str) -> None:
    simulator = stand_in.stand_in(checkout)
    begun(simulator, seed=seed)
    simulator.patience = 2.0
    with pytest.raises(SimulatorError, match=why):
        simulator.step(ANYWHERE)
    with pytest.raises(SimulatorError, match="no episode in play"):
        simulator.step(ANYWHERE)
    solved(simulator, 1)
    simulator.close()


def test_without_an_episode_there_is_nothing_to_do(checkout: Path) -> None:
    simulator = stand_in.stand_in(checkout)
    for deed in (lambda: simulator.step(ANYWHERE), simulator.advice, simulator.scene):
        with pytest.raises(SimulatorError, match="no episode in play"):
            deed()
    simulator.close()


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("rotat", "placement"), "no task 'rotat' in placement; did you mean 'rotate'"),
        (Task("rotate", "placements"), "no suite 'placements'; did you mean 'placement'"),
        (Task("rotate", "novel_task"), "no task 'rotate' in novel_task; there are: sweep_without_touching"),
    ],
)
def test_unknown_tasks_are_refused_by_name(shared: VimaBench, task: Task, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        shared.reset(task, 1)


def test_wrong_paths_are_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(CHECKOUT, raising=False)
    with pytest.raises(ConfigError, match=f"vima:python=PATH, or set {VARIABLE}"):
        plugins.make("simulators", "vima")
    with pytest.raises(ConfigError, match="no such interpreter"):
        VimaBench(str(tmp_path / "python"))
    with pytest.raises(ConfigError, match="no checkout of VIMABench"):
        plugins.make("simulators", plugins.Choice("vima", {"python": "python3", "checkout": str(tmp_path)}))


def test_the_variables_stand_in_for_the_options(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "python3")
    monkeypatch.setenv(CHECKOUT, str(checkout))
    simulator = VimaBench()
    choice = plugins.choice_of("simulators", simulator)
    assert plugins.make("simulators", choice) == simulator
    assert plugins.portable("simulators", simulator).options == {}


def test_the_truth_about_a_scene_is_one_that_the_tabletop_can_set_up(shared: VimaBench) -> None:
    context = begun(shared)
    expert = shared.expert()
    action = expert.act([context])[0].actions[0]
    shared.step(action)
    scene = read_scene(shared.scene())
    assert (scene.record.task, scene.record.partition, scene.record.ee) == (
        "rotate",
        "placement_generalization",
        "suction",
    )
    assert [(thing.id, thing.role, thing.size) for thing in scene.record.objects] == [
        (5, "target", (0.06, 0.08, 0.04)),
        (6, "distractor", (0.06, 0.08, 0.04)),
    ]
    assert scene.record.goals[0].target == (0.5, 0.3, 0.02, 0.0)
    assert [len(scene.frames), len(scene.actions)] == [2, 1]
    np.testing.assert_allclose(scene.actions[0], [*action[:2], 0, *action[3:]])
    # The engine tells centres of mass, which the stand-in has 1 cm above the origin.
    np.testing.assert_allclose([scene.frames[1].bodies[0].x, scene.frames[1].bodies[0].z], [action[3], 0.02], atol=1e-9)
    assert scene.flags == ((True, False),)
    assert problem_of(scene).text == "Bring the {dragged_obj} where {scene} shows it."


def test_a_run_survives_its_simulator_and_names_no_place_of_this_machine(checkout: Path, tmp_path: Path) -> None:
    benchmark = (
        f"vima:python={sys.executable},checkout={checkout},tasks=rotate,suites=placement,per_task=3,seed={FAILS - 1}"
    )
    run = evaluate(EvaluateConfig("expert", tmp_path / "run", benchmark, videos="none"))
    outcomes = {record.seed: record.outcome for record in run.records}
    assert outcomes == {100: Outcome.SUCCESS, FAILS: Outcome.CRASHED, DIES: Outcome.CRASHED}
    errors = {record.seed: record.error for record in run.records}
    assert "failed (reset): ValueError: no place for the red block" in errors[FAILS]
    assert str(checkout) not in (tmp_path / "run" / "run.json").read_text()


def test_a_run_in_an_interpreter_that_lacks_something_does_not_begin(tmp_path: Path) -> None:
    (tmp_path / "vima_bench").mkdir()
    (tmp_path / "vima_bench" / "__init__.py").write_text("import pybullet_of_another_name")
    (tmp_path / "gym.py").touch()
    benchmark = f"vima:python={sys.executable},checkout={tmp_path},per_task=1"
    with pytest.raises(SimulatorError, match=r"No module named 'pybullet_of_another_name'. `instar doctor vima` says"):
        evaluate(EvaluateConfig("expert", tmp_path / "run", benchmark))
    assert not (tmp_path / "run").exists()


def test_a_child_whose_parent_was_killed_ends_and_leaves_nothing(checkout: Path, tmp_path: Path) -> None:
    text = (
        "import os, sys, tempfile\n"
        "tempfile.tempdir = sys.argv[2]\n"
        "from instar.simulator import Task\n"
        "from instar.simulators.vima import VimaBench\n"
        "simulator = VimaBench(sys.executable, sys.argv[1])\n"
        "simulator.reset(Task('rotate', 'placement'), 1)\n"
        "assert os.listdir(sys.argv[2])\n"
        "os.abort()\n"
    )
    done = subprocess.run([sys.executable, "-c", text, str(checkout), str(tmp_path)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGABRT, done.stderr
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(tmp_path.iterdir())


def test_a_process_that_is_lost_at_the_start_of_an_episode_is_the_simulators_failure(checkout: Path) -> None:
    simulator = stand_in.stand_in(checkout)
    with pytest.raises(SimulatorError, match=r"died \(reset, exit code 3\)"):
        simulator.reset(TASK, IS_LOST_AT_ONCE)
    simulator.close()
