"""What a folder lacks is said in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from instar.backbones import hf
from instar.backbones.hf_loading import pick_device
from instar.errors import ConfigError, DataError, InstarError
from tests.backbones.conftest import asked


@pytest.fixture
def broken(folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of a checkpoint to take things from."""
    return Path(shutil.copytree(folder("llava"), tmp_path / "model"))


def complaint(path: Path) -> str:
    """What loading `path` says."""
    with pytest.raises(InstarError) as caught:
        hf.load(path, "cpu")
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_path_that_is_no_folder(tmp_path: Path) -> None:
    assert "is not a folder; download the checkpoint first" in complaint(tmp_path / "nowhere")


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert "has no config.json: no model is there" in complaint(tmp_path)


def test_an_adapter_without_its_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert "LoRA adapter alone" in complaint(tmp_path)


@pytest.mark.parametrize("kind", ["llama", "bert", "unheard_of", None])
def test_a_model_that_sees_nothing(tmp_path: Path, kind: str | None) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    assert "takes no pictures or is unknown" in complaint(tmp_path)


def test_a_model_without_its_processor(broken: Path) -> None:
    for file in broken.glob("*token*"):
        file.unlink()
    (broken / "processor_config.json").unlink()
    assert "the processor does not load" in complaint(broken)


def test_a_model_without_weights(broken: Path) -> None:
    (broken / "model.safetensors").unlink()
    assert "the model does not load" in complaint(broken)


def test_weights_cut_short(broken: Path) -> None:
    whole = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    assert "the model does not load" in complaint(broken)


def test_a_model_without_a_chat_template_loads_and_cannot_be_asked(broken: Path) -> None:
    (broken / "chat_template.jinja").unlink()
    model = hf.load(broken, "cpu")
    with pytest.raises(DataError, match="no chat template"):
        model.generate([asked("?")], [None])


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match="device 'abacus'"):
        pick_device("abacus")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="torch sees no GPU here"):
            pick_device("cuda")
        assert pick_device("auto").type == "cpu"
