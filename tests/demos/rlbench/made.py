"""Episodes as RLBench pickles them, by classes that bear the names of its own."""

import pickle
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import cv2
import numpy as np


class Demo:
    """Stands for `rlbench.demo.Demo`."""

    def __init__(self, observations: list["Observation"]) -> None:
        self._observations = observations
        self.random_seed = None
        self.variation_number = 0


class Observation:
    """Stands for `rlbench.backend.observation.Observation`."""

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


@contextmanager
def bearing_their_names() -> Iterator[None]:
    """Let both classes be pickled under RLBench's names."""
    homes = {"rlbench.demo": Demo, "rlbench.backend.observation": Observation}
    mine = {kind: kind.__module__ for kind in homes.values()}
    modules = {name: ModuleType(name) for name in ("rlbench", "rlbench.backend", *homes)}
    for name, kind in homes.items():
        setattr(modules[name], kind.__name__, kind)
        kind.__module__ = name
    try:
        with patch.dict(sys.modules, modules):
            yield
    finally:
        for kind, name in mine.items():
            kind.__module__ = name


def observation(t: int, **changed: object) -> Observation:
    """What is known at step `t` of every episode."""
    pose = np.array([0.1 * t, 0.2, 0.8, 0.0, 0.0, 0.0, 1.0])
    intrinsics = np.array([[-100.0, 0.0, 6.0], [0.0, -100.0, 4.0], [0.0, 0.0, 1.0]])
    extrinsics = np.eye(4)
    extrinsics[:3, 3] = [0.0, 0.0, -2.0]
    known = {
        "joint_positions": np.arange(7) + t,
        "joint_velocities": np.arange(7) / 10 + t,
        "gripper_open": float(t % 2),
        "gripper_pose": pose,
        "front_rgb": None,
        "misc": {"front_camera_intrinsics": intrinsics, "front_camera_extrinsics": extrinsics},
    }
    return Observation(**{**known, **changed})


def picture(number: int) -> bytes:
    """A picture of 8 by 12 pixels."""
    done, data = cv2.imencode(".png", np.full((8, 12, 3), number, np.uint8))
    assert done
    return data.tobytes()


def write_episode(folder: Path, length: int, cameras: Mapping[str, int], words: list[str] | None = None) -> Path:
    """An episode of so many steps, with pictures by `cameras` that begin at a shade."""
    folder.mkdir(parents=True)
    write_demo(folder, Demo([observation(t) for t in range(length)]))
    if words is not None:
        (folder / "variation_descriptions.pkl").write_bytes(pickle.dumps(words))
    for camera, shade in cameras.items():
        (folder / f"{camera}_rgb").mkdir()
        for t in range(length):
            (folder / f"{camera}_rgb/{t}.png").write_bytes(picture(shade + t))
    return folder


def write_demo(folder: Path, demo: object) -> None:
    """The pickle of an episode."""
    with bearing_their_names():
        (folder / "low_dim_obs.pkl").write_bytes(pickle.dumps(demo))
