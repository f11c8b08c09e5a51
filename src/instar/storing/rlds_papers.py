"""The papers of a folder of TensorFlow Datasets: what a step holds, and how many episodes are in which file.

After what TensorFlow Datasets 4.9 writes and builds from (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from instar.robot import Camera, Robot
from instar.storing import RLDS_MODULE

VERSION: Final = "1.0.0"
_FEATURES: Final = "tensorflow_datasets.core.features."
_SPOKEN: Final = "What is to be done."
_TRUTHS: Final = {
    "is_first": "Whether the episode begins here.",
    "is_last": "Whether it ends here.",
    "is_terminal": "Whether it ends here because all is done.",
}
_SCALARS: Final = {"reward": "1 where all is done, as far as that is known.", "discount": "Always 1."}


def features(robot: Robot, pictures: Mapping[str, str]) -> dict[str, Any]:
    """What the dataset holds; `pictures` are how those of each camera are encoded."""
    observation = {camera.name: _image(camera, pictures[camera.name]) for camera in robot.cameras}
    if robot.state:
        observation["state"] = _tensor("float32", len(robot.state), ", ".join(robot.state))
    actions = zip(robot.actions.names, robot.actions.units, strict=True)
    meaning = ", ".join(f"{name} [{unit}]" for name, unit in actions)
    step = {
        "observation": _together(observation),
        "action": _tensor("float32", robot.actions.dim, f"{robot.control}, {robot.actions.mode}: {meaning}"),
        "language_instruction": _text(_SPOKEN),
        **{name: _scalar("bool", about) for name, about in _TRUTHS.items()},
        **{name: _scalar("float32", about) for name, about in _SCALARS.items()},
    }
    steps = {
        "pythonClassName": f"{_FEATURES}dataset_feature.Dataset",
        "sequence": {"feature": _together(step), "length": "-1"},
    }
    return _together({"steps": steps, "episode_metadata": _together({"file_path": _text("Which episode it is.")})})


def info(name: str, size: int, lengths: Sequence[int]) -> dict[str, Any]:
    """What the dataset is called, and how many episodes are in each file; `size` is of all, in bytes."""
    split = {
        "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}",
        "name": "train",
        "numBytes": str(size),
        "shardLengths": [str(length) for length in lengths],
    }
    return {
        "name": name,
        "version": VERSION,
        "description": "Demonstrations that instar put into this format; manifest.json says from what.",
        "fileFormat": "tfrecord",
        "moduleName": RLDS_MODULE,
        "releaseNotes": {VERSION: "As exported."},
        "splits": [split],
    }


def _together(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"pythonClassName": f"{_FEATURES}features_dict.FeaturesDict", "featuresDict": {"features": dict(told)}}


def _image(camera: Camera, encoding: str) -> dict[str, Any]:
    shape = {"dimensions": [str(size) for size in (camera.height, camera.width, 3)]}
    told = {"shape": shape, "dtype": "uint8", "encodingFormat": encoding}
    return {"pythonClassName": f"{_FEATURES}image_feature.Image", "image": told, "description": f"By {camera.name}."}


def _tensor(dtype: str, width: int, about: str) -> dict[str, Any]:
    told = {"shape": {"dimensions": [str(width)]}, "dtype": dtype, "encoding": "none"}
    return {"pythonClassName": f"{_FEATURES}tensor_feature.Tensor", "tensor": told, "description": about}


def _scalar(dtype: str, about: str) -> dict[str, Any]:
    told = {"shape": {}, "dtype": dtype, "encoding": "none"}
    return {"pythonClassName": f"{_FEATURES}scalar.Scalar", "tensor": told, "description": about}


def _text(about: str) -> dict[str, Any]:
    return {"pythonClassName": f"{_FEATURES}text_feature.Text", "text": {}, "description": about}
