"""Names made of a texture and a shape: a class for every pair, whose weights are those of its two parts added up.

So a detector learns what red looks like from everything red, and can name a red star though it only saw red hearts and
blue stars. What is written are the sums, so the folder is an ordinary checkpoint. LLaRA's detector has one classifier
for textures and one for shapes, for the same reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn
from torch.nn.utils import parametrize


@dataclass(frozen=True)
class Names:
    """What a detector can say, as texture and shape."""

    pairs: tuple[tuple[str, str], ...]

    @cached_property
    def every(self) -> tuple[str, ...]:
        """The names as people say them."""
        return tuple(f"{texture} {shape}" if texture else shape for texture, shape in self.pairs)

    @cached_property
    def parts(self) -> torch.Tensor:
        """Which parts each name has, (names, textures + shapes) of 0 and 1."""
        textures = sorted({texture for texture, _ in self.pairs})
        shapes = sorted({shape for _, shape in self.pairs})
        parts = torch.zeros(len(self.pairs), len(textures) + len(shapes))
        for k, (texture, shape) in enumerate(self.pairs):
            parts[k, textures.index(texture)] = 1
            parts[k, len(textures) + shapes.index(shape)] = 1
        return parts


def composed(seen: Sequence[tuple[str, str]]) -> Names:
    """Every texture seen with every shape seen; a shape that was seen without a texture also stands alone."""
    textures = sorted({texture for texture, _ in seen if texture})
    shapes = sorted({shape for texture, shape in seen if texture})
    bare = [(texture, shape) for texture, shape in seen if not texture]
    return Names((*((texture, shape) for texture in textures for shape in shapes), *bare))


def compose(model: nn.Module, names: Names) -> list[nn.Linear]:
    """Let the last layers of `model` that tell classes apart learn parts in place of names; those layers."""
    count = len(names.pairs)
    found = [
        module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and ("class" in name or "score" in name)
        and module.out_features in (count, count + 1)
        and module.in_features != module.out_features
    ]
    for layer in found:
        nothing = layer.out_features - count  # families that say "no object" have a class for it
        parts = torch.zeros(layer.out_features, names.parts.shape[1] + nothing)
        parts[:count, : names.parts.shape[1]] = names.parts
        parts[count:, names.parts.shape[1] :] = torch.eye(nothing)
        parametrize.register_parametrization(layer, "weight", Sum(parts))
        parametrize.register_parametrization(layer, "bias", Sum(parts))
        # The layer is fresh, and its average over all names of a part next to nothing: so small a weight would teach
        # what is below it nothing either.
        nn.init.normal_(_learned(layer), std=layer.in_features**-0.5)
    return found


def _learned(layer: nn.Linear) -> torch.Tensor:
    """What the weights of a composed layer are made from, (parts, ...)."""
    learned = layer.get_parameter("parametrizations.weight.original")
    assert isinstance(learned, torch.Tensor)
    return learned


def settle(layers: Sequence[nn.Linear]) -> None:
    """Make what the layers say their own weights again."""
    for layer in layers:
        parametrize.remove_parametrizations(layer, "weight")
        parametrize.remove_parametrizations(layer, "bias")


class Sum(nn.Module):
    """The weights of names (names, ...) from those of their parts (parts, ...)."""

    parts: torch.Tensor

    def __init__(self, parts: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("parts", parts, persistent=False)

    def forward(self, learned: torch.Tensor) -> torch.Tensor:
        """Add up."""
        return self.parts @ learned

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        """The parts whose sums come nearest to the weights of names that there are."""
        parts: torch.Tensor = torch.linalg.pinv(self.parts)
        return parts @ weight
