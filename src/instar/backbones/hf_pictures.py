"""Pictures as a model's own processor makes them: the tokens that stand for each, and the pixels."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import cv2
import numpy as np
import PIL.Image
import torch
from transformers import ProcessorMixin

from instar.backbones.hf_pieces import picture_token
from instar.demo import Image, Pixels

Fit = Literal["auto", "own", "pad", "stretch"]
ROOM: Final = 256 << 20  # bytes of pictures that are kept ready
_PER_TOKEN: Final = ("input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids", "labels")


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture as a model takes it in."""

    tokens: list[int]  # that stand for it
    types: list[int]  # the mm_token_type_ids of these tokens; empty where the model has none
    features: torch.Tensor  # (n,): which of these tokens its features stand for; the others are words about it
    inputs: dict[str, torch.Tensor]  # its pixels and their sizes

    @property
    def bytes(self) -> int:
        """What keeping it takes."""
        return sum(tensor.nbytes for tensor in (self.features, *self.inputs.values()))


class Looks:
    """Pictures by digest, the last ones kept: much is said about one, and few demonstrations come round often."""

    def __init__(self, make: Callable[[Image], Seen], room: int = ROOM) -> None:
        self._make = make
        self._room = room
        self._kept: OrderedDict[str, Seen] = OrderedDict()

    def __call__(self, image: Image) -> Seen:
        """The picture as it is made, or was."""
        seen = self._kept.pop(image.digest, None)
        if seen is None:
            seen = self._make(image)
            self._room -= seen.bytes
        self._kept[image.digest] = seen
        while self._room < 0 and len(self._kept) > 1:
            self._room += self._kept.popitem(last=False)[1].bytes
        return seen


def look(processor: ProcessorMixin, image: Image, fit: Fit = "auto") -> Seen:
    """The picture as `processor` makes it."""
    tokenizer = processor.tokenizer
    text = f"{picture_token(processor)}{tokenizer.eos_token}"
    pixels = PIL.Image.fromarray(fitted(image.pixels, fit, processor.image_processor))
    # NumPy, as PaliGemma's processor cannot make labels of tensors with NumPy 2; they are not used here.
    made: Any = processor(text=[text], images=[pixels], return_tensors="np", add_special_tokens=False)
    ids = made["input_ids"][0].tolist()
    feature = tokenizer.convert_tokens_to_ids(picture_token(processor))
    kept = [k for k in range(ids.index(tokenizer.eos_token_id)) if ids[k] != tokenizer.bos_token_id]
    types = made["mm_token_type_ids"][0].tolist() if "mm_token_type_ids" in made else None
    return Seen(
        tokens=[ids[k] for k in kept],
        types=[types[k] for k in kept] if types else [],
        features=torch.tensor([place for place, k in enumerate(kept) if ids[k] == feature]),
        inputs={name: torch.from_numpy(value) for name, value in made.items() if name not in _PER_TOKEN},
    )


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
