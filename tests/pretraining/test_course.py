"""A course goes on from where it stopped, refuses another's folder, and can begin with the model of another."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from instar.errors import ConfigError
from instar.files import read_jsonl
from pretraining import course
from pretraining.course import Course, pretrain


@pytest.fixture(scope="module", autouse=True)
def few_tested() -> Iterator[None]:
    """One batch of pictures that nothing is learned from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "TESTED", 16)
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """One that is finished."""
    begun = Course(tmp_path_factory.mktemp("course") / "first", scenes=8, look=1, speak=1, speak_lr=0.5)
    assert pretrain(begun) == begun.out / "model"
    return begun


def test_a_finished_course_has_nothing_left_to_do(first: Course) -> None:
    assert [(row["stage"], row["step"]) for row in read_jsonl(first.out / "log.jsonl")] == [("look", 1), ("speak", 1)]
    before = (first.out / "state.pt").stat().st_mtime_ns
    assert pretrain(first) == first.out / "model"
    assert (first.out / "state.pt").stat().st_mtime_ns == before


def test_a_folder_belongs_to_one_course(first: Course) -> None:
    with pytest.raises(ConfigError, match="holds another course"):
        pretrain(replace(first, speak=3))


def test_a_course_can_begin_with_the_model_of_another(first: Course, tmp_path: Path) -> None:
    taught = first.out / "model"
    second = pretrain(Course(tmp_path / "second", begin=str(taught), scenes=8, look=0, speak=1, speak_lr=1e-5))
    untaught, before, after = (_queries(folder) for folder in (first.out / "untaught", taught, second))
    assert (before - untaught).abs().max() > 1e-3
    assert (after - before).abs().max() < 1e-4
    assert (taught / "tokenizer.json").read_bytes() == (second / "tokenizer.json").read_bytes()


def _queries(folder: Path) -> torch.Tensor:
    weights = load_file(folder / "model.safetensors")
    (name,) = (name for name in weights if name.endswith("layers.2.self_attn.q_proj.weight"))
    return weights[name].float()


def test_a_course_that_begins_with_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json"):
        pretrain(Course(tmp_path / "out", begin=str(tmp_path / "nothing"), scenes=8))
