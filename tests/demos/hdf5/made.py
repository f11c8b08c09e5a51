"""Small files in the layouts of robomimic and LIBERO, written with the format's own library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def pictures(length: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (length, 6, 8, 3), np.uint8)


def actions(length: int) -> np.ndarray:
    """Motions that grow, and a gripper that closes."""
    motion = np.arange(length * 6).reshape(length, 6) / 100
    return np.concatenate([motion, np.where(np.arange(length) < 2, -1.0, 1.0)[:, None]], axis=1)


def write(
    path: Path, attributes: Mapping[str, str], observed: Mapping[str, Any], demos: Mapping[str, int], mask: str = ""
) -> Path:
    """A file of these episodes; `observed` makes each observation of a length."""
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs.update(attributes)
        for name, length in demos.items():
            demo = data.create_group(name)
            demo["actions"] = actions(length)
            for key, make in observed.items():
                demo[f"obs/{key}"] = make(length)
        if mask:
            file["mask/train"] = np.array([mask.encode()])
    return path
