"""LIBERO as a benchmark."""

from pathlib import Path

import pytest

from instar import plugins
from instar.benchmarks.libero import LiberoBenchmark
from instar.errors import ConfigError
from instar.simulator import Benchmark
from instar.simulators.libero import Libero
from instar.simulators.libero.protocol import suites
from instar.testing import conform
from tests.simulators.libero.stand_in import write_clone, write_interpreter


def test_it_conforms() -> None:
    assert conform("benchmarks", "libero:per_task=1")


def test_it_plays_fifty_beginnings_of_every_task_of_four_suites_with_their_horizons() -> None:
    benchmark = LiberoBenchmark()
    assert isinstance(benchmark, Benchmark)
    trials = benchmark.episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 2000
    assert {(trial.task.suite, trial.task.max_steps) for trial in trials} == {
        ("libero_spatial", 220),
        ("libero_object", 280),
        ("libero_goal", 300),
        ("libero_10", 520),
    }
    assert {trial.seed for trial in trials} == set(range(50))
    assert len(LiberoBenchmark(suites="libero_90").episodes()) == 4500


def test_tasks_are_chosen_by_name_or_number() -> None:
    typed = plugins.make("benchmarks", "libero:suites=libero_object+libero_goal,tasks=0+7,per_task=1,seed=4")
    names = [suites()[suite].tasks[number] for suite in ("libero_object", "libero_goal") for number in (0, 7)]
    assert [(trial.task.name, trial.seed) for trial in typed.episodes()] == [(name, 4) for name in names]
    one = plugins.make("benchmarks", "libero:tasks=put_the_bowl_on_the_stove,per_task=1,max_steps=9")
    assert [(trial.id, trial.task.max_steps) for trial in one.episodes()] == [
        ("libero_goal/put_the_bowl_on_the_stove/0", 9)
    ]
    assert len(plugins.make("benchmarks", "libero:tasks=3,per_task=1").episodes()) == 4
    assert len(plugins.make("benchmarks", "libero:tasks=[3,4],per_task=1").episodes()) == 8


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("tasks=put_the_bowl", "no task 'put_the_bowl'; did you mean 'put_the_bowl_on_the"),
        ("suites=libero_91", "no suite 'libero_91'; did you mean 'libero_90'"),
        ("tasks=12", "none of the tasks 12 exists"),
        ("per_task=51", "a task has 50 beginnings"),
        ("per_task=2,seed=49", "a task has 50 beginnings"),
        ("max_steps=-1", "negative"),
    ],
)
def test_what_does_not_exist_is_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("benchmarks", f"libero:{options}")


def test_its_simulator_is_told_everything(tmp_path: Path) -> None:
    clone, python = str(write_clone(tmp_path / "LIBERO, a clone: [1]")), str(write_interpreter(tmp_path / "bin"))
    benchmark = LiberoBenchmark(python, clone, cameras="eye_in_hand", height=128, words="bddl", settle=0)
    there = plugins.make("simulators", benchmark.simulator())
    assert there == Libero(python, clone, "eye_in_hand", 128, words="bddl", settle=0)
    assert not {"python", "checkout", "patience"} & set(plugins.portable("benchmarks", benchmark).options)
