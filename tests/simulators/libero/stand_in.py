"""A stand-in for a clone of LIBERO, and for an interpreter that has what it needs: a hand over a table.

Like the original it asks a question at the terminal when it is imported without settings, gives its pictures bottom
first, and keeps the beginnings of its tasks as pickles in archives.
"""

import io
import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pytest

from instar.simulators.libero import Libero
from instar.simulators.libero.options import VARIABLE
from instar.simulators.libero.protocol import STATES, suites

SUITE: Final = "libero_object"
TASKS: Final = suites()[SUITE].tasks
DIES, RUNS_CODE, HAS_NO_NUMBERS = TASKS[7], TASKS[8], TASKS[9]  # what is wrong with a task

needs_the_real_one: Final = pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no interpreter that has LIBERO"
)

PACKAGE: Final = '''
"""Stands in for libero.libero."""

import json
import os

folder = os.environ.get("LIBERO_CONFIG_PATH", os.path.expanduser("~/.libero"))
file = os.path.join(folder, "config.yaml")
if not os.path.exists(file):
    input("Do you want to specify a custom path for the dataset folder? (Y/N): ")


def get_libero_path(what):
    with open(file) as read:
        return json.load(read)[what]
'''

ENVS: Final = '''
"""Stands in for libero.libero.envs."""

import os

import gym
import numpy as np

print("[robosuite WARNING] no private macro file found", gym.__name__)


class OffScreenRenderEnv:
    made = 0

    def __init__(self, bddl_file_name, camera_names, camera_heights, camera_widths):
        self.name = os.path.basename(bddl_file_name)[: -len(".bddl")]
        self.language_instruction = open(bddl_file_name).read()
        self.cameras, self.size = camera_names, (camera_heights, camera_widths)
        self.seeds, self.resets, self.place = [], 0, None
        OffScreenRenderEnv.made += 1

    def seed(self, seed):
        self.seeds.append(seed)

    def reset(self):
        assert self.seeds and set(self.seeds) == {0}
        self.resets += 1
        self.place, self.waited = np.array([9.0, 9.0, 9.0]), 0

    def set_init_state(self, state):
        assert self.resets == len(self.seeds)
        self.place, self.fingers = np.array(state[:3]), 0.04
        return self.look()

    def step(self, action):
        assert isinstance(action, list) and len(action) == 7 and action[6] in (-1.0, 1.0)
        if self.name.startswith("pick_up_the_milk") and self.waited >= 10:
            os.abort()
        self.waited += 1
        self.place = self.place + 0.05 * np.array(action[:3])
        self.fingers = 0.04 if action[6] < 0 else 0.0
        return self.look(), 0.0, bool(self.place[2] < 0.05), {}

    def look(self):
        seen = {"robot0_eef_pos": self.place, "robot0_eef_quat": np.array([1.0, 0.0, 0.0, 0.0])}
        seen["robot0_gripper_qpos"] = np.array([self.fingers, -self.fingers])
        for name in self.cameras:
            picture = np.full((*self.size, 3), 40 + self.waited, np.uint8)
            picture[0, 0] = 255  # lower left, as the renderer begins
            seen[name + "_image"] = picture
        return seen

    def close(self):
        self.place = None
'''


class Deed:
    """A pickle that would run something."""

    def __reduce__(self) -> tuple[object, ...]:
        return os.putenv, ("INSTAR_WAS_HERE", "1")


def write_clone(folder: Path) -> Path:
    """A clone of LIBERO in `folder` with the tasks of one suite."""
    inner = folder / "libero" / "libero"
    for name, text in (("__init__.py", PACKAGE), ("envs/__init__.py", ENVS)):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_text(text)
    (inner / "assets" / "scenes").mkdir(parents=True)
    for number, task in enumerate(TASKS):
        (inner / "bddl_files" / SUITE).mkdir(parents=True, exist_ok=True)
        (inner / "bddl_files" / SUITE / f"{task}.bddl").write_text(f"Do number {number}")
        (inner / "init_files" / SUITE).mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(inner / "init_files" / SUITE / f"{task}.pruned_init", "w") as archive:
            archive.writestr("archive/version", "3\n")
            archive.writestr("archive/data.pkl", _beginnings(number, task))
    return folder


def _beginnings(number: int, task: str) -> bytes:
    if task == RUNS_CODE:
        return pickle.dumps(Deed(), protocol=2)
    if task == HAS_NO_NUMBERS:
        return pickle.dumps(np.zeros(3), protocol=2)
    rows = np.zeros((STATES, 9))
    rows[:, 0], rows[:, 1], rows[:, 2] = np.arange(STATES) / 100, number / 10, 0.2
    file = io.BytesIO()
    pickle.dump(rows, file, protocol=2)
    return file.getvalue()


def write_interpreter(folder: Path, *installed: Path) -> Path:
    """A program that starts this interpreter with gymnasium's name and the folders `installed` before all others."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gymnasium.py").write_text('"""Stands in for gymnasium."""\n')
    path = ":".join(str(place) for place in (folder, *installed))
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{path}" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


def stand_in(folder: Path, cameras: str = "agentview", words: Literal["name", "bddl"] = "name") -> Libero:
    """The simulator on a clone and an interpreter in `folder`, with small pictures."""
    return Libero(str(folder / "python"), str(folder / "LIBERO"), cameras, 32, 48, words)
