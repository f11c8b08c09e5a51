"""RLBench as a benchmark."""

from pathlib import Path

import pytest

from instar import plugins
from instar.benchmarks.rlbench import RLBenchBenchmark
from instar.errors import ConfigError
from instar.simulator import Benchmark
from instar.simulators.rlbench import RLBench
from instar.simulators.rlbench.tasks import PERACT
from instar.testing import conform
from tests.simulators.rlbench.stand_in import write_interpreter


def test_it_conforms() -> None:
    assert conform("benchmarks", "rlbench:per_task=1")


def test_it_plays_peracts_eighteen_tasks_twenty_five_times_each() -> None:
    benchmark = RLBenchBenchmark()
    assert isinstance(benchmark, Benchmark)
    trials = benchmark.episodes()
    assert len({trial.id for trial in trials}) == len(trials) == 450
    assert [trials[k].id for k in (0, 24, 25, 449)] == [
        "rlbench/open_drawer/200000",
        "rlbench/open_drawer/200024",
        "rlbench/slide_block_to_color_target/200000",
        "rlbench/place_cups/200024",
    ]
    assert (len(PERACT), sum(PERACT.values())) == (18, 249)  # as PerAct's paper counts them


@pytest.mark.parametrize(
    ("options", "most"),
    [("", 150), ("control=joint_position", 150), ("control=end_effector_pose", 25), ("max_steps=9", 9)],
)
def test_an_episode_lasts_as_long_as_publications_let_it(options: str, most: int) -> None:
    benchmark = plugins.make("benchmarks", f"rlbench:{options}")
    assert {trial.task.max_steps for trial in benchmark.episodes()} == {most}


def test_stored_demonstrations_are_counted_from_nought(tmp_path: Path) -> None:
    typed = plugins.make("benchmarks", f"rlbench:starts=demos,dataset={tmp_path},tasks=close_jar+stack_wine,per_task=2")
    assert [trial.id for trial in typed.episodes()] == [
        "rlbench/close_jar/0",
        "rlbench/close_jar/1",
        "rlbench/stack_wine/0",
        "rlbench/stack_wine/1",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("tasks=open_drawers", "no task 'open_drawers'; did you mean 'open_drawer'"),
        ("per_task=0", "at least one"),
        ("seed=-2", "nothing is negative"),
        ("variation=3,tasks=close_jar+open_drawer", "those of open_drawer are numbered from 0 to 2"),
        ("starts=demos", "say dataset=FOLDER"),
        ("size=2", "16 to 2048 pixels"),
    ],
)
def test_what_does_not_exist_is_refused(options: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        plugins.make("benchmarks", f"rlbench:{options}")


def test_its_simulator_is_told_everything_whatever_the_path_holds(tmp_path: Path) -> None:
    python = str(write_interpreter(tmp_path / "RLBench, the world: [1]"))
    benchmark = RLBenchBenchmark(
        python,
        control="end_effector_pose",
        cameras="front+wrist",
        size=64,
        renderer="opengl3",
        wordings="all",
        headless=False,
        variation=1,
    )
    assert plugins.make("simulators", benchmark.simulator()) == RLBench(
        python,
        "end_effector_pose",
        variation=1,
        cameras="front+wrist",
        size=64,
        renderer="opengl3",
        wordings="all",
        headless=False,
    )
    assert not {"python", "dataset", "headless", "patience"} & set(plugins.portable("benchmarks", benchmark).options)
