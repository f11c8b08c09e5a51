"""Datasets as lerobot itself writes and reads them, where INSTAR_LEROBOT_PYTHON names interpreters that have it.

Several are joined by colons: one whose lerobot writes v2.1 and one whose lerobot writes v3.0, for example.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

SCRIPT: Final = Path(__file__).with_name("by_lerobot.py")
PYTHONS: Final = [python for python in os.environ.get("INSTAR_LEROBOT_PYTHON", "").split(os.pathsep) if python]
NEEDS_LEROBOT: Final = pytest.mark.skipif(not PYTHONS, reason="INSTAR_LEROBOT_PYTHON is not set: no lerobot to ask")

Arrays = Mapping[str, NDArray[Any]]


def asked(python: str, *arguments: str) -> str:
    """What the script says."""
    done = subprocess.run([python, str(SCRIPT), *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def written_by(python: str, folder: Path, pictures: str) -> Arrays:
    """What lerobot was given for a dataset that it wrote to `folder`."""
    return _told(python, "write", folder, pictures)


def read_by(python: str, folder: Path) -> Arrays:
    """All frames of the dataset in `folder`, as lerobot reads them."""
    return _told(python, "read", folder)


def _told(python: str, verb: str, folder: Path, *options: str) -> Arrays:
    out = folder.with_name(f"{folder.name}-{verb}.npz")
    asked(python, verb, str(folder), *options, str(out))
    with np.load(out) as found:
        return dict(found)
