"""The arm as a benchmark."""

from pathlib import Path

import pytest

from instar import plugins
from instar.benchmarks.arm import ArmBenchmark
from instar.demos.played import SEEDS
from instar.errors import ConfigError
from instar.evaluate import EXPERT, EvaluateConfig, evaluate
from instar.rollout import Outcome
from instar.testing import conform
from tests.simulators.arm.playing import needs_mujoco


def test_it_conforms() -> None:
    assert conform("benchmarks", "arm:per_task=1")


def test_every_task_is_played_in_both_suites_within_a_time_of_its_own() -> None:
    trials = ArmBenchmark().episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 9 * 2 * 10
    assert trials[0].id == "seen/push_buttons/200000"
    assert trials[-1].id == "unseen/put_in_drawer/200009"
    assert min(trial.seed for trial in trials) >= SEEDS
    most = {trial.task.name: trial.task.max_steps for trial in trials}
    assert (most["pick_and_lift"], most["stack_blocks"]) == (30, 60)
    twice = {trial.task.name: trial.task.max_steps for trial in ArmBenchmark(hz=10.0).episodes()}
    assert twice == {name: 2 * steps for name, steps in most.items()}
    assert {trial.task.max_steps for trial in ArmBenchmark(max_steps=12).episodes()} == {12}


def test_it_is_played_on_the_arm_that_was_asked_for() -> None:
    assert ArmBenchmark().simulator() == "arm"
    typed = plugins.make("benchmarks", "arm:tasks=close_jar,suites=unseen,control=joint_velocity,hz=10,cameras=front")
    assert typed.simulator() == "arm:control=joint_velocity,hz=10.0,cameras=front"
    assert plugins.make("simulators", typed.simulator()).robot.control == "joint velocity"
    assert plugins.make("benchmarks", plugins.choice_of("benchmarks", typed)) == typed


@needs_mujoco
def test_the_expert_is_evaluated_without_a_picture(tmp_path: Path) -> None:
    benchmark = "arm:tasks=open_drawer+pick_and_lift,per_task=1"
    config = EvaluateConfig(EXPERT, tmp_path / "run", benchmark, workers=0, videos="none")
    assert [record.outcome for record in evaluate(config).records] == [Outcome.SUCCESS] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": "stack"}, "no task 'stack'"),
        ({"suites": "sean"}, "did you mean 'seen'"),
        ({"per_task": 0}, "at least one"),
        ({"seed": -1}, "not negative"),
        ({"cameras": "top"}, "no camera 'top'"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.load("benchmarks", "arm")(**options)
