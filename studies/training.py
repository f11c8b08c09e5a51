"""How the studies teach a small model: what is alike in all of their trainings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from instar.train import TrainConfig


def training(samples: Sequence[Path], model: str, out: Path, **chosen: Any) -> TrainConfig:
    """The demo's settings, which suit small batches; and what a study chooses of TrainConfig's fields."""
    return TrainConfig(
        samples=tuple(samples),
        model=model,
        out=out,
        optimizer="muon",
        betas=(0.9, 0.98),
        weight_decay=0.01,
        warmup=0.02,
        check=False,  # samples of our own making are whole
        loader_workers=1,
        **chosen,
    )
