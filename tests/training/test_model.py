"""What learns and what rests, and what is said when memory runs out."""

from pathlib import Path

import pytest
import torch
from torch import nn

from instar.backbones.hf import HfBackbone, load
from instar.backbones.tiny import Size, make_tiny
from instar.errors import ConfigError, DataError, InstarError
from instar.training.config import Lora
from instar.training.model import adapt, freeze, keep_statistics, memory_advice, part_of, rest_in_bfloat16


@pytest.fixture
def backbone(tmp_path: Path) -> HfBackbone:
    """A toy LLaVA."""
    return load(make_tiny("llava", tmp_path / "base", size=Size(layers=1)), "cpu", "float32")


def _learning(backbone: HfBackbone) -> set[str]:
    parts = backbone.parts()
    return {part_of(name, parts) for name, weight in backbone.model.named_parameters() if weight.requires_grad}


def test_frozen_parts_rest_and_the_others_learn(backbone: HfBackbone) -> None:
    freeze(backbone, ("vision",))
    assert _learning(backbone) == {"projector", "language"}
    freeze(backbone, ())
    assert _learning(backbone) == {"vision", "projector", "language"}


def test_refuses_to_freeze_what_is_not_there_or_everything(backbone: HfBackbone) -> None:
    with pytest.raises(ConfigError, match="no part ears to freeze; it has: language, projector, vision"):
        freeze(backbone, ("ears",))
    with pytest.raises(ConfigError, match="leaves nothing to train"):
        freeze(backbone, ("vision", "projector", "language"))


def test_batch_statistics_of_frozen_parts_stay_as_they_are_in_training() -> None:
    frozen, learning = nn.Sequential(nn.BatchNorm1d(3)), nn.Sequential(nn.BatchNorm1d(3))
    frozen.requires_grad_(requires_grad=False)
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    keep_statistics(nn.ModuleList([frozen, learning]))
    batch = torch.randn(8, 3) * 5 + 2
    for module in (frozen, learning):
        module.train()  # as a Trainer does before every step
        module(batch)
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())
    torch.testing.assert_close(frozen(batch), batch / (1 + 1e-5) ** 0.5)
    assert not torch.equal(learning.state_dict()["0.running_mean"], before["0.running_mean"])


def test_batch_normalisation_at_rest_stays_as_precise_as_its_statistics() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).requires_grad_(requires_grad=False)
    rest_in_bfloat16(model)
    keep_statistics(model)
    assert {parameter.dtype for parameter in model[0].parameters()} == {torch.bfloat16}
    assert {parameter.dtype for parameter in model[1].parameters()} == {torch.float32}
    with torch.autocast("cpu", torch.bfloat16):
        assert model.train()(torch.randn(2, 3, 5, 5)).isfinite().all()


def test_the_longest_prefix_says_which_part_a_parameter_is_in() -> None:
    parts = {"language": ("model",), "vision": ("model.vision_tower",)}
    assert part_of("model.vision_tower.weight", parts) == "vision"
    assert part_of("model.vision_tower_norm.weight", parts) == "language"
    assert part_of("lm_head.weight", parts) == ""


def test_adapters_go_on_every_linear_layer_of_the_language_part(backbone: HfBackbone) -> None:
    named = backbone.model.named_modules()
    wanted = {name for name, module in named if isinstance(module, nn.Linear) and "language_model" in name}
    adapted = adapt(backbone, Lora(rank=4), ())
    found = {
        name.removeprefix("base_model.model.").removesuffix(".lora_A.default")
        for name, _ in adapted.named_modules()
        if name.endswith(".lora_A.default")
    }
    assert found == wanted
    assert len(found) == 7  # of one layer: four of attention, three of its network


def test_the_projector_learns_beside_the_adapters(backbone: HfBackbone) -> None:
    assert _whole_parts(adapt(backbone, Lora(rank=4), ())) == {"projector"}


def test_a_frozen_projector_rests_beside_the_adapters(backbone: HfBackbone) -> None:
    assert _whole_parts(adapt(backbone, Lora(rank=4), ("projector",))) == set()


def _whole_parts(adapted: nn.Module) -> set[str]:
    """Parts that learn with their own weights, not by adapters."""
    names = [name for name, weight in adapted.named_parameters() if weight.requires_grad and "lora_" not in name]
    return {"projector" if "projector" in name else name for name in names}


def test_only_what_rests_is_kept_in_bfloat16(backbone: HfBackbone) -> None:
    freeze(backbone, ("vision",))
    rest_in_bfloat16(backbone.model)
    for weight in backbone.model.parameters():
        assert weight.dtype == (torch.float32 if weight.requires_grad else torch.bfloat16)


def test_running_out_of_memory_ends_with_advice() -> None:
    with pytest.raises(InstarError, match="halve batch and double accumulate"), memory_advice():
        torch.empty(1 << 60, dtype=torch.uint8)


def test_other_failures_keep_their_traceback() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_advice():
        torch.ones(2).reshape(3)


def test_a_full_disk_while_saving_a_state_is_said_in_one_line(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "optimizer.pt").symlink_to(full)
    with pytest.raises(DataError, match="disk is full; make room"), memory_advice():
        torch.save({"weights": torch.ones(1 << 16)}, tmp_path / "optimizer.pt")
