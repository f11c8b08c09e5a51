"""What a vision-language model is to the house: tokens and labels, batches, and replies within a grammar."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from instar.chat import Conversation
from instar.demo import Image
from instar.grammar import Grammar

# Legend: B rows of a batch, T tokens, V words of the vocabulary.

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


class Rule(Protocol):
    """What one reply may be, token by token."""

    def admits(self, token: int) -> bool:
        """Whether `token`, which is no end token, may come next; also where it spells forced text in its own way."""
        ...

    def allowed(self) -> NDArray[np.bool_]:
        """Which tokens may come next, (V,)."""
        ...

    def take(self, token: int) -> None:
        """`token` comes next."""
        ...

    @property
    def finished(self) -> bool:
        """Nothing may come next but the end."""
        ...


# Reads the tokens that each row goes on with, none for a row that has ended; the logits of what follows, (B, V).
Read = Callable[[Sequence[Sequence[int]]], torch.Tensor]


def speak(
    logits_BV: torch.Tensor, read: Read, rules: Sequence[Rule | None], stops: frozenset[int], most: int
) -> list[list[int]]:
    """The likeliest tokens of each row within its rule, without the stop token that ends it; at most `most` each."""
    said: list[list[int]] = [[] for _ in rules]
    going = set(range(len(rules)))
    for _ in range(most):
        chosen = _likeliest(logits_BV, rules, going, stops)
        # Tokens that a rule forces could be added to a row here: `read` takes several for one row.
        pending = [[chosen[row]] if row in going and chosen[row] not in stops else [] for row in range(len(rules))]
        for row in sorted(going):
            rule = rules[row]
            for token in pending[row]:
                said[row].append(token)
                if rule is not None:
                    rule.take(token)
            if not pending[row] or (rule is not None and rule.finished):
                going.discard(row)
        if not going:
            break
        logits_BV = read([tokens if row in going else [] for row, tokens in enumerate(pending)])
    return said


def _likeliest(
    logits_BV: torch.Tensor, rules: Sequence[Rule | None], going: set[int], stops: frozenset[int]
) -> list[int]:
    """The likeliest token of each row that its rule admits.

    The free favourite is asked about first, so that a reply within its grammar is the one that would have been said
    without: where text is forced, `allowed` names only one of the ways to spell it.
    """
    chosen = [int(token) for token in logits_BV.argmax(dim=-1).tolist()]
    barred = np.zeros(tuple(logits_BV.shape), dtype=np.bool_)
    strict = False
    for row in going:
        rule = rules[row]
        if rule is None or (chosen[row] not in stops and rule.admits(chosen[row])):
            continue
        strict = True
        allowed = rule.allowed()[: barred.shape[1]]
        barred[row] = True  # also words of the model that its tokenizer does not know
        barred[row, : len(allowed)] = ~allowed
    if not strict:
        return chosen
    masked = logits_BV.masked_fill(torch.from_numpy(barred).to(logits_BV.device), -torch.inf)
    return [int(token) for token in masked.argmax(dim=-1).tolist()]


def padded(rows: Sequence[torch.Tensor], value: int, *, left: bool = False) -> torch.Tensor:
    """`rows` of (T_i,) as one tensor (B, max T), filled up with `value`."""
    width = max(len(row) for row in rows)
    out = rows[0].new_full((len(rows), width), value)
    for row, tokens in enumerate(rows):
        out[row, width - len(tokens) if left else 0 :][: len(tokens)] = tokens
    return out


def stacked(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Tensors one below the other along their first dimension, each filled up with zeros to the largest."""
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
