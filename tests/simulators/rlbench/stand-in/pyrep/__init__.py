"""Stands in for PyRep: a scene without CoppeliaSim, whose arm is moved by the speeds or targets of its joints."""

import os

from pyrep.arm import Arm
from pyrep.gripper import Gripper


class PyRep:
    """The scene that is running, of which a process has one."""

    scene: "PyRep | None" = None

    def __init__(self) -> None:
        if "COPPELIASIM_ROOT" not in os.environ:
            raise RuntimeError("COPPELIASIM_ROOT not defined. See installation instructions.")
        self.arm, self.gripper = Arm(), Gripper()
        self.running = False

    def launch(self, scene_file: str = "", *, headless: bool = False) -> None:
        if PyRep.scene is not None:
            raise RuntimeError("one scene at a time")
        print(f"stand-in of CoppeliaSim, headless={headless}, {scene_file}")
        PyRep.scene = self

    def start(self) -> None:
        self.running = True

    def shutdown(self) -> None:
        PyRep.scene = None

    def step(self) -> None:
        assert self.running
        self.arm.move()
