"""A course goes on from where it stopped, and can begin with the model of another."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from instar.errors import ConfigError
from instar.files import read_jsonl
from pretraining import course
from pretraining.course import Course, pretrain


@pytest.fixture(autouse=True)
def few_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """One batch of pictures that nothing is learned from."""
    monkeypatch.setattr(course, "TESTED", 16)


def test_a_course_ends_with_a_model_with_which_another_begins(tmp_path: Path) -> None:
    first = pretrain(Course(tmp_path / "first", scenes=20, look=1, speak=1, speak_lr=0.5))
    told = read_jsonl(tmp_path / "first" / "log.jsonl")
    assert [row["stage"] for row in told] == ["look", "speak"]

    second = pretrain(Course(tmp_path / "second", begin=str(first), scenes=20, look=0, speak=1, speak_lr=1e-5))
    untaught, before, after = (_queries(folder) for folder in (tmp_path / "first" / "untaught", first, second))
    assert (before - untaught).abs().max() > 1e-3
    assert (after - before).abs().max() < 1e-4
    assert (first / "tokenizer.json").read_bytes() == (second / "tokenizer.json").read_bytes()


def _queries(folder: Path) -> torch.Tensor:
    weights = load_file(folder / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("layers.2.self_attn.q_proj.weight"))
    return weights[name].float()


def test_a_course_that_begins_with_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json"):
        pretrain(Course(tmp_path / "out", begin=str(tmp_path / "nothing"), scenes=20))


def test_a_folder_belongs_to_one_course(tmp_path: Path) -> None:
    begun = Course(tmp_path / "out", begin=str(tmp_path / "nothing"), scenes=20)
    with pytest.raises(ConfigError, match=r"no config\.json"):
        pretrain(begun)
    with pytest.raises(ConfigError, match="another course"):
        pretrain(replace(begun, seed=1))
