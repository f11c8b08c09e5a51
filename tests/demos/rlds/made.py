"""A small dataset in TFDS's layout, written by ours."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from instar.storing.example import Written, build_example
from instar.storing.records import write_records

_FEATURES = "tensorflow_datasets.core.features."


def tensor(dtype: str, *shape: int, encoding: str = "none") -> dict[str, Any]:
    """The description of an array."""
    dimensions = {"dimensions": [str(size) for size in shape]}
    told = {"shape": dimensions if shape else {}, "dtype": dtype, "encoding": encoding}
    return {"pythonClassName": f"{_FEATURES}tensor_feature.Tensor", "tensor": told}


def image(*shape: int) -> dict[str, Any]:
    """The description of a picture."""
    told = {"shape": {"dimensions": [str(size) for size in shape]}, "dtype": "uint8", "encodingFormat": "png"}
    return {"pythonClassName": f"{_FEATURES}image_feature.Image", "image": told}


def text() -> dict[str, Any]:
    """The description of words."""
    return {"pythonClassName": f"{_FEATURES}text_feature.Text", "text": {}}


def together(**features: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a dictionary."""
    return {"pythonClassName": f"{_FEATURES}features_dict.FeaturesDict", "featuresDict": {"features": features}}


def sequence(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The description of many of one."""
    return {"pythonClassName": f"{_FEATURES}dataset_feature.Dataset", "sequence": {"feature": feature}}


STEP = together(
    action=tensor("float32", 7),
    is_first=tensor("bool"),
    language_instruction=text(),
    observation=together(image_0=image(8, 12, 3), state=tensor("float32", 7), codes=sequence(tensor("int32"))),
)
FEATURES = together(steps=sequence(STEP), episode_metadata=together(episode_id=tensor("int32"), file_path=text()))


def png(grey: int) -> bytes:
    """A grey picture of 8 by 12 pixels."""
    done, data = cv2.imencode(".png", np.full((8, 12, 3), grey, np.uint8))
    assert done
    return data.tobytes()


def episode(number: int, length: int) -> dict[str, Written]:
    """An episode that can be told from others: `number` is in all that it holds."""
    steps = np.arange(length * 7, dtype=np.float32).reshape(length, 7) / 100 + number
    return {
        "steps/action": steps.ravel(),
        "steps/is_first": np.eye(1, length, dtype=np.int64)[0],
        "steps/language_instruction": [f"do {number}".encode()] * length,
        "steps/observation/image_0": [png(10 * number + t) for t in range(length)],
        "steps/observation/state": (steps * 2).ravel(),
        "episode_metadata/episode_id": np.array([number], np.int64),
        "episode_metadata/file_path": [f"raw/{number}".encode()],
    }


def dataset(
    folder: Path,
    shards: Sequence[Sequence[Mapping[str, Written]]],
    features: Mapping[str, Any] = FEATURES,
    name: str = "made",
) -> Path:
    """A dataset of these episodes in these files; its folder of a version."""
    version = folder / name / "1.0.0"
    version.mkdir(parents=True)
    for index, shard in enumerate(shards):
        path = version / f"{name}-train.tfrecord-{index:05d}-of-{len(shards):05d}"
        write_records(path, (build_example(one) for one in shard))
    splits = [{"name": "train", "numBytes": "0", "shardLengths": [str(len(shard)) for shard in shards]}]
    info = {"name": name, "version": "1.0.0", "fileFormat": "tfrecord", "splits": splits}
    (version / "dataset_info.json").write_text(json.dumps(info))
    (version / "features.json").write_text(json.dumps(features))
    return version
