"""Packed batches of real families: the loss and the gradients of the samples one by one, for less work."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from instar.backbone import Example, Packing
from instar.backbones import hf_packing
from instar.backbones.hf import HfBackbone
from instar.backbones.hf_loading import load_model
from instar.chat import IMAGE, Conversation, Turn
from instar.errors import DataError
from tests.backbones.conftest import FAMILIES, asked, picture

Get = Callable[[str], HfBackbone]
Batch = Mapping[str, torch.Tensor]


def lesson(backbone: HfBackbone) -> list[Example]:
    """Shared pictures and questions, pictures in another order, none at all, several answers, the same twice."""
    one, two, three = (picture(k) for k in range(3))
    talks = [
        asked("\nWhere is the red bowl?", one).answered("here"),
        asked("\nWhere is the red bowl?", one).answered("there, behind the other bowl"),
        asked("\nWhere is the blue bowl? Say it.", one).answered("on top"),
        asked("\nWhere is the red bowl?", two).answered("here"),
        asked("\nWhat changed?", one, two).answered("the bowl"),
        asked("\nWhat changed?", two, one).answered("no bowl"),
        asked("\nWhat changed?", one, three).answered("all of it"),
        asked("Hello").answered("you"),
        Conversation(
            (
                Turn("user", f"{IMAGE}\nIs it red?"),
                Turn("assistant", "red", learn=True),
                Turn("user", f"And now {IMAGE} red?"),
                Turn("assistant", "blue", learn=True),
            ),
            (three, one),
        ),
    ]
    return [backbone.encode(talk) for talk in (*talks, talks[1])]


def taught(backbone: HfBackbone, batches: Sequence[tuple[Batch, float]]) -> tuple[float, dict[str, torch.Tensor]]:
    """The weighted sum of the losses of some batches, and its gradients."""
    model: Any = backbone.model
    model.zero_grad()
    total = 0.0
    for batch, weight in batches:
        loss = weight * model(**batch).loss
        loss.backward()
        total += float(loss.detach())
    grown = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    return total, grown


def alone(backbone: HfBackbone, examples: Sequence[Example]) -> tuple[float, dict[str, torch.Tensor]]:
    """The mean loss of all learned tokens from the samples one by one, and its gradients."""
    total = sum(example.learned for example in examples)
    return taught(backbone, [(backbone.collate([example]), example.learned / total) for example in examples])


def difference(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> float:
    """Of all gradients together, relative."""
    assert found.keys() == expected.keys()
    apart = sum(float((found[name] - expected[name]).square().sum()) for name in expected)
    return float(np.sqrt(apart / sum(float(gradient.square().sum()) for gradient in expected.values())))


@pytest.mark.parametrize("family", FAMILIES)
def test_teaches_what_the_samples_teach_one_by_one(backbone: Get, family: str) -> None:
    model = backbone(family)
    examples = lesson(model)
    expected, gradients = alone(model, examples)
    for batch in (model.pack(examples), model.collate(examples), model.pack(examples[::-1])):
        loss, grown = taught(model, [(batch, 1.0)])
        assert loss == pytest.approx(expected, rel=1e-5)
        assert difference(grown, gradients) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_flex_attention_computes_the_same(backbone: Get, family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = backbone(family)
    network: Any = model.model
    batch = model.pack(lesson(model))
    monkeypatch.setitem(hf_packing.WAYS, "cpu", hf_packing.by_blocks)
    # On a CPU it has no way back, and it is not compiled here.
    with torch.no_grad(), torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        for said in ("flex_attention called without torch.compile", ".*script_method. is deprecated"):
            warnings.filterwarnings("ignore", message=said)
        found = float(network(**batch).loss)
    expected, _ = alone(model, lesson(model))
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_picture_is_encoded_once(backbone: Get, family: str) -> None:
    model = backbone(family)
    examples = lesson(model)
    distinct = {image.image.digest: image for example in examples for image in example.pictures}
    name = "pixel_values"
    expected = sum(image.inputs[name].numel() for image in distinct.values())
    assert model.pack(examples)[name].numel() == model.collate(examples)[name].numel() == expected


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl", "smolvlm"])
def test_reads_every_beginning_once(backbone: Get, family: str) -> None:
    model = backbone(family)
    examples = lesson(model)
    digests = [{int(p.places[0]): p.image.digest for p in example.pictures} for example in examples]
    paths = [
        [(token, shown.get(t)) for t, token in enumerate(example.input_ids.tolist())]
        for example, shown in zip(examples, digests, strict=True)
    ]
    beginnings = {tuple(path[:end]) for path in paths for end in range(1, len(path) + 1)}
    assert model.pack(examples)["input_ids"].shape == (1, len(beginnings))


def test_paligemma_shares_whole_questions_only(backbone: Get) -> None:
    model = backbone("paligemma")
    examples = lesson(model)
    questions = [int((example.aligned["token_type_ids"] == 0).sum()) for example in examples]
    same = model.pack([examples[0], examples[1]])["input_ids"].shape[1]
    other = model.pack([examples[0], examples[2]])["input_ids"].shape[1]
    assert same <= examples[0].length + examples[1].length - questions[0]
    assert other == examples[0].length + examples[2].length


@pytest.mark.parametrize("family", FAMILIES)
def test_positions_are_those_of_each_sample(backbone: Get, family: str) -> None:
    model = backbone(family)
    examples = lesson(model)
    together = model.pack(examples)
    for example in examples:
        own = model.pack([example])
        last, place = own["position_ids"][..., 0, -1], example.input_ids[-1]
        there = (together["position_ids"][..., 0, :] == last[..., None]).reshape(-1, together["input_ids"].shape[1])
        assert (there.all(0) & (together["input_ids"][0] == place)).any()


@pytest.mark.parametrize("family", FAMILIES)
def test_other_batches_are_read_as_ever(backbone: Get, folder: Callable[[str], Path], family: str) -> None:
    model = backbone(family)
    untouched: Any = load_model(folder(family), torch.device("cpu"), torch.float32)
    batch = model.collate([example for example in lesson(model) if len(example.pictures) < 2][2:5])
    with torch.no_grad():
        assert torch.equal(model.model(**batch).logits, untouched(**batch).logits)


def test_a_family_that_nobody_has_looked_at_is_refused(backbone: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    model = backbone("llava")
    assert isinstance(model, Packing)
    assert model.packs
    monkeypatch.setitem(vars(model), "packs", value=False)
    with pytest.raises(DataError, match="cannot be packed; train with packing off"):
        model.pack(lesson(model))
