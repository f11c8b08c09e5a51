"""Muon (Jordan et al., 2024): matrices are turned along their singular vectors, everything else learns by AdamW.

Small models that are taught for minutes get further in as many steps. The step of an (m, n) matrix is the nearest
matrix with orthonormal rows, times 0.2 sqrt(max(m, n)), as long as a step of AdamW on average (Liu et al., 2025): so
one learning rate suits both.
"""

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import torch
from torch import nn

COEFFICIENTS: Final = (3.4445, -4.7750, 2.0315)  # of the quintic that moves singular values near 1 in a few steps
STEPS: Final = 5  # of that
MOMENTUM: Final = 0.95
LENGTH: Final = 0.2  # root of the mean square of a step of AdamW
TINY: Final = 1e-8


class Muon(torch.optim.Optimizer):
    """Matrices by Muon and `others` by AdamW, with one learning rate and weight decay.

    Matrices must be whole: a shard has other singular vectors. The first group are the matrices.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        weight_decay: float = 0.0,
    ) -> None:
        groups = [{"params": list(matrices), "turned": True}, {"params": list(others), "turned": False}]
        super().__init__(
            [group for group in groups if group["params"]], {"lr": lr, "betas": betas, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One step of everything that has a gradient; what `closure` gives, where there is one."""
        with torch.enable_grad():
            loss = closure() if closure is not None else None
        for group in self.param_groups:
            learning = [weight for weight in group["params"] if weight.grad is not None]
            for weight in learning:
                weight.mul_(1 - group["lr"] * group["weight_decay"])
            if group["turned"]:
                self._turn(learning, group["lr"])
            else:
                self._adapt(learning, group["lr"], group["betas"])
        return loss

    def _turn(self, weights: Sequence[nn.Parameter], lr: float) -> None:
        """Matrices of the same shape together: that many small products are one large one."""
        alike: dict[tuple[int, int], list[nn.Parameter]] = {}
        for weight in weights:
            alike.setdefault((min(weight.shape), max(weight.shape)), []).append(weight)
        for (_, longest), some in alike.items():
            ahead_KMN = torch.stack([_flat(self._momentum(weight), weight) for weight in some])
            for weight, turned in zip(some, orthogonal(ahead_KMN, kind_on(ahead_KMN.device.type)), strict=True):
                weight.add_(_flat(turned, weight), alpha=-lr * LENGTH * math.sqrt(longest))

    def _momentum(self, weight: nn.Parameter) -> torch.Tensor:
        """The mean gradient, and a step further along it (Nesterov)."""
        state, gradient = self.state[weight], weight.grad
        assert gradient is not None
        if not state:
            state["mean"] = torch.zeros_like(weight)
        state["mean"].lerp_(gradient, 1 - MOMENTUM)
        return gradient.lerp(state["mean"], MOMENTUM)

    def _adapt(self, weights: Sequence[nn.Parameter], lr: float, betas: tuple[float, float]) -> None:
        """AdamW (Loshchilov and Hutter, 2019)."""
        for weight in weights:
            state, gradient = self.state[weight], weight.grad
            assert gradient is not None
            if not state:
                state.update(steps=0, mean=torch.zeros_like(weight), square=torch.zeros_like(weight))
            state["steps"] += 1
            state["mean"].lerp_(gradient, 1 - betas[0])
            state["square"].mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
            spread = (state["square"] / (1 - betas[1] ** state["steps"])).sqrt_().add_(TINY)
            weight.addcdiv_(state["mean"], spread, value=-lr / (1 - betas[0] ** state["steps"]))


def orthogonal(matrices_KMN: torch.Tensor, kind: torch.dtype = torch.float32) -> torch.Tensor:
    """Near the matrices (K, M, N), M <= N, with the same singular vectors and all singular values about 1.

    Newton and Schulz's way: products alone, of numbers of this `kind`; bfloat16 is enough.
    """
    first, second, third = COEFFICIENTS
    x_KMN = matrices_KMN.to(kind)
    x_KMN = x_KMN / (x_KMN.flatten(1).norm(dim=1)[:, None, None] + TINY)
    for _ in range(STEPS):
        square_KMM = x_KMN @ x_KMN.mT
        square_KMM = torch.baddbmm(square_KMM, square_KMM, square_KMM, beta=second, alpha=third)
        x_KMN = torch.baddbmm(x_KMN, square_KMM, x_KMN, beta=first)
    return x_KMN.to(matrices_KMN.dtype)


@functools.cache
def kind_on(device: str) -> torch.dtype:
    """bfloat16 on devices with units for it: GPUs, and CPUs with AMX, where products take a fifth of the time."""
    capabilities: Callable[[], dict[str, Any]] = getattr(torch.cpu, "get_capabilities", dict)
    quick = device == "cuda" or (device == "cpu" and capabilities().get("amx_bf16", False))
    return torch.bfloat16 if quick else torch.float32


def parted(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """What learns in a model: the weights of its linear layers, and all else; the output layer is of the others.

    It is a table of tokens, as the input's.
    """
    head = getattr(model, "get_output_embeddings", lambda: None)()
    linear = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear) and module is not head}
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    return [w for w in learning if id(w) in linear], [w for w in learning if id(w) not in linear]


def _flat(matrix: torch.Tensor, like: nn.Parameter) -> torch.Tensor:
    """Lying on its longer side, or back to how `like` stands."""
    return matrix if like.shape[0] <= like.shape[1] else matrix.mT
