"""Rows of packed examples as batches of a model of transformers, and how the model takes them in.

A packed batch is a batch like any other: `model(**batch).loss` is the mean loss of the learned tokens, whoever calls
it, Trainer, PEFT or DistributedDataParallel. What transformers has no name for is taken in by a hook before the model
proper: the intervals of who sees what become a mask, made on the model's own device, and every distinct picture is
encoded once, however often it is shown.

seen_from, seen_until (B, T)   the first and the last place that sees the token at each place
sights (B, T)                  which of the distinct pictures' features stands at each place; -1 for words
logits_to_keep (B, N)          the places that predict something; one where branches begin is there several times
shift_labels (B, N)            what is to be predicted there; IGNORE where a row has less to learn than another
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn.attention.flex_attention import BlockMask, create_block_mask
from transformers import PreTrainedModel

from instar.backbone import IGNORE, Example, Picture, padded, stacked
from instar.backbones.hf_families import Family, Tensors
from instar.packing import Integers, Row, lesson

OURS: Final = ("seen_from", "seen_until", "sights")
_ATTENTION: Final = "_attn_implementation"  # what transformers calls the kind of attention in a configuration


def packed(rows: Sequence[Row], examples: Sequence[Example], positions: Sequence[torch.Tensor]) -> Tensors:
    """The words, masks, positions and lessons of a packed batch; `positions` are those of each example alone."""
    lessons = [lesson(row, examples) for row in rows]
    targets = padded([told.targets for told in lessons], IGNORE)
    return {
        "input_ids": padded([_spread(row, [example.input_ids for example in examples]) for row in rows], 0),
        "position_ids": _joined([_spread(row, positions) for row in rows]),
        "seen_from": _alone([row.first for row in rows]),
        "seen_until": _alone([row.last for row in rows]),
        "logits_to_keep": padded([torch.from_numpy(told.places) for told in lessons], 0),
        "shift_labels": targets,
        "labels": targets,  # asks the model for a loss; what it is made of is above
    }


def _spread(row: Row, values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Values per token of each example, (..., T_i), at the places of the row, (..., T)."""
    some = values[next(iter(row.places))]
    out = some.new_zeros((*some.shape[:-1], row.length))
    for k, places in row.places.items():
        out[..., torch.from_numpy(places)] = values[k]
    return out


def _joined(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    """Positions (T_i,) as (B, T), or (axes, T_i) as (axes, B, T)."""
    if rows[0].ndim == 1:
        return padded(rows, 0)
    return torch.stack([padded([row[axis] for row in rows], 0) for axis in range(len(rows[0]))])


def _alone(rows: Sequence[Integers]) -> torch.Tensor:
    """Places (T_i,) as (B, T); what fills a row up sees itself and nothing else, for a softmax needs something."""
    width = max(map(len, rows))
    return torch.stack([torch.from_numpy(np.concatenate([row, np.arange(len(row), width)])) for row in rows])


def shown(places: Sequence[Mapping[int, Integers]], examples: Sequence[Example], family: Family) -> Tensors:
    """The inputs of every distinct picture of the examples, and its features where each of `places`' rows shows them.

    Nothing where there are no pictures; the "sights" are (B, T), as wide as the furthest place.
    """
    distinct = {picture.image.digest: picture for example in examples for picture in example.pictures}
    if not distinct:
        return {}
    counts = [len(picture.places) for picture in distinct.values()]
    begins = dict(zip(distinct, np.cumsum([0, *counts]).tolist(), strict=False))
    width = 1 + max(int(path[-1]) for row in places for path in row.values())
    sights = torch.full((len(places), width), -1)
    for row, paths in enumerate(places):
        for k, path in paths.items():
            for picture in examples[k].pictures:
                begin = begins[picture.image.digest]
                sights[row, torch.from_numpy(path)[picture.places]] = torch.arange(begin, begin + len(picture.places))
    return {**inputs(list(distinct.values()), family), "sights": sights}


def inputs(pictures: Sequence[Picture], family: Family) -> Tensors:
    """The pixels and sizes of pictures, one after another."""
    joined: Tensors = {}
    for name in sorted({name for picture in pictures for name in picture.inputs}):
        there = [picture.inputs[name] for picture in pictures if name in picture.inputs]
        tiled = name in family.tiled
        joined[name] = stacked([tensor[0] for tensor in there])[None] if tiled else stacked(there)
    return joined


def slides(model: PreTrainedModel) -> bool:
    """Whether some of the model's attention sees its nearest tokens only, which are others in a packed row."""
    return "sliding_attention" in (getattr(model.config.get_text_config(), "layer_types", None) or ())


def understand(model: PreTrainedModel) -> None:
    """Let `model` take in packed batches, and batches in which a picture is encoded once and seen often."""
    model.base_model.register_forward_pre_hook(_taken_in, with_kwargs=True)


def _taken_in(model: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    ours = {name: given[name] for name in OURS if name in given}
    given = {name: value for name, value in given.items() if name not in OURS}
    if "seen_until" in ours:
        given["attention_mask"] = _mask(model, ours["seen_from"], ours["seen_until"])
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
    vectors = words.masked_scatter(there[..., None], features[sights_BT[there]].to(words.dtype))
    return {**given, **dict.fromkeys(asked), "input_ids": None, "inputs_embeds": vectors}


def _mask(model: Any, first_BT: torch.Tensor, last_BT: torch.Tensor) -> torch.Tensor | BlockMask:
    """Who sees whom, as the model's attention wants to be told."""
    kind, width = getattr(model.config.get_text_config(), _ATTENTION), first_BT.shape[1]
    if kind == "flex_attention":

        def sees(row: torch.Tensor, _head: torch.Tensor, q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
            return (first_BT[row, k] <= q) & (q <= last_BT[row, k])

        return create_block_mask(sees, len(first_BT), None, width, width, device=first_BT.device.type)
    q = torch.arange(width, device=first_BT.device)[:, None]
    sees_BTT = (first_BT[:, None, :] <= q) & (q <= last_BT[:, None, :])
    if kind == "sdpa":
        return sees_BTT[:, None]
    words: torch.Tensor = model.get_input_embeddings().weight
    return torch.zeros_like(sees_BTT, dtype=words.dtype).masked_fill(~sees_BTT, torch.finfo(words.dtype).min)[:, None]
