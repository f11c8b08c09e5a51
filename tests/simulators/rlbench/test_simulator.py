"""RLBench as a simulator, on the stand-in: what an episode is, and what becomes of one whose process is lost."""

import copy
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.embodiments.panda import JOINTS_SPEED
from instar.errors import ConfigError, SimulatorError
from instar.evaluate import EvaluateConfig, evaluate
from instar.policy import Policy, PolicySpec
from instar.robot import ActionChunk, Floats
from instar.rollout import Outcome, rollout
from instar.simulator import Simulator, Task, Trial
from instar.simulators.rlbench import RLBench
from instar.simulators.rlbench.options import VARIABLE, Control
from instar.testing import assert_same_context
from tests.simulators.rlbench.stand_in import MODULES, SIZE, TASK, ball_in, begun, stand_in, write_interpreter

STILL = np.array([0.0] * 7 + [1.0])
LENGTH = 0.3  # metres that the stand-in's hand goes for a radian


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in lies."""
    return write_interpreter(tmp_path_factory.mktemp("interpreter")).parent


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[RLBench]:
    simulator = stand_in(folder)
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def planned(folder: Path) -> Iterator[RLBench]:
    simulator = stand_in(folder, "end_effector_pose")
    yield simulator
    simulator.close()


def pose(x: float, y: float, z: float, gripper: float = 1.0) -> Floats:
    return np.array([x, y, z, 0.0, 0.0, 0.0, 1.0, gripper])


def ball(simulator: Simulator, seed: int = 1, task: Task = TASK) -> Floats:
    """Where the ball is (x, y, z), from the picture: the height that fits best what closing there does."""
    seen = begun(simulator, task, seed).observation
    for z in np.arange(1.2, 1.42, 0.01):
        x, y = simulator.robot.camera("front").lift(ball_in(seen), z)
        begun(simulator, task, seed)
        if simulator.step(pose(x, y, z, 0.0)).success:
            return np.array([x, y, z])
    raise AssertionError("no ball is found")


def test_it_is_a_panda_that_is_moved_by_the_speeds_of_its_joints(shared: RLBench) -> None:
    assert isinstance(shared, Simulator)
    assert (shared.robot.name, shared.robot.control) == ("panda", "joint velocity")
    context = begun(shared)
    before = context.observation.state
    assert len(before) == len(shared.robot.state) == 11
    assert context.observation.images["front"].pixels.shape == (SIZE, SIZE, 3)
    after = shared.step(np.array([0.5, -1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 1.0])).observation.state
    np.testing.assert_allclose((after - before)[:7], np.array([0.5, -1.0, 0, 0, 0, 0, 2.0]) / 20, atol=1e-12)
    np.testing.assert_allclose((after - before)[8:], LENGTH * (after - before)[:3], atol=1e-12)


def test_the_hand_is_where_the_calibrated_camera_shows_it(shared: RLBench) -> None:
    for action in (STILL, np.array([2.0, 2.0, 0.0, 0, 0, 0, 0, 1])):
        begun(shared)
        for _ in range(4):
            seen = shared.step(action).observation
        rows, columns = np.nonzero((seen.images["front"].pixels == 255).all(axis=2))
        middle = np.array([columns.mean() + 0.5, rows.mean() + 0.5])
        np.testing.assert_allclose(shared.robot.camera("front").project(seen.state[8:]), middle, atol=0.6)


def test_a_camera_that_the_arm_carries_is_not_calibrated(folder: Path) -> None:
    simulator = stand_in(folder, cameras="wrist+overhead")
    images = begun(simulator).observation.images
    simulator.close()
    assert [camera.world_to_pixel is None for camera in simulator.robot.cameras] == [True, False]
    assert (images["wrist"].pixels != images["overhead"].pixels).any()


def test_the_gripper_is_open_above_one_half_and_closed_elsewhere(shared: RLBench) -> None:
    begun(shared)
    found = [shared.step(np.array([*STILL[:7], gripper])).observation.state[7] for gripper in (1, 0.5, 0.51, 0)]
    assert found == [1.0, 0.0, 1.0, 0.0]


def test_joints_go_to_their_places_in_that_control(folder: Path) -> None:
    simulator = stand_in(folder, "joint_position")
    before = begun(simulator).observation.state
    goal = before[:8] + np.array([0.05, 0, 0, -0.05, 0, 0, 0, 0])
    transition = simulator.step(goal)
    np.testing.assert_allclose(transition.observation.state[:7], goal[:7], atol=1e-12)
    assert (
        "joint_6 4.000 rad is more than the robot does and was made 3.752"
        in simulator.step(np.array([*goal[:5], 4.0, goal[6], 1.0])).reason
    )
    simulator.close()


def test_an_episode_is_the_same_whatever_was_played_before(shared: RLBench, folder: Path) -> None:
    other = stand_in(folder)
    alone = begun(other, seed=3)
    other.close()
    begun(shared, Task("close_jar", "rlbench"), 2)
    shared.step(STILL)
    assert_same_context(begun(shared, seed=3), alone)
    assert_same_context(begun(shared, seed=3), alone)
    again = copy.deepcopy(shared)
    assert_same_context(begun(again, seed=3), alone)
    again.close()


def test_seeds_draw_variations_and_places_and_an_option_holds_the_variation(shared: RLBench, folder: Path) -> None:
    drawn = [begun(shared, seed=seed) for seed in range(12)]
    words = {context.instruction.text for context in drawn}
    assert words == {f"open the drawer number {k}" for k in range(3)}
    assert len({context.observation.images["front"].digest for context in drawn}) == 12
    simulator = RLBench(str(folder / "python"), variation=2, size=SIZE, wordings="all")
    told = {begun(simulator, seed=seed).instruction.text for seed in range(8)}
    simulator.close()
    assert told == {"open the drawer number 2", "grip the handle and pull the drawer number 2 open"}


def test_a_reward_is_a_success_and_the_end(planned: RLBench) -> None:
    place = ball(planned)
    begun(planned)
    away = planned.step(pose(0.2, 0.1, 1.4))
    assert (away.terminated, away.success, away.reason) == (False, False, "")
    found = planned.step(pose(place[0], place[1], place[2], 0.0))
    assert (found.terminated, found.success, found.reason) == (True, True, "")
    with pytest.raises(SimulatorError, match="the episode is over"):
        planned.step(pose(0.2, 0.1, 1.4))


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        (pose(0.2, 0.45, 1.2), "InvalidActionError: A path could not be found."),
        (pose(0.2, -0.45, 1.2), "IKError: IK failed. "),
        (pose(0.2, 0.0, 3.0), "InvalidActionError: A path could not be found because the target is outside"),
        (np.array([0.2, 0, 1.2, 0, 0, 0, 0, 1]), "InvalidActionError: Action contained non unit quaternion!"),
    ],
)
def test_what_cannot_be_done_is_a_failure_with_its_reason(planned: RLBench, action: Floats, reason: str) -> None:
    before = begun(planned).observation
    transition = planned.step(action)
    assert (transition.terminated, transition.success) == (True, False)
    assert transition.reason.startswith(reason)
    assert transition.observation.images["front"].digest == before.images["front"].digest


def test_a_quaternion_that_rounding_made_short_is_made_whole(planned: RLBench) -> None:
    begun(planned)
    transition = planned.step(np.array([0.2, 0.1, 1.4, 0.0, 0.0, 0.5, 0.8659, 1.0]))
    assert (transition.terminated, transition.reason) == (False, "")
    np.testing.assert_allclose(transition.observation.state[6] - 0.785, 2 * np.arctan2(0.5, 0.8659), atol=1e-6)


def test_what_must_not_happen_ends_the_episode_as_a_failure(planned: RLBench) -> None:
    begun(planned)
    transition = planned.step(pose(0.2, 0.0, 0.9))
    assert (transition.terminated, transition.success) == (True, False)
    assert transition.reason == "RLBench ended the episode: what must not happen has"


def test_speeds_are_kept_within_the_robots_limits_and_the_reason_says_so(shared: RLBench) -> None:
    before = begun(shared).observation.state
    transition = shared.step(np.array([99.0, 0, 0, 0, 0, -99.0, 0, 1.5]))
    moved = (transition.observation.state - before)[:7]
    np.testing.assert_allclose(moved, np.array([JOINTS_SPEED[0], 0, 0, 0, 0, -JOINTS_SPEED[5], 0]) / 20, atol=1e-12)
    assert transition.reason == (
        "joint_1 99.000 rad/s is more than the robot does and was made 2.175; "
        "joint_6 -99.000 rad/s is more than the robot does and was made -2.610; "
        "gripper 1.500 1 is more than the robot does and was made 1.000"
    )
    assert not transition.terminated


@pytest.mark.parametrize("action", [np.zeros(7), np.full(8, np.nan), np.zeros((1, 8))])
def test_refuses_what_is_no_action(shared: RLBench, action: Floats) -> None:
    begun(shared)
    with pytest.raises(SimulatorError, match="an action is 8 finite numbers"):
        shared.step(action)


def test_without_an_episode_there_is_nothing_to_do(folder: Path) -> None:
    with pytest.raises(SimulatorError, match="no episode in play"):
        stand_in(folder).step(STILL)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (Task("open_drawers", "rlbench"), "no task 'open_drawers'; did you mean 'open_drawer'"),
        (Task("place_cups", "rlbench"), "this RLBench has no task 'place_cups'"),
        (Task("open_drawer", "rlbeach"), "no suite 'rlbeach'; did you mean 'rlbench'"),
        (Task("turn_tap", "rlbench"), "turn_tap has 5 variations here and 2 in RLBench 1.2"),
    ],
)
def test_tasks_that_there_are_not_are_refused_by_name(shared: RLBench, task: Task, words: str) -> None:
    with pytest.raises(SimulatorError, match=words):
        shared.reset(task, 1)
    with pytest.raises(SimulatorError, match="no episode in play"):
        shared.step(STILL)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("cameras=side", "no camera 'side'"),
        ("size=8", "pictures have 16 to 2048 pixels a side"),
        ("variation=-2", "numbered from 0"),
        ("starts=demos", "say dataset=FOLDER"),
        ("dataset=somewhere", "dataset is for starts=demos"),
        ("starts=demos,dataset=nowhere", "nowhere: no such folder or zip"),
        ("starts=demos,dataset=.,variation=1", "has its own variation"),
        ("python=nowhere/python", "no such interpreter"),
    ],
)
def test_options_that_cannot_be_are_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("simulators", f"rlbench:{options}")


def test_it_is_told_where_the_interpreter_is_by_option_or_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=f"rlbench:python=PATH, or set {VARIABLE}"):
        plugins.make("simulators", "rlbench")
    monkeypatch.setenv(VARIABLE, str(folder / "python"))
    simulator = plugins.make("simulators", "rlbench:control=joint_position")
    choice = plugins.choice_of("simulators", simulator)
    assert plugins.make("simulators", choice) == simulator
    assert not {"python", "patience", "dataset", "headless"} & set(plugins.portable("simulators", simulator).options)


@pytest.mark.parametrize("control", ["joint_velocity", "joint_position"])
def test_joints_move_in_the_fork_that_tells_every_arm_of_collisions(tmp_path: Path, control: Control) -> None:
    program = write_interpreter(tmp_path)
    modules = shutil.copytree(MODULES, tmp_path / "modules")
    mode = modules / "rlbench/action_modes/action_mode.py"
    mode.write_text(mode.read_text().replace("np.array(action[:7]))", "np.array(action[:7]), False)"))
    program.write_text(program.read_text().replace("PYTHONPATH='", f"PYTHONPATH='{modules}:"))
    simulator = stand_in(tmp_path, control)
    before = begun(simulator).observation.state
    told = np.zeros(8) if control == "joint_velocity" else before[:8].copy()
    told[0] = 1.0 if control == "joint_velocity" else 0.05
    assert simulator.step(told).observation.state[0] == pytest.approx(before[0] + 0.05)
    simulator.close()


def test_to_prepare_finds_the_cameras_and_leaves_no_process(folder: Path, tmp_path: Path) -> None:
    simulator = stand_in(folder)
    simulator.prepare()
    (folder / "python").rename(tmp_path / "python")  # nothing could be started now
    try:
        assert simulator.robot.camera("front").world_to_pixel is not None
        with pytest.raises(SimulatorError, match="does not start"):
            begun(simulator)
    finally:
        (tmp_path / "python").rename(folder / "python")


def test_what_is_missing_is_told_before_anything_is_played(tmp_path: Path) -> None:
    program = write_interpreter(tmp_path, "unset COPPELIASIM_ROOT")
    with pytest.raises(SimulatorError, match=r"COPPELIASIM_ROOT not defined.*`instar doctor rlbench` says"):
        RLBench(str(program), patience=30.0).prepare()


class Reacher:
    """A policy that goes where the picture shows the ball, at a height, and closes."""

    def __init__(self, simulator: RLBench, place: Floats) -> None:
        self.spec = PolicySpec("reacher", (simulator.robot,), past=0, horizon=1)
        self.place = place

    def act(self, contexts: object) -> list[ActionChunk]:
        return [ActionChunk(pose(self.place[0], self.place[1], self.place[2], 0.0)[None])]


def test_a_rollout_ends_as_the_episode_did(planned: RLBench) -> None:
    reacher: Policy = Reacher(planned, ball(planned))
    assert rollout(reacher, planned, Trial(TASK, 1)).outcome is Outcome.SUCCESS
    missed = rollout(Reacher(planned, np.array([0.2, 0.45, 1.2])), planned, Trial(TASK, 1))
    assert (missed.outcome, missed.error) == (Outcome.FAILURE, "InvalidActionError: A path could not be found.")


def test_a_crash_of_the_simulator_is_no_failure_and_the_run_goes_on(folder: Path, tmp_path: Path) -> None:
    told = f"python={folder / 'python'},tasks=stack_cups+push_buttons+open_drawer,per_task=1,max_steps=3,size={SIZE}"
    run = evaluate(EvaluateConfig("random", tmp_path / "run", f"rlbench:{told}", videos="none"))
    found = {record.task: (record.outcome, record.error) for record in run.records}
    assert found["open_drawer"][0] is Outcome.TIMEOUT
    assert "ValueError: the cups are not there" in found["stack_cups"][1]
    assert "about to die" in found["push_buttons"][1]
    assert found["stack_cups"][0] is found["push_buttons"][0] is Outcome.CRASHED
    assert str(folder) not in (tmp_path / "run" / "run.json").read_text()
