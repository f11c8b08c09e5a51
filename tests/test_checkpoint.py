"""A checkpoint says what it is, and acts wherever it is put."""

import shutil
from pathlib import Path

import pytest
import torch

from instar import shipped
from instar.checkpoint import CARD, fingerprint, load_policy, read_card, write_checkpoint
from instar.embodiments.vima import VIMA
from instar.errors import DataError, MismatchError
from instar.files import read_json, write_json
from instar.policy import VlmPolicy
from instar.train import Lora, fresh_checkpoint, train
from tests.toy import toy_episode
from tests.training.lessons import lessons, run_of


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two toy episodes."""
    return lessons(tmp_path_factory.mktemp("samples"), episodes=2)


@pytest.fixture(scope="module")
def checkpoint(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained toy LLaVA with a card; copy it before changing it."""
    return fresh_checkpoint("tiny:llava,layers=1", samples, tmp_path_factory.mktemp("fresh")).checkpoint


@pytest.fixture(scope="module")
def adapters(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA adapters after two steps with a high learning rate, their base beside them."""
    out = tmp_path_factory.mktemp("adapters")
    model = "tiny:llava,layers=1"
    return train(run_of(samples, out, model=model, steps=2, lr=0.1, warmup=0.0, lora=Lora(rank=4))).checkpoint


def _act(policy: VlmPolicy) -> str:
    (chunk,) = policy.act([toy_episode().context(0, 0)])
    assert chunk.reply.startswith("Step ")  # random weights, but the recipe's grammar
    assert chunk.question.endswith(".")
    return chunk.reply


def test_an_untrained_model_with_a_card_is_a_policy(checkpoint: Path) -> None:
    policy = load_policy(checkpoint, device="cpu")
    assert policy.robots[0].name == "vima"
    assert [camera.name for camera in policy.robots[0].cameras] == ["front"]  # as the recipe has it
    assert _act(policy)


def test_the_card_says_what_the_checkpoint_is(checkpoint: Path, samples: Path) -> None:
    card = read_card(checkpoint)
    assert card.robot == VIMA
    assert card.recipe is not None
    assert card.statistics is not None
    assert card.robot.actions.high == VIMA.actions.high
    assert card.robot.cameras == VIMA.cameras
    assert card.recipe.name == "llara"
    assert card.recipe.options["past"] == 8
    assert card.statistics.count == 4
    assert card.samples == (read_json(samples / "manifest.json")["digest"],)
    assert {"instar", "torch", "transformers", "peft"} <= set(card.versions)
    assert card.steps == 0
    assert card.wording


def test_acts_the_same_under_another_name(checkpoint: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(checkpoint, tmp_path / "lora-v01-merged")
    policy = load_policy(moved, device="cpu")
    assert policy.name == checkpoint.name
    assert _act(policy) == _act(load_policy(checkpoint, device="cpu"))


def test_refuses_a_folder_without_a_card(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no card\.json: it is not an instar checkpoint"):
        load_policy(tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"format": 99}, DataError, r"format 99.*newer instar"),
        ({"recipe": {"name": "llaro", "options": {}}}, MismatchError, r"recipe llaro.*'llara'"),
        ({"wording": "other"}, MismatchError, "in other words than it has now"),
        ({"adapter": True}, DataError, "says adapter=True"),
        ({"robot": {"name": "vima"}}, DataError, r"card\.json: robot\.control"),
    ],
)
def test_refuses_a_card_it_cannot_follow(
    checkpoint: Path, tmp_path: Path, changes: dict[str, object], error: type[Exception], message: str
) -> None:
    write_json(tmp_path / CARD, {**read_json(checkpoint / CARD), **changes})
    with pytest.raises(error, match=message):
        load_policy(tmp_path, device="cpu")


def test_half_a_checkpoint_is_none(checkpoint: Path, tmp_path: Path) -> None:
    card = read_card(checkpoint)

    def fail(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise DataError("disk full")

    with pytest.raises(DataError, match="disk full"):
        write_checkpoint(tmp_path / "out", fail, card)
    with pytest.raises(DataError, match="no card"):
        read_card(tmp_path / "out")
    write_checkpoint(tmp_path / "out", lambda folder: write_json(folder / "config.json", {}), card)
    assert read_card(tmp_path / "out") == card
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [CARD, "config.json"]
    with pytest.raises(DataError, match="is a checkpoint already"):
        write_checkpoint(tmp_path / "out", fail, card)


def test_adapters_act_differently_from_their_base(adapters: Path, checkpoint: Path) -> None:
    policy, untrained = load_policy(adapters, device="cpu"), load_policy(checkpoint, device="cpu")
    assert read_card(adapters).adapter
    logits = [_logits(each) for each in (policy, untrained)]
    assert (logits[0] - logits[1]).abs().max() > 0.1
    assert _act(policy)


def test_merged_adapters_answer_like_unmerged_ones(adapters: Path, samples: Path, tmp_path: Path) -> None:
    lora = Lora(rank=4, merge=True)
    config = run_of(samples, tmp_path / "m", model="tiny:llava,layers=1", steps=2, lr=0.1, warmup=0.0, lora=lora)
    merged = train(config).checkpoint
    assert not read_card(merged).adapter
    assert not (merged / "adapter_config.json").exists()
    first, second = _logits(load_policy(adapters, device="cpu")), _logits(load_policy(merged, device="cpu"))
    assert torch.allclose(first, second, atol=1e-3 * float(first.abs().max()))


def test_adapters_find_a_base_that_moved_and_know_it_from_others(adapters: Path, samples: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(adapters, tmp_path / "anything")
    shutil.move(moved / "base", tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"adapters for tiny:llava,layers=1.*is not there; name the folder"):
        load_policy(moved, device="cpu")
    found = load_policy(moved, device="cpu", base=tmp_path / "elsewhere")
    assert torch.equal(_logits(found), _logits(load_policy(adapters, device="cpu")))
    other = fresh_checkpoint("tiny:llava,layers=2", samples, tmp_path / "other").checkpoint
    with pytest.raises(MismatchError, match="is not the model that the adapters"):
        load_policy(moved, device="cpu", base=other)


def test_adapters_find_a_model_that_comes_with_instar_wherever_the_package_is(
    checkpoint: Path, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "MODELS", tmp_path / "old")
    shutil.copytree(checkpoint, tmp_path / "old" / "larva")
    out = train(run_of(samples, tmp_path / "out", model="larva", steps=1, lora=Lora(rank=4))).checkpoint
    assert read_card(out).base.model == "larva"
    (tmp_path / "old").rename(tmp_path / "new")
    with pytest.raises(DataError, match=r"adapters for larva.*is not there"):
        load_policy(out, device="cpu")
    monkeypatch.setattr(shipped, "MODELS", tmp_path / "new")
    assert _act(load_policy(out, device="cpu"))
    write_json(tmp_path / "new" / "larva" / "config.json", {})  # another model by the same name
    with pytest.raises(MismatchError, match="is not the model that the adapters"):
        load_policy(out, device="cpu")


def test_a_fingerprint_notices_one_weight_and_no_date(checkpoint: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(checkpoint, tmp_path / "copy")
    assert fingerprint(copy) == fingerprint(checkpoint)
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert fingerprint(copy) != fingerprint(checkpoint)
    with pytest.raises(DataError, match="holds no model"):
        fingerprint(tmp_path / "nothing")


def _logits(policy: VlmPolicy) -> torch.Tensor:
    from instar.backbones.hf import HfBackbone

    backbone = policy.speaker
    assert isinstance(backbone, HfBackbone)
    episode = toy_episode()
    talk = policy.recipe.ask(episode.context(0, 0)).answered(policy.recipe.answer(episode, 0))
    with torch.no_grad():
        logits: torch.Tensor = backbone.model(**backbone.collate([backbone.encode(talk)])).logits
    return logits
