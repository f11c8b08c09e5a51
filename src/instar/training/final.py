"""From what the Trainer leaves behind to the weights of a checkpoint: gathered, merged, in one precision."""

import functools
import logging
from collections.abc import Callable
from pathlib import Path

import torch
from peft import PeftModel
from torch import nn

from instar.backbone import Backbone
from instar.errors import InstarError

logger = logging.getLogger(__name__)

Batch = dict[str, torch.Tensor]


def saver(backbone: Backbone, model: nn.Module, *, merge: Batch | None, bfloat16: bool) -> Callable[[Path], None]:
    """A function that writes `model` into a folder: whole, or its adapters, or with a batch to `merge` on, merged."""
    if isinstance(model, PeftModel) and merge is None:
        return functools.partial(_save_adapters, model)
    if isinstance(model, PeftModel):
        assert merge is not None
        merged(model, merge)
    elif bfloat16:
        backbone.model.to(torch.bfloat16)
    return backbone.save


def _save_adapters(model: PeftModel, folder: Path) -> None:
    model.save_pretrained(str(folder))
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's empty form; the card says it all


def merged(model: PeftModel, batch: Batch) -> nn.Module:
    """The base with the adapters merged into its weights, in float32 on the CPU.

    Raises InstarError if it does not answer `batch` as the unmerged model does.
    """
    model.to("cpu", torch.float32).eval()
    before = _logits(model, batch)
    whole = model.merge_and_unload(safe_merge=True)
    after = _logits(whole, batch)
    difference = float((after - before).abs().max() / before.abs().max())
    if not difference < 1e-3:
        raise InstarError(
            f"merging changed the answers: logits differ by {difference:.1e} of the largest; leave lora.merge off and "
            "use the adapters unmerged"
        )
    logger.info("merged in float32; logits differ by %.1e of the largest", difference)
    assert isinstance(whole, nn.Module)
    return whole


@torch.no_grad()
def _logits(model: nn.Module, batch: Batch) -> torch.Tensor:
    logits: torch.Tensor = model(**batch).logits
    return logits
