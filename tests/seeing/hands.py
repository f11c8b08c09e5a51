"""Recordings of a hand that is a bright dot: in RLBench's layout, whose camera knows the world, and in TFDS's."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.storing.example import Written
from tests.demos.rlbench.made import Demo, Observation, write_demo
from tests.demos.rlds.made import dataset, image, sequence, tensor, text, together

SIDE: Final = 64  # pixels of the square pictures
RADIUS: Final = 5.0
TOY: Final = "tiny:rt_detr,height=64,width=64,hidden=32,channels=8,layers=1"

Places = NDArray[np.float64]  # (T, 2) pixels; NaN where the hand is out of the picture


def path(number: int, length: int) -> Places:
    """Where the hand goes in an episode: round a circle, each another."""
    rng = np.random.default_rng(number)
    centre, radius, phase = rng.uniform(24, 40, 2), rng.uniform(8, 14), rng.uniform(0, 2 * np.pi)
    turn = phase + np.arange(length) * 0.3
    return np.asarray(centre + radius * np.column_stack([np.cos(turn), np.sin(turn)]))


def picture(place: NDArray[np.float64], seed: int) -> bytes:
    """A dim, noisy picture with the dot at `place`, if any."""
    pixels = np.random.default_rng(seed).integers(0, 60, (SIDE, SIDE, 3)).astype(np.uint8)
    if not np.isnan(place[0]):
        down, across = np.mgrid[:SIDE, :SIDE] + 0.5
        pixels[np.hypot(across - place[0], down - place[1]) < RADIUS] = (40, 220, 255)  # BGR
    done, data = cv2.imencode(".png", pixels)
    assert done
    return data.tobytes()


def calibrated(folder: Path, episodes: int, length: int = 8) -> Path:
    """Episodes `push/variation0/episodes/episodeN` of RLBench, seen by `front`."""
    for number in range(episodes):
        home = folder / f"push/all_variations/episodes/episode{number}"
        (home / "front_rgb").mkdir(parents=True)
        places = path(number, length)
        write_demo(home, Demo([_observation(place) for place in places]))
        (home / "variation_descriptions.pkl").write_bytes(_WORDS)
        for t, place in enumerate(places):
            (home / f"front_rgb/{t}.png").write_bytes(picture(place, 100 * number + t))
    return folder


_WORDS: Final = pickle.dumps(["push"])


def _observation(place: NDArray[np.float64]) -> Observation:
    """A camera two metres before the hand, which moves in a plane: a metre is 100 pixels there."""
    x, y = (place - SIDE / 2) / -100
    misc = {
        "front_camera_intrinsics": np.array([[-200.0, 0.0, SIDE / 2], [0.0, -200.0, SIDE / 2], [0.0, 0.0, 1.0]]),
        "front_camera_extrinsics": np.eye(4),
    }
    return Observation(
        joint_positions=np.zeros(7),
        joint_velocities=np.zeros(7),
        gripper_open=1.0,
        gripper_pose=np.array([x, y, 2.0, 0.0, 0.0, 0.0, 1.0]),
        misc=misc,
    )


def uncalibrated(folder: Path, tracks: Sequence[Places]) -> Path:
    """Episodes in TFDS's layout, seen by `image_0`, with the dot at these places."""
    step = together(
        action=tensor("float32", 7),
        language_instruction=text(),
        observation=together(image_0=image(SIDE, SIDE, 3), state=tensor("float32", 7)),
    )
    return dataset(
        folder, [[_episode(number, track) for number, track in enumerate(tracks)]], together(steps=sequence(step))
    )


def _episode(number: int, places: Places) -> dict[str, Written]:
    count = len(places)
    return {
        "steps/action": np.linspace(0, 1, count * 7, dtype=np.float32),
        "steps/language_instruction": [b"push"] * count,
        "steps/observation/image_0": [picture(place, 100 * number + t) for t, place in enumerate(places)],
        "steps/observation/state": np.linspace(0, 2, count * 7, dtype=np.float32),
    }
