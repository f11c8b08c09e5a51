"""Samples in, a checkpoint out: finetuning a vision-language model, whole or by LoRA, on one device or many.

The loop is transformers' Trainer, so `torchrun -m instar.cli train ...` and `accelerate launch` work as everywhere.
A run that is killed goes on from its last whole state when the same command is given again.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from instar.blend import digest_of
from instar.checkpoint import CARD, read_card
from instar.errors import ConfigError
from instar.files import JSON
from instar.progress import Progress, silent
from instar.training.config import Lora, TrainConfig, TrainSummary
from instar.training.run import Run, require_same

__all__ = ["Lora", "TrainConfig", "TrainSummary", "fresh_checkpoint", "train"]


def train(config: TrainConfig, progress: Progress = silent) -> TrainSummary:
    """Train as `config` says, or go on with the run that it began, and write the checkpoint.

    Raises ConfigError naming what differs where `config.out` holds another run, DataError naming a sample that cannot
    be learned from, and InstarError with advice where memory does not suffice.
    """
    if not config.samples:
        raise ConfigError("there are no samples to train on; name at least one samples folder")
    identity = _identity(config)
    if (config.out / CARD).exists():
        return _finished(config, identity)
    from instar.training.teaching import teach

    return teach(config, identity, progress)


def fresh_checkpoint(model: str, samples: Path, out: Path) -> TrainSummary:
    """The model as it is, untrained, with a card: what a trained one is compared with."""
    return train(TrainConfig((samples,), model, out, steps=0, device="cpu"))


def _identity(config: TrainConfig) -> dict[str, JSON]:
    """What makes a run this run and no other."""
    return {
        "config": config.meaning(),
        "samples": [digest_of(path) for path in config.samples],
        "processes": int(os.environ.get("WORLD_SIZE", "1")),  # set by torchrun and accelerate launch alike
    }


def _finished(config: TrainConfig, identity: Mapping[str, JSON]) -> TrainSummary:
    """The summary of a run whose checkpoint is there. Raises ConfigError if it was another run."""
    card = read_card(config.out)
    require_same(config.out, card.run, identity)
    run = Run(config.out)
    run.finish()
    return TrainSummary(config.out, card.steps, run.last_loss(), resumed=card.steps, finished_before=True)
