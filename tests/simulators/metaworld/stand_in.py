"""A stand-in for an interpreter that has Meta-World: a hand that goes to a goal, behind the same names.

It is written into a folder, with a program that starts this very interpreter so that it finds the modules there. What
an episode does is decided by its seed: see MOODS.
"""

import os
import sys
from pathlib import Path
from typing import Final

import pytest

from instar.simulators.metaworld import MetaWorld
from instar.simulators.metaworld.cameras import MOUNTS, MOVING
from instar.simulators.metaworld.options import VARIABLE
from instar.simulators.metaworld.tasks import TASKS

FAILS, DIES, IS_LAZY, IS_MOVED = 101, 102, 103, 104  # MOODS

needs_the_real_one: Final = pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no interpreter that has Meta-World"
)

ENGINE: Final = '''
"""Stands in for mujoco: draws nothing but a white pixel in the lower left corner, and the hand's height in red."""

from types import SimpleNamespace

import numpy as np

mjtRndFlag = SimpleNamespace(mjRND_SHADOW=0, mjRND_REFLECTION=1)
mjtFontScale = SimpleNamespace(mjFONTSCALE_50=50)
mjtFramebuffer = SimpleNamespace(mjFB_OFFSCREEN=1)
mjtCamera = SimpleNamespace(mjCAMERA_FIXED=2)
mjtCatBit = SimpleNamespace(mjCAT_ALL=7)
MjvOption, MjvCamera = SimpleNamespace, SimpleNamespace


class GLContext:
    def __init__(self, width, height):
        self.size = width, height

    def make_current(self):
        self.current = True

    def free(self):
        self.current = False


class MjrContext:
    def __init__(self, model, scale):
        assert model.vis.global_.offwidth >= 16

    def free(self):
        pass


class MjvScene:
    def __init__(self, model, most):
        self.flags, self.hand = [1, 1], None


class MjrRect:
    def __init__(self, left, bottom, width, height):
        self.size = height, width


def mjr_setBuffer(buffer, canvas):
    pass


def mjv_updateScene(model, data, option, pert, camera, what, scene):
    scene.hand = data.hand, camera.fixedcamid


def mjr_render(rect, scene, canvas):
    canvas.seen = scene.hand


def mjr_readPixels(pixels, depth, rect, canvas):
    assert pixels.shape == (*rect.size, 3)
    hand, camera = canvas.seen
    pixels[:] = [int(255 * hand[2]), camera, 40]
    pixels[0, 0] = 255
'''

WORLD: Final = '''
"""Stands in for metaworld's environments: the hand moves, and that is all."""

import os
from types import SimpleNamespace

import numpy as np

MOUNTS = {mounts!r}
MOVING = {moving!r}
TASKS = {tasks!r}


class Model:
    def __init__(self):
        self.names = [*MOUNTS, *MOVING]
        self.cam_pos = np.array([m[0] for m in MOUNTS.values()] + [(0, 0, 0)] * len(MOVING), float)
        self.cam_quat = np.array([m[1] for m in MOUNTS.values()] + [(1, 0, 0, 0)] * len(MOVING), float)
        self.cam_fovy = np.array([m[2] for m in MOUNTS.values()] + [60] * len(MOVING), float)
        self.cam_bodyid = np.array([0] * len(MOUNTS) + [3] * len(MOVING))
        quality = SimpleNamespace(offsamples=4, shadowsize=4096)
        self.vis = SimpleNamespace(quality=quality, global_=SimpleNamespace(offwidth=640, offheight=480))

    def camera(self, name):
        return SimpleNamespace(id=self.names.index(name))


class Data:
    def __init__(self):
        self.hand = np.array([0.0, 0.6, 0.2])
        self.open = 1.0

    def __copy__(self):
        made = Data()
        made.hand, made.open = self.hand.copy(), self.open
        return made


class Environment:
    fullpath = "/scenes/hand.xml"

    def __init__(self):
        self.model, self.data, self.steps = Model(), Data(), 0
        self._partially_observable, self._set_task_called, self._freeze_rand_vec = True, False, True
        self.sawyer_observation_space = "hides the goal"
        self.max_path_length, self.seeded_rand_vec = 500, False

    def seed(self, seed):
        self.number, self.rng = seed, np.random.default_rng(seed)

    def reset(self):
        assert self._set_task_called and self.seeded_rand_vec and not self._freeze_rand_vec
        assert "sawyer_observation_space" not in vars(self)
        if self.number == 101:
            raise ValueError("no place for the puck")
        if self.number == 104:
            self.model.cam_pos[:] += 0.1
        self.goal = np.array([0.0, 0.7, 0.2]) + self.rng.uniform(-0.1, 0.1, 3)
        return self.look(), {{}}

    def look(self):
        rest = np.zeros(35)
        rest[-3:] = self.goal
        return np.array([*self.data.hand, self.data.open, *rest])

    def step(self, action):
        assert action.shape == (4,) and (np.abs(action) <= 1).all()
        if self.number == 102:
            print("about to die", flush=True)
            os.abort()
        self.steps += 1
        if self.steps > self.max_path_length:
            raise ValueError("You must reset the env manually once truncate==True")
        self.data.hand = self.data.hand + 0.01 * action[:3]
        self.data.open = float(np.clip(self.data.open - 0.1 * action[3], 0, 1))
        near = np.linalg.norm(self.data.hand - self.goal) < 0.01
        return self.look(), 0.0, False, False, {{"success": float(near)}}


ALL_V3_ENVIRONMENTS = {{name: Environment for name in TASKS}}
'''

EXPERTS: Final = '''
"""Stands in for metaworld's scripted policies."""

import numpy as np

from metaworld.env_dict import TASKS


class Expert:
    def get_action(self, seen):
        return np.array([*(20 * (seen[-3:] - seen[:3])), -1.0], np.float32)


class Lazy:
    def get_action(self, seen):
        return np.zeros(4, np.float32)


ENV_POLICY_MAP = {name: Lazy if name == "soccer-v3" else Expert for name in TASKS}
'''


def write_interpreter(folder: Path) -> Path:
    """A program that starts this interpreter with the stand-in's modules before all others."""
    mounts = {name: (mount.place, mount.turn, mount.fov) for name, mount in MOUNTS.items()}
    texts = {
        "mujoco/__init__.py": ENGINE,
        "metaworld/__init__.py": '"""Stands in for metaworld."""\n',
        "metaworld/env_dict.py": WORLD.format(mounts=mounts, moving=list(MOVING), tasks=list(TASKS)),
        "metaworld/policies.py": EXPERTS,
    }
    for name, version in (("metaworld", "3.1.1"), ("mujoco", "3.3.0"), ("gymnasium", "1.4.0"), ("packaging", "26.3")):
        texts[f"{name}-{version}.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}" exec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    return program


def stand_in(folder: Path, cameras: str = "corner4", repeat: int = 5) -> MetaWorld:
    """The simulator on an interpreter written by `write_interpreter`, with small pictures."""
    return MetaWorld(str(folder / "python"), cameras, 32, 64, repeat=repeat, patience=30.0)
