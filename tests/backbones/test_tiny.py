"""Small models made on the spot."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from instar.backbones import hf
from instar.backbones.tiny import Size, demo_model, make_tiny, waves
from instar.errors import ConfigError
from tests.backbones.conftest import FAMILIES, asked, picture


@pytest.mark.parametrize("family", FAMILIES)
def test_stays_below_two_megabytes(family: str, tmp_path: Path) -> None:
    folder = make_tiny(family, tmp_path)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2e6


def test_a_family_that_nobody_makes(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no small model of family 'gpt'; there are: llava, paligemma"):
        make_tiny("gpt", tmp_path)


def test_sizes_can_be_chosen(tmp_path: Path) -> None:
    model: PreTrainedModel = hf.load(make_tiny("llava", tmp_path, size=Size(hidden=96, layers=3)), "cpu").model
    assert model.config.get_text_config().num_hidden_layers == 3


def test_making_one_leaves_the_random_numbers_alone(tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    make_tiny("llava", tmp_path)
    assert torch.equal(torch.rand(1), expected)


def test_the_demo_model_is_a_llava_of_less_than_a_million_weights(tmp_path: Path) -> None:
    model = hf.load(demo_model(tmp_path), "cpu")
    assert type(model.model).__name__ == "LlavaForConditionalGeneration"
    assert 5e5 < sum(weight.numel() for weight in model.model.parameters()) < 1e6
    example = model.encode(asked("?", picture(0)).answered("!"))
    count = example.input_ids.tolist().count(model.tokenizer.get_vocab()["<image>"])
    assert 32 <= count <= 128


def test_every_weight_of_the_demo_model_learns(tmp_path: Path) -> None:
    backbone = hf.load(demo_model(tmp_path), "cpu")
    model: PreTrainedModel = backbone.model
    model(**backbone.collate([backbone.encode(asked("?", picture(0)).answered("!"))])).loss.backward()
    idle = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    # LLaVA takes the last layer of the tower, before its norm.
    assert idle == [f"model.vision_tower.post_layernorm.{kind}" for kind in ("weight", "bias")]


def test_positions_of_near_cells_are_alike_and_of_far_cells_are_not() -> None:
    table = waves(11, 128)
    alike = torch.nn.functional.cosine_similarity(table[60:61], table)
    assert alike[60] == pytest.approx(1)
    assert alike[61] > alike[63] > alike[65]
    assert alike[60 - 11] == pytest.approx(float(alike[60 + 11]), abs=1e-5)
