"""VIMA-Bench as a benchmark."""

import os
from pathlib import Path

import pytest

from instar import plugins
from instar.benchmarks.vima import VimaBenchmark
from instar.errors import ConfigError
from instar.simulator import Benchmark
from instar.simulators.vima import VimaBench
from instar.simulators.vima.partitions import PARTITIONS, TASKS
from instar.testing import conform
from tests.simulators.vima.stand_in import needs_the_real_one, real_one, write_checkout


def test_it_conforms() -> None:
    assert conform("benchmarks", "vima:per_task=1")


def test_it_plays_llaras_840_episodes_in_llaras_order() -> None:
    benchmark = VimaBenchmark()
    assert isinstance(benchmark, Benchmark)
    trials = benchmark.episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 840
    assert [trials[k].id for k in (0, 19, 20, 260, 520, 760, 839)] == [
        "placement/sweep_without_exceeding/200000",
        "placement/sweep_without_exceeding/200019",
        "placement/rotate/200000",
        "combinatorial/sweep_without_exceeding/200000",
        "novel_object/rotate/200000",
        "novel_task/sweep_without_touching/200000",
        "novel_task/same_texture/200019",
    ]
    assert {trial.task.max_steps for trial in trials} == {8}
    assert [len(tasks) for tasks in TASKS.values()] == [13, 13, 12, 4]


def test_levels_tasks_and_seeds_are_chosen_as_a_user_types_them() -> None:
    typed = plugins.make(
        "benchmarks", "vima:tasks=rotate+follow_motion,suites=[novel_task,placement],per_task=2,seed=7"
    )
    expected = [f"{pair}/{seed}" for pair in ("novel_task/follow_motion", "placement/rotate") for seed in (7, 8)]
    assert [trial.id for trial in typed.episodes()] == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("tasks=rotates", "no task 'rotates'; did you mean 'rotate'"),
        ("suites=train", "no suite 'train'; there are: placement"),
        ("tasks=rotate,suites=novel_task", "none of the tasks"),
        ("per_task=0", "at least one"),
        ("seed=-1", "not negative"),
        ("tasks=[]", "no task of VIMA-Bench is chosen"),
    ],
)
def test_what_does_not_exist_is_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("benchmarks", f"vima:{options}")


def test_its_simulator_is_told_where_everything_is_whatever_the_paths_hold(tmp_path: Path) -> None:
    folder = write_checkout(tmp_path / "VIMA, the bench: [1]")
    python = tmp_path / "a folder" / "python"
    python.parent.mkdir()
    python.touch(0o755)
    benchmark = VimaBenchmark(str(python), str(folder), patience=7.5)
    assert plugins.make("simulators", benchmark.simulator()) == VimaBench(str(python), str(folder), 7.5)
    assert not {"python", "checkout", "patience"} & set(plugins.portable("benchmarks", benchmark).options)


@needs_the_real_one
def test_the_real_one_has_these_partitions_with_these_tasks_in_this_order() -> None:
    simulator = real_one()
    trial = VimaBenchmark(os.environ["INSTAR_VIMA_PYTHON"]).episodes()[0]
    simulator.reset(trial.task, trial.seed)
    there = simulator.greeting["partitions"]
    simulator.close()
    assert {suite: tuple(there[PARTITIONS[suite]]) for suite in TASKS} == dict(TASKS)
    assert set(there) == set(PARTITIONS.values())
