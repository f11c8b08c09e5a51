"""Datasets as TensorFlow Datasets itself reads them, where the variable INSTAR_TFDS_PYTHON names who has it."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

PYTHON = os.environ.get("INSTAR_TFDS_PYTHON", "")
SCRIPT = Path(__file__).with_name("by_tfds.py")
NEEDS_TFDS = pytest.mark.skipif(not PYTHON, reason="INSTAR_TFDS_PYTHON is not set: no TensorFlow Datasets to ask")


def read_by_tfds(version: Path, scratch: Path) -> Mapping[str, NDArray[Any]]:
    """Every feature of every episode in the folder of a version, by `episode/feature`."""
    out = scratch / "by_tfds.npz"
    command = [PYTHON, str(SCRIPT), str(version), str(out)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(out) as found:
        return dict(found)
