"""Pictures as a model's own processor makes them: the tokens that stand for each, and the pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import cv2
import numpy as np
import PIL.Image
import torch
from transformers import ProcessorMixin

from instar.backbones.hf_pieces import picture_token
from instar.demo import Image, Pixels

Fit = Literal["auto", "own", "pad", "stretch"]
_PER_TOKEN: Final = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids", "labels")


@dataclass(frozen=True, eq=False)
class Seen:
    """Pictures as a model takes them in."""

    tokens: list[list[int]] = field(default_factory=list)  # that stand for each picture
    types: list[list[int]] = field(default_factory=list)  # the mm_token_type_ids of these tokens, where there are any
    inputs: dict[str, torch.Tensor] = field(default_factory=dict)  # the pixels of all pictures, and their sizes


def look(processor: ProcessorMixin, images: Sequence[Image], fit: Fit = "auto") -> Seen:
    """The pictures as `processor` makes them."""
    if not images:
        return Seen()
    tokenizer = processor.tokenizer
    text = f"{picture_token(processor)}{tokenizer.eos_token}" * len(images)
    seen = [PIL.Image.fromarray(fitted(image.pixels, fit, processor.image_processor)) for image in images]
    # NumPy, as PaliGemma's processor cannot make labels of tensors with NumPy 2; they are not used here.
    made: Any = processor(text=[text], images=seen, return_tensors="np", add_special_tokens=False)
    ids = made["input_ids"][0].tolist()
    spans = list(_between(ids, tokenizer.eos_token_id))[: len(images)]
    kept = [[k for k in span if ids[k] != tokenizer.bos_token_id] for span in spans]
    types = made["mm_token_type_ids"][0].tolist() if "mm_token_type_ids" in made else None
    return Seen(
        tokens=[[ids[k] for k in span] for span in kept],
        types=[[types[k] for k in span] for span in kept] if types else [],
        inputs={name: torch.from_numpy(value) for name, value in made.items() if name not in _PER_TOKEN},
    )


def _between(ids: Sequence[int], fence: int) -> Iterator[range]:
    """The places before each `fence`, back to the one before it."""
    start = 0
    for place, token in enumerate(ids):
        if token == fence:
            yield range(start, place)
            start = place + 1


def fitted(pixels: Pixels, fit: Fit, maker: object) -> Pixels:
    """A picture (H, W, 3) ready for the picture processor `maker`: as it is, or made square first.

    Padding is LLaVA-1.5's: the mean colour, the picture in the middle (Liu et al., 2023).
    """
    height, width = pixels.shape[:2]
    if fit == "auto":
        fit = "pad" if getattr(maker, "do_center_crop", False) else "own"
    if fit == "own" or height == width:
        return pixels
    side = max(height, width)
    if fit == "stretch":
        return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    # LLaVA truncates here: 0.48145466 of 255 is 122.
    colour = (255 * np.asarray(getattr(maker, "image_mean", 0.5))).astype(np.uint8)
    square = np.broadcast_to(colour, (side, side, 3)).copy()
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = pixels
    return square
