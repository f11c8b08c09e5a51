"""How a model of transformers reads on from its prompts: each row of a batch at its own pace, and able to forget.

The keys and values of a row lie in slots of its own, one after another, in tensors that have room ahead: reading on
writes into the next slots of each row, forgetting moves back, and nothing is copied until the room is used up.
"""

from collections.abc import Sequence
from typing import Any, Final, cast

import torch
from torch import nn
from torch.nn import functional
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

from instar.backbone import padded
from instar.backbones.hf_families import Positions, Tensors
from instar.decoding import Listener

# Legend: B rows, T tokens read at once, S slots of a row, H heads, D width of a head.

_ROOM: Final = 64  # slots that are added when there are no more
_AT_ONCE: Final = 64  # tokens of a row that are read at once
LARGE: Final = 2_000_000  # weights of a head; one of 32,000 tokens and a width of 64 has as many


class Logits:
    """What a model says after tokens, by the short way where that gives the same.

    A vision-language model is a language model and a head once its pictures are read. Going there directly saves the
    detour through what looks for pictures, and the head is only asked about tokens, not about padding.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.model = model
        untyped: Any = model
        self._decoder, self._head = untyped.get_decoder(), untyped.get_output_embeddings()
        self._short: bool | None = None if self._head is not None and self._decoder is not model else False

    @property
    def selects(self) -> bool:
        """The head is so large, and so plain, that asking it about a few tokens saves more than finding them costs."""
        return bool(self._short) and type(self._head) is nn.Linear and self._head.weight.numel() >= LARGE

    def __call__(self, there_BT: torch.Tensor, among: Sequence[int], **inputs: Any) -> torch.Tensor:
        """The logits (N, V) after the tokens that are there."""
        if self._short:
            return self._directly(there_BT, inputs, among if self.selects else ())
        out: Any = self.model(**inputs)
        logits: torch.Tensor = out.logits[there_BT].float()
        if self._short is None:  # reading the same tokens again writes the same keys and values to the same slots
            self._short = _alike(self._directly(there_BT, inputs), logits, self.model.dtype)
        return logits

    def _directly(self, there_BT: torch.Tensor, inputs: dict[str, Any], among: Sequence[int] = ()) -> torch.Tensor:
        hidden = self._decoder(**inputs).last_hidden_state[there_BT]
        if not among:
            logits: torch.Tensor = self._head(hidden)
            return logits.float()
        head = self._head
        ids = torch.tensor(among, device=hidden.device)
        few = functional.linear(hidden, head.weight[ids], None if head.bias is None else head.bias[ids])
        others = few.new_full((len(hidden), len(head.weight)), -torch.inf, dtype=torch.float32)
        return others.index_copy_(1, ids, few.float())


def _alike(short_NV: torch.Tensor, long_NV: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether these differ by no more than rounding does."""
    rounding = 100 * torch.finfo(dtype).eps * float(long_NV.abs().max())
    return short_NV.shape == long_NV.shape and torch.allclose(short_NV, long_NV, rtol=0, atol=rounding)


def reader(say: Logits, prompts: Tensors, positions: Positions, cache: Cache) -> Listener:
    """Who reads on in `cache`, that of `prompts`."""
    sees_all = all(type(layer) is DynamicLayer for layer in cache.layers)
    return (SlotReader if sees_all else PlainReader)(say, prompts, positions, cache)


class SlotReader:
    """Reads several tokens of a row at once and can forget them: for models that look at all that came before."""

    widest: Final = _AT_ONCE

    def __init__(self, say: Logits, prompts: Tensors, positions: Positions, cache: Cache) -> None:
        self.prompts = _said(prompts)
        self._say = say
        self._axes = positions.ids.ndim
        self._following = positions.following  # (B,): position of the next token of a row
        self._open = prompts["attention_mask"].bool()  # (B, S): slots that are not padding
        self._next = torch.full_like(positions.following, self._open.shape[1])  # (B,): the slot of a row's next token
        self._cache = SlotCache(cache)

    @property
    def selects(self) -> bool:
        """It is quicker to be asked about a few words than about all."""
        return self._say.selects

    def read(self, words: Sequence[Sequence[int]], among: Sequence[int] = ()) -> torch.Tensor:
        """Read on, in each row its words or none; the logits after each, (N, V), row after row."""
        device = self._next.device
        ids_BT = padded([torch.tensor(row, dtype=torch.long) for row in words], 0).to(device)
        count_B = torch.tensor([len(row) for row in words], device=device)
        step_T = torch.arange(ids_BT.shape[1], device=device)
        at_BT = self._following[:, None] + step_T
        slots_BT = self._next[:, None] + step_T
        self._cache.aim(slots_BT)
        logits_NV = self._say(
            step_T < count_B[:, None],
            among,
            input_ids=ids_BT,
            attention_mask=self._sight(slots_BT),
            position_ids=at_BT if self._axes == 2 else at_BT.expand(3, -1, -1),
            past_key_values=self._cache,
            use_cache=True,
        )
        self._next, self._following = self._next + count_B, self._following + count_B
        return logits_NV

    def forget(self, counts: Sequence[int]) -> None:
        """So many of the last words of each row were never read."""
        if any(counts):
            back_B = torch.tensor(counts, device=self._next.device)
            self._next, self._following = self._next - back_B, self._following - back_B

    def only(self, rows: Sequence[int]) -> None:
        """Go on with these rows, which come in their old order."""
        kept = torch.tensor(rows, device=self._next.device)
        self._next, self._following, self._open = self._next[kept], self._following[kept], self._open[kept]
        self._cache.batch_select_indices(kept)

    def _sight(self, slots_BT: torch.Tensor) -> torch.Tensor:
        """Which slots each new token looks at: those of its row up to its own. What attention adds, (B, 1, T, S)."""
        end = self._cache.end
        if self._open.shape[1] < end:
            self._open = functional.pad(self._open, (0, end + _ROOM - self._open.shape[1]), value=True)
        up_to_BTS = torch.arange(end, device=slots_BT.device) <= slots_BT[:, :, None]
        seen_BTS = up_to_BTS & self._open[:, None, :end]
        dtype = self._say.model.dtype
        return torch.zeros_like(seen_BTS, dtype=dtype).masked_fill(~seen_BTS, torch.finfo(dtype).min)[:, None]


class SlotCache(Cache):
    """Keys and values of every layer, (B, H, S, D), with room to write in."""

    end: int = 0  # no slot in use comes after the ones before it

    def __init__(self, prompts: Cache) -> None:
        super().__init__(layers=[])
        self._held: list[tuple[torch.Tensor, torch.Tensor]] = []
        for layer in prompts.layers:
            assert isinstance(layer, DynamicLayer)
            assert layer.keys is not None
            assert layer.values is not None
            self._held.append((layer.keys, layer.values))

    def aim(self, slots_BT: torch.Tensor) -> None:
        """Where each row writes next."""
        self._at = slots_BT
        self._rows = torch.arange(len(slots_BT), device=slots_BT.device)[:, None]
        self.end = int(slots_BT.max()) + 1

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write (B, H, T, D); all keys and values of the layer."""
        keys, values = self._held[layer_idx]
        if keys.shape[2] < self.end:
            more = (0, 0, 0, self.end + _ROOM - keys.shape[2])
            self._held[layer_idx] = keys, values = functional.pad(keys, more), functional.pad(values, more)
        keys[self._rows, :, self._at] = key_states.transpose(1, 2)
        values[self._rows, :, self._at] = value_states.transpose(1, 2)
        return keys[:, :, : self.end], values[:, :, : self.end]

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows."""
        self._held = [(keys[indices], values[indices]) for keys, values in self._held]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Slots in use."""
        return self.end


class PlainReader:
    """Reads one token of a row at a time, in the model's own cache: for models whose layers see only so far."""

    widest: Final = 1
    selects: Final = False

    def __init__(self, say: Logits, prompts: Tensors, positions: Positions, cache: Cache) -> None:
        self.prompts = _said(prompts)
        self._model = say.model
        self._axes = positions.ids.ndim
        self._following, self._mask, self._cache = positions.following, prompts["attention_mask"], cache
        self._rows = list(range(len(self._mask)))  # those that go on: such a cache need not be able to give rows up

    def read(self, words: Sequence[Sequence[int]], among: Sequence[int] = ()) -> torch.Tensor:
        """Read on, in each row its word or none; the logits after it, (N, V)."""
        del among  # all are asked about
        device = self._mask.device
        waiting = dict(zip(self._rows, words, strict=True))
        row_words = [waiting.get(row, ()) for row in range(len(self._mask))]
        new_B1 = torch.tensor([[len(row)] for row in row_words], device=device)
        at_B1 = self._following[:, None]
        self._mask = torch.cat([self._mask, new_B1], dim=1)
        out: Any = self._model(
            input_ids=torch.tensor([[*row, 0][:1] for row in row_words], device=device),
            attention_mask=self._mask,
            position_ids=at_B1 if self._axes == 2 else at_B1.expand(3, -1, -1),
            past_key_values=self._cache,
            use_cache=True,
        )
        self._following = self._following + new_B1[:, 0]
        return cast("torch.Tensor", out.logits[new_B1.bool()].float())

    def forget(self, counts: Sequence[int]) -> None:
        """Nothing is ever read in vain."""
        assert not any(counts)

    def only(self, rows: Sequence[int]) -> None:
        """Go on with these rows, which come in their old order."""
        self._rows = [self._rows[row] for row in rows]


def _said(prompts: Tensors) -> list[list[int]]:
    """The tokens of each prompt, without padding."""
    pairs = zip(prompts["input_ids"].cpu(), prompts["attention_mask"].bool().cpu(), strict=True)
    return [ids[there].tolist() for ids, there in pairs]
