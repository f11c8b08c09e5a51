"""An estimate counts what is there, and leaves the model as it found it."""

from pathlib import Path

import pytest
import torch
from torch import nn

from instar.backbones.hf import HfBackbone, load
from instar.backbones.tiny import Size, make_tiny
from instar.demo import Image
from instar.recipes.llara import Llara
from instar.training.estimate import Estimate, at_rest, estimate, with_muon
from instar.training.model import checkpoint_activations, freeze
from tests.toy import toy_episode


@pytest.fixture
def backbone(tmp_path: Path) -> HfBackbone:
    """A toy LLaVA of which the vision tower rests."""
    made = load(make_tiny("llava", tmp_path / "base", size=Size(layers=3)), "cpu", "float32")
    freeze(made, ("vision",))
    return made


def _batch(backbone: HfBackbone, count: int) -> dict[str, torch.Tensor]:
    episode, recipe = toy_episode(), Llara()
    assert isinstance(episode.steps[0].observation.images["front"], Image)
    talk = recipe.ask(episode.context(0, 0)).answered(recipe.answer(episode, 0))
    return backbone.collate([backbone.encode(talk)] * count)


def _measured(backbone: HfBackbone, count: int = 1) -> Estimate:
    batch = _batch(backbone, count)
    return estimate(backbone.model, batch, batch, steps=100, accumulate=2, bfloat16=False)


def test_counts_parameters_and_what_belongs_to_each(backbone: HfBackbone) -> None:
    weights = list(backbone.model.parameters())
    learning = sum(weight.numel() for weight in weights if weight.requires_grad)
    found = at_rest(backbone.model, 10)
    assert (found.parameters, found.trainable) == (sum(weight.numel() for weight in weights), learning)
    assert found.trainable < found.parameters
    # float32: four bytes each, and AdamW keeps two more numbers per parameter that learns
    assert (found.weights, found.gradients, found.optimizer) == (4 * found.parameters, 4 * learning, 8 * learning)
    assert at_rest(backbone.model, 10, shards=2).memory == pytest.approx(found.memory / 2, abs=4)


def test_muon_keeps_one_moment_of_a_matrix() -> None:
    model = nn.Sequential(nn.Linear(10, 20, bias=False), nn.LayerNorm(20))
    adamw = at_rest(model, 10)
    assert adamw.optimizer - with_muon(adamw, model).optimizer == 4 * 10 * 20


def test_a_measured_step_changes_nothing(backbone: HfBackbone) -> None:
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    random = torch.random.get_rng_state()
    found = _measured(backbone)
    assert found.seconds > 0
    assert all(weight.grad is None for weight in backbone.model.parameters())
    assert torch.equal(random, torch.random.get_rng_state())
    assert all(torch.equal(before[name], tensor) for name, tensor in backbone.model.state_dict().items())


def test_activations_grow_with_the_batch_and_shrink_when_recomputed(backbone: HfBackbone) -> None:
    one, four = _measured(backbone), _measured(backbone, 4)
    assert 2.5 * one.activations < four.activations < 4.5 * one.activations
    checkpoint_activations(backbone.model)
    assert _measured(backbone, 4).activations < 0.6 * four.activations


def test_reads_on_one_line() -> None:
    found = Estimate(7_060_000_000, 6_760_000_000, 28 * 10**9, 27 * 10**9, 54 * 10**9, 10**10, seconds=2.5, steps=8724)
    text = str(found)
    assert "6.76 G of 7.06 G parameters learn" in text
    assert "memory per device 119 GB" in text
    assert "2.5 s a step, 6.1 h for 8724 steps" in text
    assert "\n" not in text
    assert "to do: 5 steps" in str(at_rest(nn.Linear(2, 2), 5))
