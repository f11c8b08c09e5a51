"""Steps along singular vectors for matrices, AdamW's for the rest."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from instar.backbones.hf import load
from instar.backbones.tiny import Size, make_tiny
from instar.training.muon import LENGTH, Muon, kind_on, orthogonal, parted


@pytest.mark.parametrize(("kind", "off"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 6, 20)])
def test_singular_values_become_about_one_and_singular_vectors_stay(
    shape: tuple[int, int, int], kind: torch.dtype, off: float
) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    inside = left.mT @ orthogonal(matrices, kind) @ right.mT
    values = torch.diagonal(inside, dim1=1, dim2=2)
    assert ((values > 0.6) & (values < 1.3)).all()
    torch.testing.assert_close(inside, torch.diag_embed(values), atol=off, rtol=0)


@pytest.mark.parametrize(
    ("device", "processor", "kind"),
    [
        ("cuda", {}, torch.bfloat16),
        ("mps", {"amx_bf16": True}, torch.float32),
        ("cpu", {"amx_bf16": True}, torch.bfloat16),
        ("cpu", {"amx_bf16": False}, torch.float32),
    ],
)
def test_products_are_of_bfloat16_where_that_is_quicker(
    monkeypatch: pytest.MonkeyPatch, device: str, processor: dict[str, bool], kind: torch.dtype
) -> None:
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: processor, raising=False)
    kind_on.cache_clear()
    try:
        assert kind_on(device) is kind
    finally:
        kind_on.cache_clear()


def test_what_is_no_matrix_learns_as_by_adamw() -> None:
    torch.manual_seed(0)
    mine = [nn.Parameter(torch.randn(5)), nn.Parameter(torch.randn(3, 4))]
    theirs = copy.deepcopy(mine)
    one = Muon([], mine, 0.01, betas=(0.9, 0.98), weight_decay=0.1)
    other = torch.optim.AdamW(theirs, 0.01, betas=(0.9, 0.98), weight_decay=0.1)
    for _ in range(5):
        for weight, twin in zip(mine, theirs, strict=True):
            weight.grad = torch.randn_like(weight)
            twin.grad = weight.grad.clone()
        one.step()
        other.step()
    for weight, twin in zip(mine, theirs, strict=True):
        torch.testing.assert_close(weight, twin)


@pytest.mark.parametrize("shape", [(32, 8), (8, 32), (16, 16)])
def test_a_step_is_as_long_as_one_of_adamw_whatever_the_gradient(shape: tuple[int, int]) -> None:
    weight = nn.Parameter(torch.zeros(shape))
    weight.grad = 1e-3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    Muon([weight], [], 0.01).step()
    assert weight.square().mean().sqrt().item() == pytest.approx(0.01 * LENGTH, rel=0.25)
    assert ((weight * weight.grad).sum() < 0).item(), "downhill"


def test_tables_of_tokens_are_no_matrices(tmp_path: Path) -> None:
    model: Any = load(make_tiny("llava", tmp_path / "base", size=Size(layers=1)), "cpu", "float32").model
    matrices, others = parted(model)
    tables = (model.get_input_embeddings().weight, model.get_output_embeddings().weight)
    assert matrices
    assert not any(weight is table for weight in matrices for table in tables)
    assert sum(1 for _ in model.parameters()) == len(matrices) + len(others)
