"""What lerobot writes, and what it reads, as arrays in one file; for an interpreter that has it and not instar.

    python by_lerobot.py version
    python by_lerobot.py write FOLDER image|video OUT.npz     a dataset of three episodes and what was put into it
    python by_lerobot.py read FOLDER OUT.npz                  every frame of a dataset

The arrays are those of all frames: `index`, `episode_index`, `timestamp`, `task`, and features by their names, pictures
as (H, W, 3) uint8. Of a version that it does not read, lerobot raises an error.
"""

import sys
from typing import Any

import numpy as np

CAMERAS = {"observation.images.front": (48, 64), "observation.images.wrist": (32, 32)}
VECTORS = {"action": ["x", "y", "grip"], "observation.state": ["left", "right"]}
TASKS = ("push it", "pull it", "push it")
LENGTHS = (7, 4, 6)
FPS = 10


def write(folder: str, pictures: str, out: str) -> None:
    """A dataset by lerobot, with what was put into it in `out`."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    told: dict[str, Any] = {
        name: {"dtype": pictures, "shape": (*sides, 3), "names": ["height", "width", "channels"]}
        for name, sides in CAMERAS.items()
    }
    told |= {name: {"dtype": "float32", "shape": (len(axes),), "names": axes} for name, axes in VECTORS.items()}
    dataset = LeRobotDataset.create(
        "made/here", fps=FPS, features=told, root=folder, robot_type="so100", use_videos=pictures == "video"
    )
    if version() == "v3.0" and pictures == "image":
        dataset.meta.info["data_files_size_in_mb"] = 0.001  # a file for each episode
    frames = []
    for episode, (length, task) in enumerate(zip(LENGTHS, TASKS, strict=True)):
        for t in range(length):
            made = frame(episode, t)
            frames.append(made)
            if version() == "v3.0":
                dataset.add_frame({**made, "task": task})
            else:
                dataset.add_frame(dict(made), task=task)
        dataset.save_episode()
    if hasattr(dataset, "finalize"):
        dataset.finalize()
    tasks = [task for task, length in zip(TASKS, LENGTHS, strict=True) for _ in range(length)]
    np.savez(out, allow_pickle=False, task=tasks, **{name: stacked(frames, name) for name in frames[0]})


def frame(episode: int, t: int) -> dict[str, Any]:
    """One frame: pictures in which a bright square wanders, and numbers that are of no other frame."""
    rng = np.random.default_rng(100 * episode + t)
    made: dict[str, Any] = {name: rng.normal(size=len(axes)).astype(np.float32) for name, axes in VECTORS.items()}
    for name, (height, width) in CAMERAS.items():
        pixels = np.full((height, width, 3), (60 * episode + 20, 20 * t, 100), np.uint8)
        pixels[4 + t : 14 + t, 2 * t : 2 * t + 12] = (250, 240, 30)
        made[name] = pixels
    return made


def read(folder: str, out: str) -> None:
    """Every frame of a dataset, as lerobot gives it."""
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    dataset = LeRobotDataset("made/here", root=folder, video_backend="pyav")
    frames = [dataset[k] for k in range(len(dataset))]
    assert dataset.num_episodes == len({int(one["episode_index"]) for one in frames})
    names = [name for name, value in frames[0].items() if hasattr(value, "numpy")]
    found = {name: stacked(frames, name) for name in names}
    for name in dataset.meta.camera_keys:
        found[name] = np.round(found[name].transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    np.savez(out, allow_pickle=False, task=[one["task"] for one in frames], **found)


def stacked(frames: list[dict[str, Any]], name: str) -> Any:
    """A feature of all frames."""
    return np.stack([np.asarray(one[name]) for one in frames])


def version() -> str:
    """Which version of its layout this lerobot writes."""
    from lerobot.datasets.lerobot_dataset import CODEBASE_VERSION

    return str(CODEBASE_VERSION)


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "version":
        sys.stdout.write(version())
    elif verb == "write":
        write(*arguments)
    else:
        read(*arguments)
