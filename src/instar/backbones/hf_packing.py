"""Packed examples as batches of a model of transformers, and how the model takes them in.

A packed batch is a batch like any other: `model(**batch).loss` is the mean loss of the learned tokens, whoever calls
it, Trainer, PEFT or DistributedDataParallel. What transformers has no name for is taken in by a hook before the model
proper: pictures are encoded once, however often they are shown, and who sees whom reaches an attention of our own,
which computes nothing that is masked.

seen_from, seen_until (1, T)   the first and the last place that sees the token at each place
sights (B, T)                  which of the distinct pictures' features stands at each place; -1 for words
logits_to_keep (N,)            the places that predict something; one where branches begin is there several times
shift_labels (1, N)            what is to be predicted there
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.flex_attention import flex_attention_forward
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from instar.backbone import Example, Picture, stacked
from instar.backbones.hf_families import Family, Tensors
from instar.packing import Integers, Packed, Stretch, lesson, stretches

OURS: Final = ("seen_from", "seen_until", "sights")
Vectors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # queries, keys and values, (B, heads, T, width) each
_KIND: Final = "_attn_implementation"  # transformers' name for the kind of attention in a configuration
ATTENTION: Final = "instar"  # the name of our attention among those of transformers


def batch_of(packed: Packed, examples: Sequence[Example], positions: Sequence[torch.Tensor]) -> Tensors:
    """The words, positions and lessons of a packed batch; `positions` are those of each example alone."""
    places, targets = lesson(packed, examples)
    return {
        "input_ids": _spread(packed, [example.input_ids for example in examples])[None],
        "position_ids": _spread(packed, positions).unsqueeze(-2),
        "seen_from": torch.from_numpy(packed.first)[None],
        "seen_until": torch.from_numpy(packed.last)[None],
        "logits_to_keep": places,
        "shift_labels": targets[None],
        "labels": targets[None],  # asks the model for a loss; it is made of the two above
    }


def _spread(packed: Packed, values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Values per token of each example, (..., T_i), at their places, (..., T)."""
    out = values[0].new_zeros((*values[0].shape[:-1], packed.length))
    for path, mine in zip(packed.places, values, strict=True):
        out[..., torch.from_numpy(path)] = mine
    return out


def shown(rows: Sequence[tuple[int, Integers]], examples: Sequence[Example], family: Family) -> Tensors:
    """Every distinct picture of the examples once, and where it is seen; nothing where there are no pictures.

    `rows` tells of each example the row of the batch that it is in, and the places of its tokens there.
    """
    distinct = {picture.image.digest: picture for example in examples for picture in example.pictures}
    if not distinct:
        return {}
    counts = [len(picture.places) for picture in distinct.values()]
    begins = dict(zip(distinct, accumulate(counts, initial=0), strict=False))
    sights_BT = torch.full((1 + max(row for row, _ in rows), 1 + max(int(path[-1]) for _, path in rows)), -1)
    for (row, path), example in zip(rows, examples, strict=True):
        for picture in example.pictures:
            features = torch.arange(len(picture.places)) + begins[picture.image.digest]
            sights_BT[row, torch.from_numpy(path)[picture.places]] = features
    return {**inputs(list(distinct.values()), family), "sights": sights_BT}


def inputs(pictures: Sequence[Picture], family: Family) -> Tensors:
    """The pixels and sizes of pictures, one after another."""
    joined: Tensors = {}
    for name in sorted({name for picture in pictures for name in picture.inputs}):
        there = [picture.inputs[name] for picture in pictures if name in picture.inputs]
        tiled = name in family.tiled
        joined[name] = stacked([tensor[0] for tensor in there])[None] if tiled else stacked(there)
    return joined


def attends_plainly(model: PreTrainedModel) -> bool:
    """Whether the model's words see all words before them, by an attention that ours can stand in for."""
    text = model.config.get_text_config()
    slides = "sliding_attention" in (getattr(text, "layer_types", None) or ())
    return getattr(text, _KIND) == "sdpa" and not slides


def understand(model: PreTrainedModel) -> None:
    """Let `model` take in packed batches, and batches in which a picture is encoded once and seen often."""
    if attends_plainly(model):
        setattr(model.config.get_text_config(), _KIND, ATTENTION)  # for all other batches it is "sdpa", too
    model.base_model.register_forward_pre_hook(_taken_in, with_kwargs=True)


def _taken_in(model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    ours = {name: given[name] for name in OURS if name in given}
    given = {name: value for name, value in given.items() if name not in OURS}
    if "seen_until" in ours:
        # Of four dimensions, so that transformers makes no mask of its own; it is `trees` that counts.
        given["attention_mask"] = ours["seen_until"].new_ones((1, 1, 1, 1), dtype=torch.bool)
        given["trees"] = Trees(ours["seen_from"][0], ours["seen_until"][0])
    if "sights" in ours:
        given = _seeing(model, given, ours["sights"])
    return args, given


def _seeing(model: Any, given: dict[str, Any], sights_BT: torch.Tensor) -> dict[str, Any]:
    """Words and pictures as vectors, in place of the words' numbers and the pictures' pixels."""
    wanted = inspect.signature(model.get_image_features).parameters
    asked = {name: value for name, value in given.items() if name in wanted and value is not None}
    features = torch.cat([part.flatten(0, -2) for part in model.get_image_features(**asked).pooler_output])
    there = sights_BT >= 0
    # The tokens of pictures may have numbers that the vocabulary does not reach.
    words = model.get_input_embeddings()(given["input_ids"].masked_fill(there, 0))
    vectors = words.masked_scatter(there[..., None], features.index_select(0, sights_BT[there]).to(words.dtype))
    return {**given, **dict.fromkeys(asked), "input_ids": None, "inputs_embeds": vectors}


@dataclass(frozen=True, eq=False)
class Trees:
    """Who sees whom in a packed sequence, made ready once for all layers."""

    first: torch.Tensor  # (T,): the first place that sees the token at each place
    last: torch.Tensor  # (T,): the last one

    def sees(self, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        """Whether the token at q sees the one at k."""
        return (self.first[k] <= q) & (q <= self.last[k])

    @cached_property
    def blocks(self) -> BlockMask:
        """For FlexAttention."""
        length = len(self.last)
        return create_block_mask(
            lambda _row, _head, q, k: self.sees(q, k), None, None, length, length, device=str(self.last.device)
        )

    @cached_property
    def stretches(self) -> list[tuple[Stretch, torch.Tensor | None]]:
        """Branch by branch, with the mask (queries, keys) where seeing all before oneself is not it."""
        return [(stretch, self._mask(stretch)) for stretch in stretches(self.last.cpu().numpy())]

    @cached_property
    def cuts(self) -> list[int]:
        """Sizes of the pieces that every branch and all that it sees can be put together from."""
        edges = {0, len(self.last)}
        for stretch, _ in self.stretches:
            edges |= {stretch.start, *(edge for run in stretch.before for edge in run)}
        return [stop - start for start, stop in pairwise(sorted(edges))]

    def _mask(self, stretch: Stretch) -> torch.Tensor | None:
        span = torch.arange(stretch.start, stretch.stop, device=self.last.device)
        before = [torch.arange(*run, device=self.last.device) for run in stretch.before]
        if not before and bool((self.first[span] == span).all()):
            return None
        return self.sees(span[:, None], torch.cat([*before, span])[None, :])


def attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    trees: Trees | None = None,
    **options: Any,
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Attention as transformers calls it, (B, heads, T, width) in and (B, T, heads, width) out.

    In a packed sequence only what is seen is computed: by FlexAttention on a GPU, elsewhere branch by branch.
    """
    if trees is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
    way = WAYS.get(query.device.type, by_branches)
    return way(module, (query, key, value), trees, options), None


def by_blocks(module: nn.Module, given: Vectors, trees: Trees, options: Mapping[str, Any]) -> torch.Tensor:
    """Attention in one kernel, which leaves out blocks of pairs of which none is seen."""
    query, key, value = given
    kind = value.dtype  # under autocast, turning by their positions makes the other two float32 again
    out, _ = flex_attention_forward(module, query.to(kind), key.to(kind), value, trees.blocks, **options)
    return out


def by_branches(module: nn.Module, given: Vectors, trees: Trees, options: Mapping[str, Any]) -> torch.Tensor:
    """Attention of every branch to itself and all before it, one after another."""
    # Splitting and joining, not indexing: on the way back every piece is added to its own place at once.
    query, key, value = (_Pieces(tensor, trees.cuts) for tensor in given)
    branches = []
    for stretch, mask in trees.stretches:
        own = (stretch.start, stretch.stop)
        seen = (*stretch.before, own)
        out, _ = sdpa_attention_forward(
            module,
            query.joined([own]),
            key.joined(seen),
            value.joined(seen),
            None if mask is None else mask[None, None],
            **options,
        )
        branches.append(out)
    return torch.cat(branches, dim=1)


class _Pieces:
    """A tensor (1, heads, T, width), cut along T."""

    def __init__(self, whole: torch.Tensor, sizes: Sequence[int]) -> None:
        self._parts = torch.split_with_sizes(whole, sizes, dim=2)
        self._number = {start: number for number, start in enumerate(accumulate(sizes, initial=0))}

    def joined(self, runs: Sequence[tuple[int, int]]) -> torch.Tensor:
        """The stretches (start, stop) one after another."""
        return torch.cat([part for a, b in runs for part in self._parts[self._number[a] : self._number[b]]], dim=2)


WAYS: Final = {"cuda": by_blocks}  # by the kind of device; by_branches on all others

AttentionInterface.register(ATTENTION, attend)
AttentionMaskInterface.register(ATTENTION, sdpa_mask)
