"""What a run will take, measured on a real step before it starts."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import nn

from instar.training.muon import parted


@dataclass(frozen=True)
class Estimate:
    """Size and duration of a run, per device."""

    parameters: int
    trainable: int
    weights: int  # bytes
    gradients: int  # bytes
    optimizer: int  # bytes: two moments per trainable parameter, or one of what learns by Muon
    activations: int = 0  # bytes kept for the way back from the longest batch; 0 where not measured
    seconds: float = 0.0  # per optimizer step, on a typical batch; 0 where not measured
    steps: int = 0  # still to do

    @property
    def memory(self) -> int:
        """Bytes in all."""
        return self.weights + self.gradients + self.optimizer + self.activations

    def __str__(self) -> str:
        """On one line, for the log."""
        parts = [("weights", self.weights), ("gradients", self.gradients), ("optimizer", self.optimizer)]
        parts += [("activations", self.activations)] if self.activations else []
        shown = ", ".join(f"{name} {_size(size)}" for name, size in parts)
        pace = f"{self.seconds:.3g} s a step, {_duration(self.seconds * self.steps)} for" if self.seconds else "to do:"
        return (
            f"{_count(self.trainable)} of {_count(self.parameters)} parameters learn; memory per device "
            f"{_size(self.memory)} ({shown}); {pace} {self.steps} steps"
        )


def at_rest(model: nn.Module, steps: int, shards: int = 1) -> Estimate:
    """What is known without a step: the size of everything that is kept, over `shards` devices."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    gradients = sum(parameter.nbytes for parameter in learning) // shards
    return Estimate(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trainable=sum(parameter.numel() for parameter in learning),
        weights=sum(parameter.nbytes for parameter in model.parameters()) // shards,
        gradients=gradients,
        optimizer=2 * gradients,
        steps=steps,
    )


def with_muon(found: Estimate, model: nn.Module) -> Estimate:
    """The same for a `model` whose matrices learn by Muon, which keeps one moment of each."""
    matrices, _ = parted(model)
    return replace(found, optimizer=found.optimizer - sum(weight.nbytes for weight in matrices))


def estimate(
    model: nn.Module,
    longest: Mapping[str, torch.Tensor],
    typical: Mapping[str, torch.Tensor],
    *,
    steps: int,
    accumulate: int,
    bfloat16: bool,
) -> Estimate:
    """Measure one step on the `longest` batch and one on a `typical` one; `model` is left as it was.

    Random numbers, gradients and buffers are put back; no weight changes.
    """
    device = next(model.parameters()).device
    with _undisturbed(model, device):
        activations = _activations(model, _moved(longest, device), bfloat16=bfloat16)
        seconds = _seconds(model, _moved(typical, device), bfloat16=bfloat16) * accumulate
    return replace(at_rest(model, steps), activations=activations, seconds=seconds)


def _loss(model: nn.Module, batch: Mapping[str, torch.Tensor], *, bfloat16: bool) -> torch.Tensor:
    with torch.autocast(batch["input_ids"].device.type, torch.bfloat16, enabled=bfloat16):
        loss: torch.Tensor = model(**batch).loss
    return loss


def _activations(model: nn.Module, batch: Mapping[str, torch.Tensor], *, bfloat16: bool) -> int:
    """Bytes that autograd keeps between the way there and the way back, on any kind of device."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = _loss(model, batch, bfloat16=bfloat16)
    torch.autograd.backward(loss)
    model.zero_grad()
    return sum(kept.values())


def _seconds(model: nn.Module, batch: Mapping[str, torch.Tensor], *, bfloat16: bool) -> float:
    _wait(batch)
    start = time.perf_counter()
    torch.autograd.backward(_loss(model, batch, bfloat16=bfloat16))
    _wait(batch)
    elapsed = time.perf_counter() - start
    model.zero_grad()
    return elapsed


def _wait(batch: Mapping[str, torch.Tensor]) -> None:
    if any(tensor.is_cuda for tensor in batch.values()):
        torch.cuda.synchronize()


def _moved(batch: Mapping[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
    return {name: tensor.to(device) for name, tensor in batch.items()}


@contextlib.contextmanager
def _undisturbed(model: nn.Module, device: torch.device) -> Iterator[None]:
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    was_training = model.training
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        model.train()
        try:
            yield
        finally:
            model.zero_grad()
            model.train(was_training)
            with torch.no_grad():
                for name, buffer in model.named_buffers():
                    buffer.copy_(buffers[name])


def _count(number: float) -> str:
    for unit in ("", "k", "M"):
        if number < 1000:
            return f"{number:.3g} {unit}".strip()
        number /= 1000
    return f"{number:.3g} G"


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
