"""The network of a detector at work: pictures in, sightings out."""

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
    def seen(self, picture: Pixels, threshold: float) -> list[Sighting]:
        """What scores at least `threshold` in a picture (H, W, 3) uint8, the surest first."""
        inputs = {name: value.to(self.model.device) for name, value in self.prepare([picture]).items()}
        [result] = self.prepare.results(self.model(**inputs), [picture.shape[:2]], threshold)
        return sightings(result, names_of(self.model), picture)
