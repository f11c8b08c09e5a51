"""What a vision-language model is to the house: conversations to tokens and labels, batches, and constrained replies."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from instar.chat import Conversation
from instar.grammar import Grammar

# Legend: B rows of a batch, T tokens, V words of the vocabulary.

IGNORE: Final = -100  # the label that torch's cross entropy, and with it every transformers loss, leaves out


@dataclass(frozen=True, eq=False)
class Example:
    """One conversation as a model takes it in."""

    id: str
    input_ids: torch.Tensor  # (T,) int64
    labels: torch.Tensor  # (T,) int64: the token itself where it is learned, else IGNORE; not shifted
    aligned: Mapping[str, torch.Tensor] = field(default_factory=dict)  # further inputs, one value per token: (T,)
    pictures: Mapping[str, torch.Tensor] = field(default_factory=dict)  # pixels and their sizes, as the family wants

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
