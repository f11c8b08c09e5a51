"""The arm as a simulator."""

import copy
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.embodiments.panda import JOINTS
from instar.errors import ConfigError, SimulatorError
from instar.simulator import Simulator, Task
from instar.simulators.arm import Arm
from instar.simulators.arm.control import Control
from instar.testing import conform
from tests.simulators.arm.playing import advised, begun, needs_mujoco, needs_pictures, solved

LIFT = Task("pick_and_lift", "seen", max_steps=30)
STILL = np.array([0.0] * 6 + [1.0])


def digest(task: Task, seed: int) -> str:
    """All that can be seen of an episode up to its third step, as one hash."""
    arm = Arm(height=64, width=128)
    context = begun(arm, task, seed)
    pieces = [context.instruction.text.encode()]
    for _ in range(3):
        action = advised(arm, context)
        observation = arm.step(action).observation
        pieces += [action.tobytes(), observation.state.tobytes(), repr(observation.objects).encode()]
        pieces += [observation.images[name].pixels.tobytes() for name in ("front", "wrist")]
    return hashlib.sha256(b"".join(pieces)).hexdigest()


@needs_pictures
def test_it_conforms() -> None:
    assert conform("simulators", "arm:height=32,width=64")


@needs_pictures
def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "from instar.simulator import Task; from tests.simulators.arm.test_simulator import digest;"
        "print(digest(Task('pick_and_lift', 'seen'), 7))"
    )
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": str(root)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=root
    )
    assert result.stdout.strip() == digest(Task("pick_and_lift", "seen"), 7)


@needs_mujoco
def test_an_earlier_episode_changes_nothing() -> None:
    arm, fresh = Arm(), Arm()
    arm.reset(Task("stack_blocks", "unseen"), 3)
    arm.step(STILL)
    _, again = arm.reset(LIFT, 7)
    _, first = fresh.reset(LIFT, 7)
    assert np.array_equal(again.state, first.state)
    assert np.array_equal(arm.step(STILL).observation.state, fresh.step(STILL).observation.state)


@needs_mujoco
def test_the_state_tells_joints_gripper_and_the_place_of_the_hand() -> None:
    arm = Arm()
    assert isinstance(arm, Simulator)
    assert arm.robot.state == (*JOINTS, "gripper", "x", "y", "z")
    _, observation = arm.reset(LIFT, 0)
    assert observation.state[7] == 1.0
    assert observation.state[8:] == pytest.approx([0.42, 0.0, 0.25], abs=1e-3)
    moved = arm.step(np.array([0.05, 0.02, -0.06, 0.0, 0.0, 0.0, 0.0])).observation.state
    assert moved[8:] - observation.state[8:] == pytest.approx([0.05, 0.02, -0.06], abs=1e-3)
    assert moved[7] == 0.0


@needs_mujoco
@pytest.mark.parametrize("control", ["end_effector_delta", "joint_velocity", "joint_position"])
@pytest.mark.parametrize("hz", [5.0, 10.0])
def test_the_expert_follows_every_control(control: Control, hz: float) -> None:
    arm = Arm(control, hz)
    transitions = solved(arm, Task("pick_and_lift", "seen", max_steps=60), 200_001)
    assert transitions[-1].success
    assert len(transitions) < 6 * hz


@needs_mujoco
def test_the_expert_goes_from_key_pose_to_key_pose() -> None:
    transitions = solved(Arm("key_pose"), Task("pick_and_lift", "seen", max_steps=10), 200_001)
    assert transitions[-1].success
    assert len(transitions) <= 5  # above the block, to it, closed, to the ball


@needs_mujoco
def test_a_key_pose_is_reached_before_the_fingers_move() -> None:
    arm = Arm("key_pose")
    arm.reset(LIFT, 0)
    state = arm.step(np.array([0.5, -0.2, 0.1, 0.0, 0.0, 0.3, 0.0])).observation.state
    assert state[8:] == pytest.approx([0.5, -0.2, 0.1], abs=3e-3)
    assert state[7] == 0.0


@needs_mujoco
def test_a_key_pose_out_of_reach_ends_where_the_arm_ends() -> None:
    arm = Arm("key_pose")
    arm.reset(LIFT, 0)
    state = arm.step(np.array([0.85, 0.5, 0.6, 3.0, 0.0, 0.0, 1.0])).observation.state
    assert np.isfinite(state).all()
    assert np.linalg.norm(state[8:]) < 1.3


@needs_mujoco
def test_the_expert_goes_on_from_where_somebody_else_got_to() -> None:
    arm, rng = Arm(), np.random.default_rng(0)
    context = begun(arm, LIFT, 5)
    for _ in range(6):
        arm.step(np.array([*rng.normal(0, 0.04, 3), 0.0, 0.0, *rng.normal(0, 0.2, 1), rng.integers(2)]))
    for _ in range(24):
        transition = arm.step(advised(arm, context))
        if transition.terminated:
            break
    assert transition.success


@needs_mujoco
def test_actions_beyond_the_bounds_are_moved_to_them() -> None:
    wild, bounded = Arm(), Arm()
    for arm in (wild, bounded):
        arm.reset(LIFT, 1)
    one = wild.step(np.array([0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 7.0])).observation.state
    two = bounded.step(np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])).observation.state
    assert np.array_equal(one, two)


@needs_mujoco
@pytest.mark.parametrize("action", [np.zeros(6), np.zeros((1, 7)), np.full(7, np.nan)], ids=["short", "chunk", "nan"])
def test_an_action_that_is_none_is_refused(action: np.ndarray) -> None:
    arm = Arm()
    arm.reset(LIFT, 0)
    with pytest.raises(SimulatorError, match="7 finite numbers"):
        arm.step(action)


@needs_mujoco
def test_a_step_needs_an_episode_that_is_not_over() -> None:
    arm = Arm()
    context = begun(Arm(), LIFT, 0)
    with pytest.raises(SimulatorError, match="reset the arm to a task"):
        arm.step(STILL)
    with pytest.raises(SimulatorError, match="reset the arm to a task"):
        advised(arm, context)
    solved(arm, LIFT, 0)
    with pytest.raises(SimulatorError, match="over"):
        arm.step(STILL)
    with pytest.raises(SimulatorError, match="over"):
        advised(arm, context)
    arm.close()
    with pytest.raises(SimulatorError, match="reset the arm to a task"):
        arm.step(STILL)


@needs_pictures
def test_objects_and_cameras_are_left_out_as_asked() -> None:
    arm = Arm(height=32, width=64, cameras="front", objects=False)
    _, observation = arm.reset(LIFT, 0)
    assert list(observation.images) == ["front"]
    assert not observation.objects
    assert not observation.segmentation
    assert [camera.name for camera in arm.robot.cameras] == ["front"]


def test_a_copy_is_another_arm_with_the_same_options() -> None:
    arm = Arm("joint_velocity", 10.0, 64, 128, "wrist", objects=False)
    assert copy.deepcopy(arm) == arm
    assert plugins.make("simulators", plugins.choice_of("simulators", arm)) == arm


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hz": 0.5}, "hz=0.5 must be from 1 to 50"),
        ({"height": 8}, "from 16 to 1024 pixels"),
        ({"cameras": "front+back"}, "no camera 'back'"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.load("simulators", "arm")(**options)
