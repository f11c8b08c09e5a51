"""The study of two worlds."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from instar.benchmarks.vima import VimaBenchmark
from instar.simulator import Task, Trial
from instar.simulators.tabletop.scenes import read_scenes
from studies.two_worlds import Crossing, crossings, replayed, report, tool_of
from tests.simulators.vima.stand_in import LOSES, write_checkout

SCENES = Path(__file__).parents[3] / "shared" / "data" / "vima_scenes.json"


def crossing(task: str, suite: str = "placement", *, solved: bool = True) -> Crossing:
    """One episode."""
    trial = Trial(Task(task, suite), 200_000)
    return Crossing(trial, tool_of(trial), solved, "timeout")


def test_the_table_has_both_ways_by_tool_and_level_and_names_what_was_lost() -> None:
    found = [
        ("there", crossing("rotate", suite, solved=suite == "placement")) for suite in ("placement", "combinatorial")
    ]
    found += [("there", crossing("sweep_without_exceeding")), ("back", crossing("rotate"))]
    lines = report(found).splitlines()
    assert lines[2:8] == [
        "| the tabletop's expert on VIMA-Bench | suction cup | placement | 1 of 1 (100.0 %) | 20.7 to 100.0 % |",
        "| the tabletop's expert on VIMA-Bench | suction cup | combinatorial | 0 of 1 (0.0 %) | 0.0 to 79.3 % |",
        "| the tabletop's expert on VIMA-Bench | suction cup | all | 1 of 2 (50.0 %) | 9.5 to 90.5 % |",
        "| the tabletop's expert on VIMA-Bench | spatula | placement | 1 of 1 (100.0 %) | 20.7 to 100.0 % |",
        "| the tabletop's expert on VIMA-Bench | spatula | all | 1 of 1 (100.0 %) | 20.7 to 100.0 % |",
        "| VIMA-Bench's oracle on the tabletop | suction cup | placement | 1 of 1 (100.0 %) | 20.7 to 100.0 % |",
    ]
    assert lines[-1] == "* the tabletop's expert on VIMA-Bench, combinatorial/rotate/200000: timeout"


@pytest.mark.skipif(not SCENES.exists(), reason=f"{SCENES} is not there")
def test_actions_that_solved_the_real_episode_solve_it_here_and_others_do_not() -> None:
    scene = next(scene for scene in read_scenes(SCENES) if scene.record.task == "rotate")
    assert replayed(scene).success
    assert not replayed(replace(scene, actions=scene.actions[:0])).over
    aside = scene.actions + np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.5])
    assert not replayed(replace(scene, actions=aside)).success


def test_episodes_are_played_there_and_back_through_the_benchmark(tmp_path: Path) -> None:
    checkout = write_checkout(tmp_path)
    benchmark = VimaBenchmark(sys.executable, str(checkout), "rearrange", "placement", per_task=2, seed=LOSES - 1)
    ways = [(way, one.trial.seed, one.solved) for way, one in crossings(benchmark)]
    # What the oracle itself loses is not taken back.
    assert ways == [("there", LOSES - 1, True), ("back", LOSES - 1, True), ("there", LOSES, False)]
