"""Detection models and what turns pictures into their inputs, from folders, with errors that say what is missing."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import nn
from transformers.models.auto.modeling_auto import MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES

from instar.backbones.hf_loading import declared_type, explained
from instar.demo import Box, Pixels
from instar.errors import DataError
from instar.robot import Floats
from instar.seeing.detect import Sighting

_untyped: Any = transformers  # most of its functions have no types


@dataclass(frozen=True, eq=False)
class Prepare:
    """Pictures to inputs and outputs to boxes, by the image processor of a model."""

    processor: Any

    def __call__(self, pictures: Sequence[Pixels]) -> dict[str, torch.Tensor]:
        """Inputs of the model for pictures (H, W, 3) uint8 of one size."""
        # A copy: the pixels of an Image are read-only, which torch warns about.
        made = self.processor(images=[np.array(picture) for picture in pictures], return_tensors="pt")
        return {name: made[name] for name in ("pixel_values", "pixel_mask") if name in made}

    def results(
        self, outputs: Any, sizes: Sequence[tuple[int, ...]], threshold: float
    ) -> list[dict[str, torch.Tensor]]:
        """For each picture of height and width `sizes`: scores (n,), labels (n,), boxes (n, 4) in its pixels."""
        target = torch.tensor([list(size) for size in sizes], device=outputs.logits.device)
        found: list[dict[str, torch.Tensor]] = self.processor.post_process_object_detection(
            outputs, threshold=threshold, target_sizes=target
        )
        return found


def load_prepare(path: Path) -> Prepare:
    """The image processor in a folder. Raises DataError."""
    require_detection(path)
    with _explained(path, "image processor"):
        return Prepare(_untyped.AutoImageProcessor.from_pretrained(path, local_files_only=True))


def load_model(path: Path, names: Sequence[str] | None = None) -> nn.Module:
    """The detection model in a folder; with `names` its last layer is new and gives those. Raises DataError."""
    require_detection(path)
    labels: dict[str, Any] = {}
    if names is not None:
        labels = {**labels_of(names), "ignore_mismatched_sizes": True}
    with _explained(path, "model"):
        model: nn.Module = _untyped.AutoModelForObjectDetection.from_pretrained(
            path, local_files_only=True, dtype=torch.float32, **labels
        )
    return model


def labels_of(names: Sequence[str]) -> dict[str, Any]:
    """The names as a configuration has them."""
    return {"id2label": dict(enumerate(names)), "label2id": {name: k for k, name in enumerate(names)}}


def names_of(model: nn.Module) -> Mapping[int, str]:
    """The name of every class of a model."""
    config: Any = model.config
    return {int(k): str(name) for k, name in config.id2label.items()}


def sightings(result: Mapping[str, torch.Tensor], names: Mapping[int, str], picture: Pixels) -> list[Sighting]:
    """Scores (n,), labels (n,) and boxes (n, 4) of a picture as sightings, the surest first; nameless ones left out."""
    order = torch.argsort(result["scores"], descending=True, stable=True).tolist()
    labels, scores = result["labels"].tolist(), result["scores"].tolist()
    return [_sighting(names[labels[k]], result["boxes"][k], scores[k], picture) for k in order if labels[k] in names]


def _sighting(name: str, corners: torch.Tensor, score: float, picture: Pixels) -> Sighting:
    """What is between continuous corners (4,): left, top, right, bottom; its box is at least one pixel of the picture.

    The middle is that of the corners, also where they reach beyond the picture.
    """
    height, width = picture.shape[:2]
    exact: Floats = corners.double().cpu().numpy()
    left, top, right, bottom = np.rint(exact).astype(int).tolist()
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    box = Box(left, top, min(max(right - 1, left), width - 1), min(max(bottom - 1, top), height - 1))
    return Sighting(name, box, score, at=(float(exact[[0, 2]].mean()), float(exact[[1, 3]].mean())))


def require_detection(path: Path) -> None:
    """Raises DataError unless the folder says that it holds a detection model."""
    if not (path / "config.json").is_file():
        raise DataError(f"{path} has no config.json: no detector is there; `instar detector train` writes one")
    found = declared_type(path)
    if found not in MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES:
        raise DataError(
            f"{path} is of type {found!r}, which is no object detection model that transformers "
            f"{transformers.__version__} knows"
        )


@contextlib.contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    """What transformers says about a folder that will not do, in one line, and nothing about one that will."""
    log: Any = _untyped.utils.logging
    loud = log.get_verbosity()
    log.set_verbosity_error()  # new last layers, and that torchvision is not here: both are meant
    try:
        with explained(path, what):
            yield
    finally:
        log.set_verbosity(loud)
