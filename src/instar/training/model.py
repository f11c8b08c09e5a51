"""The model to teach: which parts learn, in which precision, and LoRA by PEFT."""

import contextlib
import copy
from collections.abc import Iterator, Mapping, Sequence

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from transformers import PreTrainedModel

from instar.backbone import Backbone
from instar.checkpoint import peft_quiet
from instar.errors import ConfigError, DataError, InstarError
from instar.training.config import Lora


def part_of(name: str, parts: Mapping[str, Sequence[str]]) -> str:
    """The part that a parameter or module is in: the longest prefix that fits counts; "" if none does."""
    fitting = [
        (len(prefix), part)
        for part, prefixes in parts.items()
        for prefix in prefixes
        if name == prefix or name.startswith(prefix.rstrip(".") + ".")
    ]
    return max(fitting)[1] if fitting else ""


def freeze(backbone: Backbone, names: Sequence[str]) -> None:
    """Let only the parts not in `names` learn. Raises ConfigError for an unknown part, or if nothing is left."""
    parts = _known_parts(backbone, names)
    for name, parameter in backbone.model.named_parameters():
        parameter.requires_grad_(part_of(name, parts) not in names)
    if not any(parameter.requires_grad for parameter in backbone.model.parameters()):
        raise ConfigError(f"freezing {', '.join(names)} leaves nothing to train; freeze fewer parts")
    keep_statistics(backbone.model)


def keep_statistics(model: nn.Module) -> None:
    """Let normalisations over the batch that do not learn use the statistics they come with, also in training.

    The Trainer puts the whole model into training mode at every step, where they would normalise by the few pictures of
    a batch, and forget what they know.
    """
    for module in model.modules():
        if isinstance(module, _BatchNorm) and module.affine and not module.weight.requires_grad:
            module.register_forward_pre_hook(_at_rest)


def _at_rest(module: nn.Module, _inputs: object) -> None:
    module.eval()


def _known_parts(backbone: Backbone, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
    parts = backbone.parts()
    unknown = sorted(set(names) - set(parts))
    if unknown:
        raise ConfigError(f"the model has no part {', '.join(unknown)} to freeze; it has: {', '.join(sorted(parts))}")
    return parts


def adapt(backbone: Backbone, lora: Lora, frozen: Sequence[str]) -> PeftModel:
    """The model with adapters that learn and everything else at rest, but for the projector where it is wanted."""
    parts = _known_parts(backbone, frozen)
    model = backbone.model
    targets = _linear_layers(model, parts)
    here = {name for name, _ in model.named_modules()}
    whole = sorted(here & set(parts["projector"])) if lora.projector and "projector" not in frozen else []
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha if lora.alpha is not None else 2 * lora.rank,
        lora_dropout=lora.dropout,
        target_modules=targets,
        modules_to_save=whole or None,
        bias="none",
    )
    with peft_quiet():
        adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    keep_statistics(adapted)
    return adapted


def _linear_layers(model: nn.Module, parts: Mapping[str, Sequence[str]]) -> list[str]:
    output = getattr(model, "get_output_embeddings", lambda: None)()
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module is not output and part_of(name, parts) == "language"
    ]
    if not names:
        raise ConfigError("the language part of this model has no linear layers for LoRA; train it whole (lora.rank 0)")
    return names


def rest_in_bfloat16(model: nn.Module) -> None:
    """Keep what does not learn in bfloat16: it is only read, and half as large.

    But for normalisations over the batch, whose statistics are float32 and want weights like them.
    """
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            if not (parameter.requires_grad or isinstance(module, _BatchNorm)) and parameter.is_floating_point():
                parameter.data = parameter.data.to(torch.bfloat16)


def checkpoint_activations(model: nn.Module) -> None:
    """Recompute activations on the way back rather than keep them. Raises ConfigError where a model cannot."""
    # transformers 5.23 renames the method and warns about the old name.
    name = "activation_checkpointing_enable"
    enable = getattr(model, name, None) or getattr(model, "gradient_checkpointing_enable", None)
    if enable is None:
        raise ConfigError(f"{type(model).__name__} does not support gradient_checkpointing; switch it off")
    enable()


@contextlib.contextmanager
def without_cache(model: nn.Module) -> Iterator[None]:
    """No cache for generation while training, and the configuration as it was after that: it goes into a checkpoint."""
    if not isinstance(model, PreTrainedModel):
        yield
        return
    kept = copy.deepcopy(model.config)
    model.config.get_text_config().use_cache = False
    try:
        yield
    finally:
        model.config = kept


@contextlib.contextmanager
def memory_advice() -> Iterator[None]:
    """Running out of memory or disk, as an error that says what to change."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise InstarError(_advice("the device")) from error
    except MemoryError as error:
        raise InstarError(_advice("this machine")) from error
    except RuntimeError as error:
        if "can't allocate memory" in str(error):
            raise InstarError(_advice("this machine")) from error
        if "inline_container.cc" in str(error):  # torch.save's words for a write that failed
            raise DataError(_DISK) from error
        raise
    except SafetensorError as error:
        if "No space left" in str(error) or "I/O error" in str(error):
            raise DataError(_DISK) from error
        raise


_DISK = "a state could not be saved, most likely because the disk is full; make room and run again"


def _advice(where: str) -> str:
    return (
        f"{where} has too little memory for a training step; halve batch and double accumulate (the result is the "
        "same), switch on gradient_checkpointing, train with lora.rank 64, or use more devices with fsdp"
    )
