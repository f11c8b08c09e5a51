"""The network of a detector at work: pictures in, sightings out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from instar.backbones.hf_loading import pick_device
from instar.demo import Pixels
from instar.detectors.detr_loading import Prepare, load_model, load_prepare, names_of, sightings
from instar.seeing.detect import Sighting


@dataclass(frozen=True, eq=False)
class Eye:
    """A detection model on its device, and what prepares pictures for it."""

    model: Any
    prepare: Prepare

    @classmethod
    def open(cls, path: Path, device: str) -> "Eye":
        """The model in a folder. Raises DataError for a folder without one."""
        return cls(load_model(path).to(pick_device(device)).train(mode=False), load_prepare(path))

    @torch.inference_mode()
    def seen(self, pictures: Sequence[Pixels], threshold: float) -> list[list[Sighting]]:
        """What scores at least `threshold` in each of some pictures (H, W, 3) uint8 of one size, the surest first."""
        inputs = {name: value.to(self.model.device) for name, value in self.prepare(pictures).items()}
        sizes = [picture.shape[:2] for picture in pictures]
        results = self.prepare.results(self.model(**inputs), sizes, threshold)
        names = names_of(self.model)
        return [sightings(result, names, picture) for result, picture in zip(results, pictures, strict=True)]
