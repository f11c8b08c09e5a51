"""Small models of every family, made once for all tests of this folder."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from instar.backbones import hf
from instar.backbones.tiny import make_tiny
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Image

FAMILIES = ("llava", "qwen2_5_vl", "smolvlm", "paligemma")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The checkpoint folder of a family."""
    root = tmp_path_factory.mktemp("tiny")
    return cache(lambda family: make_tiny(family, root / family))


@pytest.fixture(scope="session")
def backbone(folder: Callable[[str], Path]) -> Callable[[str], hf.HfBackbone]:
    """The small model of a family, on the CPU in float32."""
    return cache(lambda family: hf.load(folder(family), "cpu", "float32"))


def picture(seed: int) -> Image:
    """Noise of the size of a VIMA frame."""
    return Image.of(np.random.default_rng(seed).integers(0, 255, (128, 256, 3), dtype=np.uint8))


def asked(question: str, *pictures: Image) -> Conversation:
    """A question with its pictures before it."""
    return Conversation((Turn("user", IMAGE * len(pictures) + question),), pictures)
