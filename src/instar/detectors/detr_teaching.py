"""Teaching a detection model: pictures of an album in an order fixed by the seed, through the house's training loop."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import Dataset
from transformers import set_seed

from instar.backbones.hf_loading import quiet as without_bars
from instar.demo import Pixels
from instar.detectors.detr_loading import Prepare, load_model, load_prepare
from instar.detectors.detr_names import Names, compose, composed, settle
from instar.detectors.detr_pictures import brightened, mirrored, shifted, zoomed
from instar.detectors.detr_toys import make_toy
from instar.errors import ConfigError
from instar.plugins import Choice
from instar.progress import Progress
from instar.seeing.album import Album
from instar.seeing.detect import Sighting
from instar.seeing.teach_detector import DetectorTrainConfig, Learned
from instar.training.loop import InOrder, Recorder, arguments, quiet
from instar.training.model import memory_advice
from instar.training.run import Run, step_of

Lesson = dict[str, Any]  # pixel_values (3, H, W), labels: class_labels (n,) and boxes (n, 4), centre and size in 0..1


def teach(config: DetectorTrainConfig, album: Album, progress: Progress) -> Learned:
    """Train from the last state, if any, to the last step."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError("a detector is taught by one process; start it without torchrun or accelerate launch")
    with memory_advice():
        return _Teaching(config, album, progress).to_the_end()


@dataclass(frozen=True)
class _Teaching:
    """What the steps of `teach` share."""

    config: DetectorTrainConfig
    album: Album
    progress: Progress

    @cached_property
    def run(self) -> Run:
        return Run(self.config.out)

    @cached_property
    def names(self) -> Names:
        seen = self.album.names()
        return composed(seen) if self.composed else Names(tuple(seen))

    @property
    def composed(self) -> bool:
        """Whether names are learned by their parts; an end effector has none."""
        return self.config.names == "composed" and self.config.effector is None

    def to_the_end(self) -> Learned:
        base = self.base()
        set_seed(self.config.seed)
        model, prepare = load_model(base, self.names.every), load_prepare(base)
        heads = compose(model, self.names) if self.composed else []
        steps = self.config.steps or math.ceil(self.config.epochs * len(self.album) / self.config.batch)
        order = _order(len(self.album), steps * self.config.batch, self.config.seed)
        data = Lessons(self.album, prepare, order, self.names, self.config)
        resumed = self.loop(model, data, steps)

        def save(folder: Path) -> None:
            untyped: Any = model
            settle(heads)
            with without_bars():
                untyped.to(torch.float32).save_pretrained(folder)
                prepare.processor.save_pretrained(folder)

        return Learned(save, len(self.names.every), steps, resumed)

    def base(self) -> Path:
        """The folder of the model to begin with; a small random one is made here."""
        if not self.config.model.startswith("tiny:"):
            folder = Path(self.config.model)
            if not folder.is_dir():
                raise ConfigError(
                    f"model {folder} is no folder; name a downloaded detector, or tiny:rt_detr for a small one"
                )
            return folder.resolve()
        folder = self.run.states / "base"
        if not folder.exists():
            staged = folder.with_name(".base")
            make_toy(Choice.parse(self.config.model), staged, self.config.seed).rename(folder)
        return folder

    def loop(self, model: nn.Module, data: "Lessons", steps: int) -> int:
        """Run the Trainer; the step that it went on from."""
        shared = self.config.loop()
        args = arguments(shared, self.run, bfloat16=self._bfloat16())
        args.max_steps, args.warmup_steps = steps, math.ceil(self.config.warmup * steps)
        trainer = InOrder(
            model=model,
            args=args,
            data_collator=collate,
            train_dataset=data,
            callbacks=[Recorder(self.run, shared, self.progress)],
        )
        quiet(trainer)
        state = self.run.latest()
        resumed = step_of(state) if state else 0
        self.run.rewind(resumed)
        trainer.train(resume_from_checkpoint=str(state) if state else None)
        return resumed

    def _bfloat16(self) -> bool:
        if self.config.precision == "auto":
            return self.config.device == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return self.config.precision == "bfloat16"


def _order(count: int, total: int, seed: int) -> NDArray[np.int64]:
    """The picture at each of `total` positions: every one once, then again in another order."""
    epochs = [np.random.default_rng([seed, k]).permutation(count) for k in range(math.ceil(total / count))]
    return np.concatenate(epochs)[:total]


class Lessons(Dataset[Lesson]):
    """The pictures at the positions of an order, with their boxes, changed a little by the position's own chance."""

    def __init__(
        self, album: Album, prepare: Prepare, order: NDArray[np.int64], names: Names, config: DetectorTrainConfig
    ) -> None:
        self.album = album
        self.prepare = prepare
        self.order = order
        self.config = config
        self.numbers = {name: k for k, name in enumerate(names.every)}

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, position: int) -> Lesson:
        look = self.album[int(self.order[position])]
        rng = np.random.default_rng([self.config.seed, position])
        pixels = brightened(look.image.pixels, self.config.brightness, rng)
        pixels, truth = shifted(pixels, look.truth, self.config.shift, rng)
        pixels, truth = zoomed(pixels, truth, self.config.zoom, rng)
        pixels, truth = mirrored(pixels, truth, mirror=self.config.mirror, rng=rng)
        inputs = {name: value[0] for name, value in self.prepare([pixels]).items()}
        numbers = torch.tensor([self.numbers[thing.name] for thing in truth], dtype=torch.long)
        return {**inputs, "labels": {"class_labels": numbers, "boxes": boxes_of(truth, pixels)}}


def boxes_of(truth: Sequence[Sighting], pixels: Pixels) -> torch.Tensor:
    """Centre and size of every box (n, 4) as fractions of the picture; a box of one pixel is one pixel wide."""
    height, width = pixels.shape[:2]
    sides = [[thing.box.left, thing.box.top, thing.box.right + 1, thing.box.bottom + 1] for thing in truth]
    corners = torch.tensor(sides, dtype=torch.float32).reshape(-1, 4) / torch.tensor([width, height, width, height])
    return torch.cat([(corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]], dim=1)


def collate(lessons: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One batch: inputs stacked, labels as a list of one mapping per picture."""
    inputs = {name: torch.stack([lesson[name] for lesson in lessons]) for name in lessons[0] if name != "labels"}
    return {**inputs, "labels": [dict(lesson["labels"]) for lesson in lessons]}
