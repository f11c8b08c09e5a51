"""Fresh recordings of the real VIMA-Bench, in the layout that instar.simulators.tabletop.scenes reads.

The benchmark's own oracle plays. Disturbed, every other of its actions is moved about before it is done, so that things
end at edges, on one another and where they should not be.

    python -m studies.record --python path/to/python --first-seed 400000 fresh.json
    python -m studies.record --python path/to/python --first-seed 500000 --disturbed disturbed.json
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from instar import plugins
from instar.benchmarks.vima import VimaBenchmark
from instar.embodiments.vima import VIMA
from instar.errors import SimulatorError
from instar.files import write_bytes
from instar.robot import Floats
from instar.simulator import Trial
from instar.simulators.tabletop.simulator import generator
from instar.simulators.vima import VimaBench

# Standard deviations of start x, y, yaw and end x, y, yaw: near misses, far misses and turns.
NUDGES: Final = np.array([[0.01, 0.01, 0, 0.03, 0.03, 0], [0, 0, 0, 0.1, 0.1, 0], [0.02, 0.02, 0, 0.02, 0.02, 0.6]])


def record(simulator: VimaBench, trial: Trial, *, disturbed: bool) -> dict[str, Any]:
    """The scene of one episode, played to its end. Raises SimulatorError where the simulator has no such episode."""
    simulator.reset(trial.task, trial.seed)
    rng = generator("record", trial.id)
    for _ in range(trial.task.max_steps):
        try:
            action = simulator.advice()
        except SimulatorError:  # the oracle cannot see what it wants to move
            break
        nudged = _nudged(action, rng) if disturbed and rng.random() < 0.5 else action
        if simulator.step(nudged).terminated:
            break
    return simulator.scene()


def _nudged(action: Floats, rng: np.random.Generator) -> Floats:
    return VIMA.actions.clip(action + rng.normal(size=6) * NUDGES[rng.integers(len(NUDGES))])


def apart(trials: Sequence[Trial]) -> list[Trial]:
    """The trials on other seeds at each level: VIMA-Bench lays its levels out alike where the seed is the same."""
    levels = list(dict.fromkeys(trial.task.suite for trial in trials))
    return [replace(trial, seed=trial.seed + 1000 * levels.index(trial.task.suite)) for trial in trials]


def main() -> None:
    """Play, and write the scenes."""
    parser = argparse.ArgumentParser(description="fresh recordings of the real VIMA-Bench")
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--python", default="", help="interpreter that has VIMA-Bench")
    parser.add_argument("--checkout", default="", help="folder of VIMABench, where it is not installed there")
    parser.add_argument("--seeds", type=int, default=2, help="episodes of each pair of level and task")
    parser.add_argument("--first-seed", type=int, default=400_000, help="seeds count up from this")
    parser.add_argument("--disturbed", action="store_true", help="move every other action about")
    options = parser.parse_args()
    told = {"python": options.python, "checkout": options.checkout}
    chosen = "".join(f",{name}={json.dumps(value)}" for name, value in told.items() if value)
    benchmark = plugins.make("benchmarks", f"vima:per_task={options.seeds},seed={options.first_seed}{chosen}")
    assert isinstance(benchmark, VimaBenchmark)
    simulator = plugins.make("simulators", benchmark.simulator())
    assert isinstance(simulator, VimaBench)
    scenes: list[dict[str, Any]] = []
    try:
        for trial in apart(benchmark.episodes()):
            try:
                scenes.append(record(simulator, trial, disturbed=options.disturbed))
            except SimulatorError as error:
                sys.stderr.write(f"{trial.id}: {error}\n")
    finally:
        simulator.close()
    write_bytes(options.out, json.dumps({"scenes": scenes}).encode())
    sys.stdout.write(f"{len(scenes)} episodes in {options.out}\n")


if __name__ == "__main__":
    main()
