"""Checkpoint folders to models and processors, with errors that say what a folder lacks."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedModel, ProcessorMixin
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

from instar.backbones.hf_families import processor_class
from instar.errors import ConfigError, DataError
from instar.files import read_json

_untyped: Any = transformers  # most of its functions have no types


def model_type(path: Path) -> str:
    """The family in a checkpoint's config.json. Raises DataError if the folder holds no vision-language model."""
    if not path.is_dir():
        raise DataError(f"{path} is not a folder; download the checkpoint first and give its folder")
    if not (path / "config.json").is_file():
        hint = "it looks like a LoRA adapter alone" if (path / "adapter_config.json").is_file() else "no model is there"
        raise DataError(f"{path} has no config.json: {hint}")
    found = declared_type(path)
    if found not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
        raise DataError(
            f"{path} is of type {found!r}, which takes no pictures or is unknown to transformers "
            f"{transformers.__version__}; choose a vision-language model"
        )
    return str(found)


def declared_type(path: Path) -> object:
    """What config.json in a folder calls its model; None where it does not say."""
    config = read_json(path / "config.json")
    return config.get("model_type") if isinstance(config, dict) else None


def load_processor(path: Path) -> ProcessorMixin:
    """Tokenizer, picture processor and chat template of a checkpoint. Raises DataError."""
    with explained(path, "processor"):
        own = processor_class(_processor_name(path))
        if own is not None:
            return own.from_pretrained(path, local_files_only=True)
        loaded: Any = _untyped.AutoProcessor.from_pretrained(path, local_files_only=True)
    if not isinstance(loaded, ProcessorMixin):
        raise DataError(f"{path} has a tokenizer and no processor; copy preprocessor_config.json from its source")
    return loaded


def load_model(path: Path, device: torch.device, dtype: torch.dtype | None) -> PreTrainedModel:
    """The network of a checkpoint, ready to answer. Raises DataError."""
    with explained(path, "model"):
        wanted = "auto" if dtype is None else dtype
        loaded: Any = _untyped.AutoModelForImageTextToText.from_pretrained(path, dtype=wanted, local_files_only=True)
    model = cast("PreTrainedModel", loaded)
    nn.Module.to(model, device)
    model.train(mode=False)
    return model


def load_skeleton(path: Path) -> PreTrainedModel:
    """The network of a checkpoint without its weights: it can count positions, and nothing else. Raises DataError."""
    with explained(path, "model"), torch.device("meta"):
        config: Any = _untyped.AutoConfig.from_pretrained(path, local_files_only=True)
        bare: Any = _untyped.AutoModelForImageTextToText.from_config(config)
    return cast("PreTrainedModel", bare)


def pick_device(name: str) -> torch.device:
    """The device called `name`; "auto" is the first GPU, else the CPU. Raises ConfigError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device {name!r}: torch sees no GPU here; use device=cpu or install a CUDA build of torch")
    try:
        return torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r}: {str(error).splitlines()[0]}") from error


def _processor_name(path: Path) -> str:
    """The class of the processor, where the checkpoint says it."""
    for file in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        if (path / file).is_file():
            name = read_json(path / file).get("processor_class")
            if name:
                return str(name)
    return ""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of transformers' own."""
    bars = _untyped.utils.logging.is_progress_bar_enabled()
    _untyped.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if bars:
            _untyped.utils.logging.enable_progress_bar()


@contextlib.contextmanager
def explained(path: Path, what: str) -> Iterator[None]:
    """What transformers says about a folder that will not do, in one line."""
    try:
        with quiet():
            yield
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError, SafetensorError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path}: the {what} does not load: {first}") from error
