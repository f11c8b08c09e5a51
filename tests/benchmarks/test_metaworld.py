"""Meta-World as a benchmark."""

from pathlib import Path

import pytest

from instar import plugins
from instar.benchmarks.metaworld import MetaWorldBenchmark
from instar.errors import ConfigError
from instar.simulator import Benchmark
from instar.simulators.metaworld import MetaWorld
from instar.testing import conform
from tests.simulators.metaworld.stand_in import write_interpreter


def test_it_conforms() -> None:
    assert conform("benchmarks", "metaworld:per_task=1")


def test_it_plays_every_task_with_seeds_of_its_own_for_as_long_as_meta_world_does() -> None:
    benchmark = MetaWorldBenchmark()
    assert isinstance(benchmark, Benchmark)
    trials = benchmark.episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 500
    assert [trials[k].id for k in (0, 9, 10, 499)] == [
        "easy/button-press-v3/200000",
        "easy/button-press-v3/200009",
        "easy/button-press-topdown-v3/200000",
        "very_hard/stick-push-v3/200009",
    ]
    for repeat, most in ((1, 500), (5, 100), (3, 166)):
        assert {trial.task.max_steps for trial in MetaWorldBenchmark(repeat=repeat).episodes()} == {most}


def test_tasks_groups_and_seeds_are_chosen_as_a_user_types_them() -> None:
    typed = plugins.make("benchmarks", "metaworld:tasks=push-v3+reach-v3,per_task=2,seed=7,max_steps=9")
    assert [trial.id for trial in typed.episodes()] == [
        "easy/reach-v3/7",
        "easy/reach-v3/8",
        "hard/push-v3/7",
        "hard/push-v3/8",
    ]
    assert {trial.task.max_steps for trial in typed.episodes()} == {9}
    assert len(plugins.make("benchmarks", "metaworld:suites=hard+very_hard,per_task=1").episodes()) == 11


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("tasks=reach", "no task 'reach'; did you mean 'reach-v3'"),
        ("suites=eazy", "no suite 'eazy'; did you mean 'easy'"),
        ("tasks=reach-v3,suites=hard", "none of the tasks"),
        ("per_task=0", "at least one"),
        ("seed=-1", "nothing is negative"),
        ("repeat=0", "an action lasts 1 to 500 steps"),
    ],
)
def test_what_does_not_exist_is_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("benchmarks", f"metaworld:{options}")


def test_its_simulator_is_told_everything_whatever_the_path_holds(tmp_path: Path) -> None:
    python = str(write_interpreter(tmp_path / "Meta, the world: [1]"))
    benchmark = MetaWorldBenchmark(python, cameras="corner+topview", height=64, fov=45, repeat=2, finish="full")
    there = plugins.make("simulators", benchmark.simulator())
    assert there == MetaWorld(python, "corner+topview", 64, fov=45, repeat=2, finish="full")
    assert not {"python", "patience"} & set(plugins.portable("benchmarks", benchmark).options)
