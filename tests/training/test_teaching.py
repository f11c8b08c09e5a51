"""Packed or padded, grouped or shuffled: how a step is computed changes nothing that it teaches."""

from pathlib import Path
from typing import Any

import pytest

from instar.backbone import Packing
from instar.backbones import hf
from instar.backbones.tiny import make_tiny
from instar.errors import ConfigError
from instar.files import read_jsonl
from instar.progress import silent
from instar.train import Lora, TrainConfig, train
from instar.training.teaching import Teaching
from tests.training.lessons import lessons, run_of


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four toy episodes."""
    return lessons(tmp_path_factory.mktemp("samples"))


def losses(config: TrainConfig) -> list[float]:
    return [row["value"] for row in read_jsonl(train(config).checkpoint / "metrics.jsonl") if row["name"] == "loss"]


@pytest.mark.parametrize(
    "options",
    [
        {"model": "tiny:llava"},
        {"model": "tiny:qwen2_5_vl"},
        {"model": "tiny:llava", "gradient_checkpointing": True},
        {"model": "tiny:llava", "lora": Lora(rank=4, dropout=0.0), "freeze": ("vision",)},
    ],
)
def test_packed_steps_teach_what_padded_ones_do(samples: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    usual = {"steps": 2, "batch": 2, "accumulate": 2, **options}
    packed, padded = (losses(run_of(samples, tmp_path / str(on), packing=on, **usual)) for on in (True, False))
    assert len(packed) == 2
    assert packed == pytest.approx(padded, rel=1e-4)


def test_a_step_can_be_divided_in_any_way(samples: Path, tmp_path: Path) -> None:
    whole, divided = (
        losses(run_of(samples, tmp_path / str(batch), batch=batch, accumulate=4 // batch, steps=2)) for batch in (4, 1)
    )
    assert divided == pytest.approx(whole, rel=1e-4)


@pytest.mark.parametrize("group", ["lengths", "none"])
def test_samples_can_be_grouped_in_another_way(samples: Path, tmp_path: Path, group: str) -> None:
    found, usual = (losses(run_of(samples, tmp_path / kind, group=kind, steps=2)) for kind in (group, "views"))
    assert len(found) == 2
    assert found != usual


def test_pictures_in_another_light_teach_otherwise_packed_or_padded(samples: Path, tmp_path: Path) -> None:
    lit, padded, usual = (
        losses(run_of(samples, tmp_path / f"{jitter}-{on}", jitter=jitter, packing=on, steps=2, batch=4))
        for jitter, on in ((0.2, True), (0.2, False), (0.0, True))
    )
    assert lit == pytest.approx(padded, rel=1e-4)
    assert lit != usual
    assert "jitter" not in run_of(samples, tmp_path).meaning()
    with pytest.raises(ConfigError, match=r"jitter is 1\.5; it is a share"):
        run_of(samples, tmp_path, jitter=1.5)


def test_grouping_by_length_needs_to_know_the_lengths(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="group lengths needs check"):
        run_of(samples, tmp_path, group="lengths", check=False)


def test_a_run_may_go_on_packed_or_padded_but_in_its_own_order(samples: Path, tmp_path: Path) -> None:
    train(run_of(samples, tmp_path / "out", steps=0, packing=True))
    assert train(run_of(samples, tmp_path / "out", steps=0, packing=False)).finished_before
    with pytest.raises(ConfigError, match=r"config\.group: was views, is None"):
        train(run_of(samples, tmp_path / "out", steps=0, group="none"))


def test_runs_as_shuffled_are_what_they_were(samples: Path, tmp_path: Path) -> None:
    assert not {"group", "packing"} & set(run_of(samples, tmp_path, group="none").meaning())


def test_a_family_that_cannot_be_packed_is_padded(
    samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = hf.load(make_tiny("llava", tmp_path / "base"), "cpu", "float32")
    teaching = Teaching(run_of(samples, tmp_path / "out"), {}, silent)
    assert isinstance(backbone, Packing)
    assert teaching.batch_of(backbone) == backbone.pack
    monkeypatch.setitem(vars(backbone), "packs", value=False)
    assert teaching.batch_of(backbone) == backbone.collate
