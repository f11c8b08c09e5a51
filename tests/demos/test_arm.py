"""Demonstrations played by the arm's expert."""

import copy

import numpy as np
import pytest

from instar import plugins
from instar.demos.arm import ArmDemos
from instar.errors import ConfigError, DataError
from instar.simulator import Task
from instar.simulators.arm import Arm
from instar.testing import conform
from instar.tracing import points
from tests.simulators.arm.playing import needs_mujoco, needs_pictures

LIFT = "arm/seen/pick_and_lift/000000"


@needs_pictures
def test_it_conforms() -> None:
    assert conform("demos", "arm:episodes=3,height=32,width=64,tasks=open_drawer+close_jar")


@needs_mujoco
def test_ids_go_round_the_tasks() -> None:
    demos = ArmDemos(episodes=5, tasks="push_buttons+open_drawer*2", seed=3)
    assert demos.ids() == [
        "arm/seen/push_buttons/000003",
        "arm/seen/open_drawer/000003",
        "arm/seen/open_drawer/000004",
        "arm/seen/push_buttons/000004",
        "arm/seen/open_drawer/000005",
    ]
    assert demos == copy.deepcopy(demos)


@needs_mujoco
def test_other_commands_give_other_ids_and_another_fingerprint() -> None:
    usual, other = ArmDemos(9), ArmDemos(9, control="joint_velocity", hz=10.0, astray=0.1)
    assert other.ids()[0] == "arm-joint_velocity-10hz-astray0.1/seen/push_buttons/000000"
    assert usual.fingerprint() != other.fingerprint()
    assert usual.fingerprint() == ArmDemos(9).fingerprint()


@needs_pictures
def test_an_episode_is_the_experts_from_the_first_look_to_the_last() -> None:
    demos = ArmDemos(9, height=64, width=128)
    episode = demos.episode(LIFT)
    assert (episode.id, episode.success) == (LIFT, True)
    assert episode.steps[-1].action is None
    arm = Arm(height=64, width=128)
    instruction, observation = arm.reset(Task("pick_and_lift", "seen"), 0)
    assert instruction.text == episode.instruction.text
    for t in range(episode.length):
        assert observation.images["front"].digest == episode.steps[t].observation.images["front"].digest
        transition = arm.step(episode.action(t))
        observation = transition.observation
    assert transition.success


@needs_mujoco
@pytest.mark.parametrize("control", ["joint_velocity", "joint_position"])
def test_joints_are_commanded_as_asked(control: str) -> None:
    demos = plugins.make("demos", f"arm:episodes=9,control={control}")
    episode = demos.episode(demos.ids()[1])
    assert episode.robot.control == control.replace("_", " ")
    states = np.array([step.observation.state[:7] for step in episode.steps])
    actions = np.array([episode.action(t)[:7] for t in range(episode.length)])
    reached = states[1:] if control == "joint_position" else np.diff(states, axis=0) * 5
    assert np.abs(actions - reached).max() < 0.05


@needs_mujoco
def test_a_trace_needs_no_detector() -> None:
    episode = ArmDemos(9).episode(LIFT)
    camera = episode.robot.camera("front")
    trace = points(episode, 0, camera)
    assert len(trace) == len(episode.steps)
    assert None not in trace
    assert trace[0] == pytest.approx(tuple(camera.project(episode.steps[0].observation.state[-3:])))


@needs_mujoco
def test_a_hand_that_goes_astray_comes_back() -> None:
    straight, astray = ArmDemos(9), ArmDemos(9, astray=0.3)
    one, two, again = (demos.episode(demos.ids()[1]) for demos in (straight, astray, astray))
    assert one.instruction.text == two.instruction.text
    assert two.success
    assert two.length > one.length
    assert [step.observation.state.tolist() for step in two.steps] == [
        step.observation.state.tolist() for step in again.steps
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": "stack"}, "no task 'stack'; there are: push_buttons"),
        ({"suite": "sen"}, "did you mean 'seen'"),
        ({"episodes": 0}, "at least one"),
        ({"seed": 99_999}, "apart from those of evaluations"),
        ({"hz": 0.0}, "hz=0.0 must be from 1 to 50"),
        ({"astray": 0.9}, "astray=0.9 must be from 0 to 0.5"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.load("demos", "arm")(**options)


def test_foreign_ids_are_refused() -> None:
    with pytest.raises(DataError, match="not an episode of these demonstrations; the first is arm/seen/push_buttons"):
        ArmDemos(9).episode("arm/unseen/push_buttons/000000")
