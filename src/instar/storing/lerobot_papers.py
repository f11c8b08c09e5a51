"""The papers of a LeRobotDataset v3.0: what its features are, which tasks there are, and where each episode lies.

After the files that lerobot 0.4.4 writes (Hugging Face, Apache-2.0).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from instar.files import write_json
from instar.robot import Robot
from instar.storing.statistics import QUANTILES, Summary
from instar.storing.video import PIXELS, Codec

ACTION: Final = "action"
STATE: Final = "observation.state"
PICTURE: Final = "observation.images."  # and the name of the camera
VERSION: Final = "v3.0"
CHUNK: Final = 1000  # files of a folder
ROWS_MB, FILM_MB = 100, 200  # of a file, before the next one is begun
NUMBERED: Final[Mapping[str, str]] = {
    "timestamp": "float32",  # seconds from the beginning of the episode
    "frame_index": "int64",  # steps from there
    "episode_index": "int64",
    "index": "int64",  # steps from the beginning of the dataset
    "task_index": "int64",
}
ROWS_PATH: Final = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
FILM_PATH: Final = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
ENTRIES_PATH: Final = "meta/episodes/chunk-000/file-000.parquet"
TASKS_PATH: Final = "meta/tasks.parquet"
STATS_PATH: Final = "meta/stats.json"
INFO_PATH: Final = "meta/info.json"


def features(robot: Robot, fps: int, codec: Codec | None) -> dict[str, Any]:
    """What LeRobot calls the features of a dataset; pictures are videos where there is a codec."""
    found: dict[str, Any] = {}
    for camera in robot.cameras:
        shape = [camera.height, camera.width, 3]
        told = {
            "dtype": "image" if codec is None else "video",
            "shape": shape,
            "names": ["height", "width", "channels"],
        }
        found[PICTURE + camera.name] = told | ({} if codec is None else {"info": _film(shape, fps, codec)})
    found[ACTION] = {"dtype": "float32", "shape": [robot.actions.dim], "names": list(robot.actions.names)}
    if robot.state:
        found[STATE] = {"dtype": "float32", "shape": [len(robot.state)], "names": list(robot.state)}
    return found | {name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in NUMBERED.items()}


def is_picture(feature: Mapping[str, Any]) -> bool:
    """Whether a feature is pictures rather than numbers."""
    return feature["dtype"] in ("image", "video")


def _film(shape: Sequence[int], fps: int, codec: Codec) -> dict[str, Any]:
    height, width, channels = shape
    told = {"height": height, "width": width, "channels": channels, "fps": fps, "codec": codec, "pix_fmt": PIXELS}
    return {**{f"video.{name}": value for name, value in told.items()}, "video.is_depth_map": False, "has_audio": False}


def write_info(out: Path, robot: Robot, told: Mapping[str, Any], counts: Mapping[str, int], fps: int) -> None:
    """The page that LeRobot begins with. `told` are the features, `counts` the totals of episodes, frames and tasks."""
    films = any(feature["dtype"] == "video" for feature in told.values())
    info = {
        "codebase_version": VERSION,
        "robot_type": robot.name,
        **{f"total_{what}": count for what, count in counts.items()},
        "chunks_size": CHUNK,
        "data_files_size_in_mb": ROWS_MB,
        "video_files_size_in_mb": FILM_MB,
        "fps": fps,
        "splits": {"train": f"0:{counts['episodes']}"},
        "data_path": ROWS_PATH,
        "video_path": FILM_PATH if films else None,
        "features": told,
    }
    write_json(out / INFO_PATH, info)


def write_tasks(out: Path, tasks: Sequence[str]) -> None:
    """The tasks by number, in a table that pandas reads with their words as its index."""
    about = {
        "index_columns": ["task"],
        "column_indexes": [_column(None, "unicode", "object", {"encoding": "UTF-8"})],
        "columns": [_column("task_index", "int64", "int64"), _column("task", "unicode", "object")],
        "pandas_version": "2.0.0",
    }
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()), "task": pa.array(tasks, pa.string())})
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(about)}), out / TASKS_PATH)


def _column(name: str | None, kind: str, dtype: str, metadata: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": dtype, "metadata": metadata}


def entry(place: Mapping[str, Any], stats: Mapping[str, Summary]) -> dict[str, Any]:
    """The row of an episode: where it lies, and statistics of each of its features."""
    flat = {f"stats/{feature}/{what}": value for feature, found in stats.items() for what, value in found.items()}
    return {**place, **flat, "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0}


def entry_schema(told: Mapping[str, Any]) -> pa.Schema:
    """The columns of such rows."""
    whole = ("episode_index", "length", "dataset_from_index", "dataset_to_index", "data/chunk_index", "data/file_index")
    kinds: dict[str, pa.DataType] = dict.fromkeys(whole, pa.int64()) | {"tasks": pa.list_(pa.string())}
    for name, feature in told.items():
        if feature["dtype"] == "video":
            kinds |= {f"videos/{name}/{place}": pa.int64() for place in ("chunk_index", "file_index")}
            kinds |= {f"videos/{name}/{at}": pa.float64() for at in ("from_timestamp", "to_timestamp")}
        kinds |= {f"stats/{name}/{what}": kind for what, kind in _summary_kinds(feature).items()}
    kinds |= {f"meta/episodes/{place}": pa.int64() for place in ("chunk_index", "file_index")}
    return pa.schema(list(kinds.items()))


def _summary_kinds(feature: Mapping[str, Any]) -> dict[str, pa.DataType]:
    values: pa.DataType = pa.list_(pa.float64())
    ends: pa.DataType = pa.list_(pa.int64()) if feature["dtype"] == "int64" else values
    if is_picture(feature):
        values = ends = pa.list_(pa.list_(values))
    kinds = {"min": ends, "max": ends, "mean": values, "std": values, **dict.fromkeys(QUANTILES, values)}
    return {**kinds, "count": pa.list_(pa.int64())}
