"""The language model read in one pass over pictures and one over what is asked about them, as few kernels as can be.

The same sums as the model's own forward (a test compares them): rows begin behind the keys and values of their picture,
and where one layer looks is given back. Compiled, where a compiler is at hand, it is twice as fast.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from torch.nn import functional

# Legend: R rows, T tokens of a row, P places before them, H heads, D dimensions of a head.

_FAR: Final = -1e9


class Past(NamedTuple):
    """Keys and values of a layer, (B, H, P, D)."""

    keys: torch.Tensor
    values: torch.Tensor


class Weights(NamedTuple):
    """Of one layer."""

    norm: torch.Tensor
    qkv: torch.Tensor
    out: torch.Tensor
    norm_2: torch.Tensor
    gate_up: torch.Tensor
    down: torch.Tensor


def weights_of(layer: Any) -> Weights:
    """What one pass needs of a Llama layer."""
    attention, mlp = layer.self_attn, layer.mlp
    qkv = torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight])
    gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])
    norms = layer.input_layernorm.weight, layer.post_attention_layernorm.weight
    return Weights(norms[0], qkv, attention.o_proj.weight, norms[1], gate_up, mlp.down_proj.weight)


def step(
    x: torch.Tensor, before: Past | None, turns: tuple[torch.Tensor, torch.Tensor], w: Weights, heads: int
) -> tuple[torch.Tensor, Past, torch.Tensor]:
    """One layer for rows `x` (R, T, width): what it makes of them, their keys and values, and where it looks."""
    rows, length, width = x.shape
    q, k, v = (
        functional.linear(_norm(x, w.norm), w.qkv).view(rows, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    )
    q, k = _turned(q, turns), _turned(k, turns)
    own = Past(k, v)
    if before is not None:
        k, v = torch.cat([before.keys, k], 2), torch.cat([before.values, v], 2)
    past = k.shape[2] - length
    later = torch.ones(length, k.shape[2], dtype=torch.bool).triu(past + 1)
    scores = (q @ k.transpose(2, 3)).float() * q.shape[-1] ** -0.5
    looks = torch.softmax(scores.masked_fill(later, _FAR), -1)
    read = (looks.to(v.dtype) @ v).transpose(1, 2).reshape(rows, length, width)
    x = x + functional.linear(read, w.out)
    gate, up = functional.linear(_norm(x, w.norm_2), w.gate_up).chunk(2, -1)
    return x + functional.linear(functional.silu(gate) * up, w.down), own, looks


def _norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


def _turned(x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotary positions; `turns` are cosines and sines (T, D)."""
    one, other = x.chunk(2, -1)
    return (x * turns[0] + torch.cat([-other, one], -1) * turns[1]).to(x.dtype)


def turns(dimensions: int, start: int, length: int, theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of the places from `start` on, (length, dimensions)."""
    speeds = theta ** -(torch.arange(0, dimensions, 2) / dimensions)
    angles = torch.arange(start, start + length)[:, None] * speeds
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


Step = Callable[..., tuple[torch.Tensor, Past, torch.Tensor]]
