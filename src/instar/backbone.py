"""What a vision-language model is to the house: tokens and labels, batches, and replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import torch
from torch import nn

from instar.chat import Conversation
from instar.demo import Image
from instar.grammar import Grammar

# Legend: B rows of a batch, T tokens.

IGNORE: Final = -100  # the label that torch's cross entropy, and with it every transformers loss, leaves out


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture of an example."""

    image: Image
    places: torch.Tensor  # (n,) int64: the tokens of the example that its n features stand for
    inputs: Mapping[str, torch.Tensor]  # its pixels and their sizes, as the family wants


@dataclass(frozen=True, eq=False)
class Example:
    """One conversation as a model takes it in."""

    id: str
    input_ids: torch.Tensor  # (T,) int64
    labels: torch.Tensor  # (T,) int64: the token itself where it is learned, else IGNORE; not shifted
    aligned: Mapping[str, torch.Tensor] = field(default_factory=dict)  # further inputs, one value per token: (T,)
    pictures: tuple[Picture, ...] = ()  # in the order of their tokens

    @property
    def length(self) -> int:
        """Tokens, those of the pictures included."""
        return len(self.input_ids)

    @property
    def learned(self) -> int:
        """Tokens that are learned from."""
        return int((self.labels != IGNORE).sum())


@runtime_checkable
class Backbone(Protocol):
    """A vision-language model with its tokenizer: what training, checkpoints and policies need of it."""

    @property
    def model(self) -> nn.Module:
        """The network; `model(**backbone.collate(examples)).loss` is the mean loss of the learned tokens."""
        ...

    def encode(self, conversation: Conversation, id: str = "conversation") -> Example:
        """Tokens and labels; the turns marked `learn`, each with its end token, are learned from.

        Raises DataError naming `id` where nothing is to be learned.
        """
        ...

    def collate(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """One batch, padded on the right, ready for `model(**batch)`; on the CPU."""
        ...

    def generate(
        self, conversations: Sequence[Conversation], grammars: Sequence[Grammar | None], max_new_tokens: int = 1024
    ) -> list[str]:
        """The likeliest next turn of each conversation, word by word, within its grammar where there is one."""
        ...

    def parts(self) -> dict[str, tuple[str, ...]]:
        """Prefixes of the parameter names of "vision", "projector" and "language"."""
        ...

    def save(self, folder: Path) -> None:
        """Weights and processor in `folder`, for the same backbone to load."""
        ...


@runtime_checkable
class Packing(Protocol):
    """What a backbone offers besides, if it can read what examples begin with alike once for all of them."""

    @property
    def packs(self) -> bool:
        """Whether `pack` is exact for this model."""
        ...

    def pack(self, examples: Sequence[Example]) -> dict[str, torch.Tensor]:
        """One batch with the loss and the gradients of `collate`."""
        ...


def padded(rows: Sequence[torch.Tensor], value: int, *, left: bool = False) -> torch.Tensor:
    """`rows` of (T_i,) as one tensor (B, max T), filled up with `value`."""
    width = max(len(row) for row in rows)
    out = rows[0].new_full((len(rows), width), value)
    for row, tokens in enumerate(rows):
        out[row, width - len(tokens) if left else 0 :][: len(tokens)] = tokens
    return out


def stacked(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Tensors one below the other along their first dimension, each filled up with zeros to the largest."""
    if len(tensors) == 1:
        return tensors[0]
    shape = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
    if all(list(tensor.shape[1:]) == shape for tensor in tensors):
        return torch.cat(list(tensors))
    out = tensors[0].new_zeros((sum(len(tensor) for tensor in tensors), *shape))
    start = 0
    for tensor in tensors:
        window = (slice(start, start + len(tensor)), *(slice(0, size) for size in tensor.shape[1:]))
        out[window] = tensor
        start += len(tensor)
    return out
