"""A policy as it comes with instar: with weights of half precision, and with a card."""

import shutil
from dataclasses import replace
from pathlib import Path

from torch import nn

from instar.backbones.hf import HfBackbone
from instar.checkpoint import CARD, load_backbone, read_card, write_checkpoint
from instar.files import write_bytes
from instar.shipped import README


def halved(checkpoint: Path, folder: Path) -> Path:
    """The policy of a checkpoint in `folder`, half as large and called as that is. Once made, it stays.

    Its card does not say where the model lay that training began with: it is whole, and goes to other machines.
    """
    if not (folder / CARD).exists():
        card = read_card(checkpoint)
        backbone = load_backbone(card.backbone, checkpoint, "cpu", "float32")
        assert isinstance(backbone, HfBackbone)
        nn.Module.half(backbone.model)
        write_checkpoint(folder, backbone.save, replace(card, name=folder.name, base=replace(card.base, path="")))
    return folder


def release(policy: Path, folder: Path, about: str) -> None:
    """Put a policy into `folder`, and what there is to say about it."""
    shutil.copytree(policy, folder, dirs_exist_ok=True)
    write_bytes(folder / README, about.encode())
