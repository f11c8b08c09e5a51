"""A stand-in for an interpreter that has RLBench: a hand that goes to a ball, behind the names of RLBench and of PyRep.

The modules lie in `stand-in`. What is written into a folder is a program that starts this very interpreter so that it
finds them, and CoppeliaSim's folder.
"""

import pickle
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from instar.demo import Context, Observation
from instar.robot import Floats
from instar.simulator import Simulator, Task
from instar.simulators.rlbench import RLBench
from instar.simulators.rlbench.options import Control
from tests.demos.rlbench.made import Demo, observation, write_demo

MODULES: Final = Path(__file__).with_name("stand-in")
DISTRIBUTIONS: Final = ("cffi", "PyRep", "rlbench", "Pillow", "pyquaternion", "scipy", "natsort")
TASK: Final = Task("open_drawer", "rlbench")
SIZE: Final = 32


def write_interpreter(folder: Path, more: str = "", *, coppelia: bool = True) -> Path:
    """A program that starts this interpreter with the stand-in's modules before all others.

    `more` is what a shell does after it has set the variables that CoppeliaSim needs.
    """
    for name in DISTRIBUTIONS:
        about = folder / f"{name}-1.2.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2.0\n")
    root = folder / "CoppeliaSim"
    root.mkdir()
    if coppelia:
        (root / "libcoppeliaSim.so").touch()
    told = f"COPPELIASIM_ROOT='{root}' LD_LIBRARY_PATH='{root}' QT_QPA_PLATFORM_PLUGIN_PATH='{root}' DISPLAY=:9"
    program = folder / "python"
    start = f"#!/bin/sh\nexport PYTHONPATH='{MODULES}:{folder}' {told}\n{more}\n"
    program.write_text(f'{start}exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


def stand_in(folder: Path, control: Control = "joint_velocity", cameras: str = "front") -> RLBench:
    """The simulator on an interpreter written by `write_interpreter`, with small pictures."""
    return RLBench(str(folder / "python"), control, cameras=cameras, size=SIZE, patience=30.0)


def begun(simulator: Simulator, task: Task = TASK, seed: int = 1) -> Context:
    """The context before the first action."""
    instruction, seen = simulator.reset(task, seed)
    return Context(simulator.robot, instruction, seen)


def ball_in(seen: Observation) -> Floats:
    """Where the ball is in the picture from above: pixels (u, v) of the middle of what is green and not white."""
    pixels = seen.images["front"].pixels.astype(int)
    rows, columns = np.nonzero((pixels[..., 1] == 127) & (pixels[..., 2] == 0))
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


def store(folder: Path, state: Sequence[object], variation: int, attempts: int | None = None) -> Path:
    """A demonstration that began in a state of numpy's old generator, as `dataset_generator` writes it."""
    folder.mkdir(parents=True)
    demo = Demo([observation(t, misc={"variation_index": variation}) for t in range(2)])
    demo.__dict__.update(random_seed=tuple(state), num_reset_attempts=attempts)
    write_demo(folder, demo)
    (folder / "variation_number.pkl").write_bytes(pickle.dumps(variation))
    return folder


def state_after(seed: int) -> tuple[object, ...]:
    """The state of numpy's old generator once it was seeded."""
    return tuple(import_module("numpy.random").RandomState(seed).get_state())
