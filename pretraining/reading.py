"""The language model read in one pass over pictures and all that is asked about them, as few kernels as can be.

The same sums as the model's own forward (a test compares them). Pictures and questions lie in one long line of tokens,
for which every product is made once; only attention is by rows, where a question's row goes on behind its picture's,
which is read once however many ask about it. Compiled, a step of the course takes two thirds of the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch.nn import functional

# Legend: S tokens of the line, B pictures, P tokens of one, R rows of a group of questions, T tokens of each,
# H heads, D dimensions of a head.


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


@dataclass(frozen=True, eq=False)
class Line:
    """Where in one line of tokens pictures and questions lie: pictures first, then one group after the other."""

    rows: tuple[tuple[int, int], ...]  # (B, P), and (R, T) of every group
    owners: tuple[torch.Tensor, ...]  # (R, B) of every group, 1 where the row is about the picture, else 0
    turns: tuple[torch.Tensor, torch.Tensor]  # cosines and sines of each token's place, (S, 1, D)

    def parts(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Of a line (S, ...) that of the pictures (B, P, ...), and of every group (R, T, ...)."""
        cut = torch.split(x, [rows * length for rows, length in self.rows])
        return [part.view(*rows, *x.shape[1:]) for part, rows in zip(cut, self.rows, strict=True)]


def line(pictures: tuple[int, int], owners: Sequence[torch.Tensor], lengths: Sequence[int], config: Any) -> Line:
    """That of `pictures` (B, P), and of groups with rows of `lengths` about the pictures `owners` (R,)."""
    rows = (pictures, *((len(owner), length) for owner, length in zip(owners, lengths, strict=True)))
    places = [torch.arange(pictures[1]).repeat(pictures[0])]
    places += [torch.arange(pictures[1], pictures[1] + length).repeat(count) for count, length in rows[1:]]
    size = config.hidden_size // config.num_attention_heads
    speeds = config.rope_parameters["rope_theta"] ** -(torch.arange(0, size, 2) / size)
    angles = (torch.cat(places)[:, None] * speeds).repeat(1, 2)[:, None]
    hot = tuple(functional.one_hot(owner, pictures[0]) for owner in owners)
    return Line(rows, hot, (angles.cos(), angles.sin()))


class Step(Protocol):
    """One layer, compiled or not."""

    def __call__(
        self, x: torch.Tensor, line: Line, w: Weights, heads: int, *, looking: bool
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """See `step`."""


def step(
    x: torch.Tensor, line: Line, w: Weights, heads: int, *, looking: bool
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """One layer for the line `x` (S, width): what it makes of it, and how each group looks, (R, H, T, P + T), if asked.

    Padding at the end of a row is read like anything else; nothing before it sees it.
    """
    mixed = functional.linear(_norm(x, w.norm), w.qkv).view(len(x), 3, heads, -1)
    q, k, v = (line.parts(part) for part in (*(_turned(mixed[:, j], line.turns) for j in (0, 1)), mixed[:, 2]))
    read = [_read(*(part[0].transpose(1, 2) for part in (q, k, v)))]
    looks = []
    for j, owner in enumerate(line.owners, 1):
        mine = q[j].transpose(1, 2)
        keys, values = (torch.cat([_of(owner, part[0]), part[j]], 1).transpose(1, 2) for part in (k, v))
        if looking:
            looks.append(_looks(mine, keys))
        read.append(looks[-1].to(values.dtype) @ values if looking else _read(mine, keys, values))
    x = x + functional.linear(torch.cat([part.transpose(1, 2).flatten(0, 1).flatten(1) for part in read]), w.out)
    gate, up = functional.linear(_norm(x, w.norm_2), w.gate_up).chunk(2, -1)
    return x + functional.linear(functional.silu(gate) * up, w.down), looks


def _of(owner: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """The picture's (R, P, H, D) for each row; a product is quicker than picking, on the way back too."""
    return (owner.to(pictures.dtype) @ pictures.flatten(1)).view(len(owner), *pictures.shape[1:])


def _looks(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Where rows (R, H, T, D) look, that end where keys (R, H, P + T, D) do."""
    scores = (q @ k.transpose(2, 3)).float() * q.shape[-1] ** -0.5
    return torch.softmax(scores.masked_fill(~_seen(q, k), -torch.inf), -1)


def _seen(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """What is not later, (T, P + T)."""
    return torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2])


class _Reading(torch.autograd.Function):
    """Attention by PyTorch's kernel, but on the way back written out: there the kernel takes twice the time on CPUs."""

    @staticmethod
    def forward(ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        read = functional.scaled_dot_product_attention(q, k, v, _seen(q, k))
        ctx.save_for_backward(q, k, v, read)
        return read

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[torch.Tensor, ...]:
        q, k, v, read = ctx.saved_tensors
        looks = _looks(q, k)
        change = (slope @ v.transpose(2, 3)).float() - (slope * read).float().sum(-1, keepdim=True)
        scores = (looks * change * q.shape[-1] ** -0.5).to(q.dtype)
        return scores @ k, scores.transpose(2, 3) @ q, looks.to(v.dtype).transpose(2, 3) @ slope


_read: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor] = cast("Any", _Reading).apply


def _norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


def _turned(x: torch.Tensor, turns: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Rotary positions of (S, H, D)."""
    one, other = x.chunk(2, -1)
    return (x * turns[0] + torch.cat([-other, one], -1) * turns[1]).to(x.dtype)
