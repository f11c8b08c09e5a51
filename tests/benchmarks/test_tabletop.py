"""The tabletop as a benchmark."""

import pytest

from instar import plugins
from instar.benchmarks.tabletop import TabletopBenchmark
from instar.demos.played import SEEDS
from instar.errors import ConfigError
from instar.simulator import Benchmark
from instar.testing import conform


def test_it_conforms() -> None:
    assert conform("benchmarks", "tabletop:per_task=1")


def test_it_plays_every_task_on_seeds_that_no_demonstration_uses() -> None:
    benchmark = TabletopBenchmark()
    assert isinstance(benchmark, Benchmark)
    assert benchmark.simulator() == "tabletop"
    trials = benchmark.episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 840  # as many as LLaRA plays
    assert trials[0].id == "placement/sweep_without_exceeding/200000"
    assert trials[-1].id == "novel_task/same_texture/200019"
    assert min(trial.seed for trial in trials) >= SEEDS
    assert {trial.task.max_steps for trial in trials} == {8}


def test_levels_and_tasks_are_chosen_as_a_user_types_them() -> None:
    typed = plugins.make(
        "benchmarks", "tabletop:tasks=rotate+sweep_without_exceeding,suites=placement+novel_object,per_task=2,seed=7"
    )
    assert [trial.id for trial in typed.episodes()] == [
        "placement/sweep_without_exceeding/7",
        "placement/sweep_without_exceeding/8",
        "placement/rotate/7",
        "placement/rotate/8",
        "novel_object/rotate/7",
        "novel_object/rotate/8",
    ]
    assert plugins.make("benchmarks", plugins.choice_of("benchmarks", typed)) == typed


def test_it_is_played_in_either_look() -> None:
    real = TabletopBenchmark(suites="real", per_task=1, look="real")
    assert real.simulator() == "tabletop:look=real"
    assert [trial.id.split("/")[1] for trial in real.episodes()] == [
        "target_object",
        "color_match",
        "cluttered_scene",
        "relative_height",
    ]
    assert [trial.id for trial in TabletopBenchmark(suites="real", per_task=1).episodes()] == [
        trial.id for trial in real.episodes()
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": "stack"}, "no task 'stack'"),
        ({"suites": "novel_objects"}, "did you mean 'novel_object'"),
        ({"per_task": 0}, "at least one"),
        ({"seed": -1}, "not negative"),
        ({"tasks": "sweep_without_exceeding", "suites": "novel_object"}, "exists in the suites"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.load("benchmarks", "tabletop")(**options)
