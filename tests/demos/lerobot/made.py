"""Small datasets in LeRobot's layouts, with videos whose pictures can be told from one another."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.demos.lerobot.reels import FPS, write_video

CAMERA = "observation.images.front"
TASKS = ("push it", "pull it")
AXES = ["x", "y", "grip"]
FEATURES: dict[str, Any] = {
    "action": {"dtype": "float32", "shape": [3], "names": AXES},
    "observation.state": {"dtype": "float32", "shape": [2], "names": {"motors": ["left", "right"]}},
    CAMERA: {"dtype": "video", "shape": [16, 32, 3], "names": ["height", "width", "channels"]},
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}


def rows(episode: int, length: int, first: int) -> pa.Table:
    """The rows of an episode whose first has the number `first` in the dataset."""
    steps = np.arange(length, dtype=np.float32)
    return pa.table(
        {
            "action": pa.array([[episode, t, 0.5] for t in steps], pa.list_(pa.float32(), 3)),
            "observation.state": pa.array([[t, -t] for t in steps], pa.list_(pa.float32(), 2)),
            "timestamp": pa.array(steps / FPS, pa.float32()),
            "frame_index": np.arange(length),
            "episode_index": np.full(length, episode),
            "index": np.arange(first, first + length),
            "task_index": np.full(length, episode % 2),
        }
    )


def write(table: pa.Table, path: Path) -> None:
    """A table at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def dataset_3(root: Path, lengths: Sequence[int]) -> Path:
    """A dataset of v3.0: all episodes in one file of rows and one video."""
    starts = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    tables = [rows(k, length, starts[k]) for k, length in enumerate(lengths)]
    write(pa.concat_tables(tables), root / "data/chunk-000/file-000.parquet")
    write_video(root / f"videos/{CAMERA}/chunk-000/file-000.mp4", sum(lengths))
    entries = [
        {
            "episode_index": k,
            "tasks": [TASKS[k % 2]],
            "length": length,
            "data/chunk_index": 0,
            "data/file_index": 0,
            "dataset_from_index": starts[k],
            "dataset_to_index": starts[k + 1],
            f"videos/{CAMERA}/chunk_index": 0,
            f"videos/{CAMERA}/file_index": 0,
            f"videos/{CAMERA}/from_timestamp": starts[k] / FPS,
            f"videos/{CAMERA}/to_timestamp": starts[k + 1] / FPS,
        }
        for k, length in enumerate(lengths)
    ]
    write(pa.Table.from_pylist(entries), root / "meta/episodes/chunk-000/file-000.parquet")
    write(pa.table({"task_index": [0, 1], "__index_level_0__": list(TASKS)}), root / "meta/tasks.parquet")
    write_info(
        root,
        codebase_version="v3.0",
        total_episodes=len(lengths),
        data_path="data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        video_path="videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
    )
    return root


def dataset_2(root: Path, lengths: Sequence[int], version: str = "v2.1") -> Path:
    """A dataset of v2.0 or v2.1: a file of rows and a video for each episode, two episodes a chunk."""
    first = 0
    for k, length in enumerate(lengths):
        write(rows(k, length, first), root / f"data/chunk-{k // 2:03d}/episode_{k:06d}.parquet")
        write_video(root / f"videos/chunk-{k // 2:03d}/{CAMERA}/episode_{k:06d}.mp4", length)
        first += length
    entries = [{"episode_index": k, "tasks": [TASKS[k % 2]], "length": length} for k, length in enumerate(lengths)]
    write_info(
        root,
        codebase_version=version,
        total_episodes=len(lengths),
        chunks_size=2,
        data_path="data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
        video_path="videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
    )
    tasks = [{"task_index": k, "task": task} for k, task in enumerate(TASKS)]
    for name, lines in (("episodes", entries), ("tasks", tasks)):
        (root / f"meta/{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return root


def write_info(root: Path, **told: object) -> None:
    """The papers' first page: what it says already, but for what is `told`."""
    path = root / "meta/info.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    said = json.loads(path.read_text()) if path.is_file() else {"fps": FPS, "robot_type": "so100", "features": FEATURES}
    path.write_text(json.dumps({**said, **told}))
