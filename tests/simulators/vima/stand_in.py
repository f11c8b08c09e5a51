"""A stand-in for a VIMABench checkout: two blocks on a table, behind the same names, for this very interpreter.

It is written into a folder and run by the real child program. What an episode does is decided by its seed: see MOODS.
"""

import os
import sys
from pathlib import Path
from typing import Final

import pytest

from instar.simulators.vima import VimaBench
from instar.simulators.vima.partitions import PARTITIONS, tasks_at
from instar.simulators.vima.simulator import CHECKOUT, VARIABLE

FAILS, DIES, HANGS, CHATTERS, LOSES, STICKS, IS_LOST_AT_ONCE = 101, 102, 103, 104, 105, 106, 107  # MOODS

needs_the_real_one: Final = pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no interpreter that has VIMA-Bench"
)

ENGINE: Final = '''
"""Stands in for pybullet: where the blocks of the episode in play are."""

GEOM_MESH = 5
PLACES = {}


def getBasePositionAndOrientation(id, physicsClientId):
    x, y = PLACES[id]
    return (x, y, 0.03), (0.0, 0.0, 0.0, 1.0)


def getDynamicsInfo(id, link, physicsClientId):
    return (0, 0, 0, (0.0, 0.0, 0.01), (0.0, 0.0, 0.0, 1.0))


def invertTransform(place, turn):
    return tuple(-part for part in place), turn


def multiplyTransforms(one, turn, other, _):
    return tuple(a + b for a, b in zip(one, other)), turn


def getEulerFromQuaternion(turn):
    return (0.0, 0.0, 0.0)


def getVisualShapeData(id, physicsClientId):
    return [(id, -1, 3, (0.06, 0.08, 0.04), b"", (0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0), (1, 0, 0, 1))]
'''

BASE: Final = '''
"""The world."""

import os
import random
import tempfile
import time
from types import SimpleNamespace

import numpy as np

import pybullet

LOW, HIGH = np.array([0.25, -0.5]), np.array([0.75, 0.5])
GOAL = (0.5, 0.3)


def picture(places):
    rgb, ids = np.full((3, 128, 256), 47, np.uint8), np.zeros((128, 256), np.uint8)
    for id, (x, y) in places.items():
        column, row = int(128 + 251 * y), int(79 + 178 * (x - 0.5))
        rgb[:, row - 6 : row + 7, column - 8 : column + 9] = np.array([40 * id, 200, 20])[:, None, None]
        ids[row - 6 : row + 7, column - 8 : column + 9] = id
    return rgb, ids


class Env:
    def __init__(self, task, task_kwargs, seed):
        self.seed, self.client_id, self.obj_ids = seed, 0, {"rigid": [5, 6], "fixed": []}
        self.rng = np.random.default_rng(seed)
        box = SimpleNamespace(low=LOW, high=HIGH)
        spaces = ("position", box), ("rotation", SimpleNamespace(low=-np.ones(4), high=np.ones(4)))
        self.action_space = {f"pose{k}_{what}": space for k in (0, 1) for what, space in spaces}
        goal = ([(5, (0, None))], None, [((*GOAL, 0.02), (0, 0, 0, 1))], False, False, "pose", None, 1)
        self.task = SimpleNamespace(
            goals=[goal], distractors=[(6, (0, None))], placeholders={}, oracle_max_steps=3, oracle=self.oracle
        )
        # A task may write into its arguments, and draws from both global generators.
        task_kwargs["seen"] = task_kwargs.get("seen", 0) + 1
        self.luck = random.random() + np.random.random() + task_kwargs["seen"]
        path = os.path.join(tempfile.gettempdir(), "model.urdf")
        assert not os.path.exists(path), "a file of another episode"
        open(path, "w").close()

    def reset(self):
        if self.seed == 101:
            raise ValueError("no place for the red block")
        if self.seed == 107:
            os._exit(3)
        self.goals_left = 1
        self.places = {5: (0.4 + 0.001 * (self.luck % 1), -0.3), 6: tuple(self.rng.uniform(LOW + 0.1, HIGH - 0.1))}
        pybullet.PLACES.update(self.places)
        kinds = {5: ("block", "red"), 6: ("letter A", "blue swirl")}
        named = {id: {"obj_name": kinds[id][0], "texture_name": kinds[id][1]} for id in self.places}
        self.meta_info = {"obj_id_to_info": named}
        self.prompt = "Bring the {dragged_obj} where {scene} shows it."
        alone, both = {0: (0.5, 0.0)}, {2: GOAL, 3: (0.4, -0.2)}
        one = {"obj_id": 0, "obj_name": "block", "obj_color": "red"}
        two = [{**one, "obj_id": 2}, {"obj_id": 3, "obj_name": "letter A", "obj_color": "blue swirl"}]
        self.prompt_assets = {"dragged_obj": self.asset("object", alone, one), "scene": self.asset("scene", both, two)}
        return self.look()

    def asset(self, kind, places, info):
        rgb, ids = picture(places)
        ids = np.where(rgb[0] == 47, 255, ids).astype(np.uint8) if kind == "object" else ids
        segm = {"front": ids, "top": ids, "obj_info": info}
        return {"rgb": {"front": rgb, "top": rgb}, "segm": segm, "placeholder_type": kind}

    def look(self):
        rgb, ids = picture(self.places)
        return {"rgb": {"front": rgb, "top": rgb[:, ::-1]}, "segm": {"front": ids, "top": ids[::-1]}, "ee": 0}

    def step(self, action, skip_oracle=True):
        if self.seed == 102:
            print("about to die", flush=True)
            os.abort()
        if self.seed == 103:
            time.sleep(60)
        if self.seed == 104:
            print("chatter " * 20000)
        stuck = self.seed == 106
        assert (action["pose1_position"] >= LOW).all() and (action["pose1_position"] <= HIGH).all()
        if not stuck:
            self.places[5] = tuple(float(part) for part in action["pose1_position"])
            pybullet.PLACES.update(self.places)
        success = bool(np.hypot(self.places[5][0] - GOAL[0], self.places[5][1] - GOAL[1]) < 0.01)
        info = {"success": success and self.seed != 105, "failure": success and self.seed == 105}
        return self.look(), 0, success or stuck, info

    def oracle(self, env):
        def act(_):
            jitter = self.rng.uniform(-0.001, 0.001)
            place = np.array([GOAL[0] + jitter, GOAL[1]])
            # Not quite of unit length, like a product of turns.
            turn = np.array([0, 0, np.sin(0.4), np.cos(0.4)]) * (1 + 3e-7)
            still = np.array([0.0, 0.0, 0.0, 1.0])
            start = np.array(self.places[5])
            return dict(pose0_position=start, pose0_rotation=still, pose1_position=place, pose1_rotation=turn)

        return SimpleNamespace(act=act)

    def close(self):
        pybullet.PLACES.clear()
'''

PACKAGE: Final = '''
"""Stands in for vima_bench."""

import torch
import matplotlib.pyplot as plt
from einops import rearrange

from vima_bench.env import base

print("[INFO] tasks loaded")
PARTITION_TO_SPECS = {specs!r}


def make(task, task_kwargs, modalities, seed):
    assert modalities == ["rgb", "segm"]
    return base.Env(task, task_kwargs, seed)
'''


def write_checkout(folder: Path) -> Path:
    """A checkout in `folder`, with all partitions and tasks."""
    tests: dict[str, dict[str, dict[str, int]]] = {
        PARTITIONS[suite]: {task: {} for task in tasks_at(suite)} for suite in PARTITIONS if suite != "train"
    }
    specs = {"train": {task: {} for task in tasks_at("train")}, "test": tests}
    for name, text in (
        ("gym.py", '"""Stands in for gym."""\n'),
        ("pybullet.py", ENGINE),
        ("vima_bench/__init__.py", PACKAGE.format(specs=specs)),
        ("vima_bench/env/__init__.py", '"""Worlds."""\n'),
        ("vima_bench/env/base.py", BASE),
        ("vima_bench/tasks/__init__.py", '"""Tasks."""\n'),
        ("vima_bench/tasks/utils/__init__.py", '"""Helpers."""\n'),
        ("vima_bench/tasks/utils/misc_utils.py", '"""More helpers."""\n'),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def stand_in(folder: Path, patience: float = 30.0) -> VimaBench:
    """The simulator on a checkout written by `write_checkout`."""
    return VimaBench(sys.executable, str(folder), patience)


def real_one() -> VimaBench:
    """The simulator on the user's VIMA-Bench."""
    return VimaBench(os.environ[VARIABLE], os.environ.get(CHECKOUT, ""))
