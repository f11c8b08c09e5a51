"""Finetuning a LLaVA on LLaRA's D-inBC and mixture D: padded batches against packed ones, and the stock Trainer.

All learn from the same samples in steps of the same size with the same optimizer, pictures decoded and words made into
tokens on the way, in one process. The model is small, and its tokens are as many as LLaVA-1.5's: 576 a picture.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Final

import PIL.Image
import torch
from torch import nn
from transformers import Trainer

from benchmarks.harness import Comparison, Contender, Fact, Result, compare
from benchmarks.harness import Size as Extent
from instar.backbone import Example
from instar.backbones.hf import HfBackbone
from instar.backbones.tiny import Size, make_tiny
from instar.build import BuildConfig, build
from instar.chat import IMAGE, Sample
from instar.mixture import Mixture, draw
from instar.packing import stretches
from instar.training.config import TrainConfig
from instar.training.data import Course, Encoded, Indices, Pool
from instar.training.loop import InOrder, arguments, quiet
from instar.training.model import freeze, part_of
from instar.training.order import Boxes
from instar.training.run import Run

SAMPLE: Final = Path(__file__).parents[2] / "shared" / "data" / "vima_sample.zip"
PLAYED: Final = "tabletop:episodes=3,tasks=visual_manipulation+rearrange"
MIXTURE: Final = "D"
AIM: Final = 2.0  # times the samples a second of padded batches, and of the stock Trainer
ALIKE: Final = 1e-5  # how far apart mean losses may be, relative

Batch = dict[str, torch.Tensor]

FLOOR: Final = (
    "The floor is what cannot be shared: every distinct token once through the language model, every distinct picture "
    "once through the vision tower. Multiply-adds are counted over all linear layers and all pairs that attention "
    "computes; on the way back there are twice as many. What is above the ratio of multiply-adds is gained, or lost, "
    "outside: attention with a mask is slower than its multiply-adds, picking places and adding up are not in them, "
    "and the stock Trainer makes pixels anew for every sample."
)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    model: Size
    batch: int
    steps: int
    rounds: int
    real: bool  # VIMA's sample, where it is there


FULL: Final = Scale(Size(256, 5, vision_hidden=64, vision_layers=2, side=336), batch=16, steps=2, rounds=5, real=True)
SMALL: Final = Scale(Size(64, 2, vision_hidden=32, vision_layers=2, side=112), batch=8, steps=1, rounds=1, real=False)


@dataclass(frozen=True, eq=False)
class Lessons:
    """What all contenders learn from, and where they may write."""

    pool: Pool
    drawn: int  # samples of the mixture
    grouped: Indices  # conversations about the same pictures together
    shuffled: Indices
    base: Path  # the model
    scale: Scale
    folder: Path


def run(size: Extent) -> Result:
    """Samples a second of each, what they read, and that they learn the same."""
    with tempfile.TemporaryDirectory() as name:
        folder, scale = Path(name), FULL if size == "full" else SMALL
        demos = f"vima:{SAMPLE}" if scale.real and SAMPLE.exists() else PLAYED
        build(BuildConfig(demos, folder / "samples", auxiliary=("all",), workers=1))
        lessons = _lessons(folder, scale)
        source = "VIMA's published sample" if demos.startswith("vima") else "the tabletop's expert"
        note = (
            f"{lessons.drawn} samples of D-inBC and mixture {MIXTURE} from {source}, of which {len(lessons.grouped)} "
            f"are learned from each time, in steps of {scale.batch}; {_told(lessons)}. The vision tower rests."
        )
        return Result("Training", _compared(lessons), (*_read(lessons), *_same(lessons)), (note, FLOOR))


def _lessons(folder: Path, scale: Scale) -> Lessons:
    pool = Pool.open([folder / "samples"])
    drawn = draw(Mixture.parse(MIXTURE), pool.folders, 0)
    boxes = Boxes(scale.batch, scale.batch)
    course = Course(pool, {}, seed=0, drawn=drawn, group="views", boxes=boxes)
    count = min(scale.batch * scale.steps, len(drawn) // scale.batch * scale.batch)
    grouped, shuffled = course.take(count), replace(course, group="none").take(count)
    texts = [turn.text for index in course.wanted() for turn in pool.sample(int(index)).conversation.turns]
    base = make_tiny("llava", folder / "base", texts=texts, size=scale.model)
    return Lessons(pool, len(drawn), grouped, shuffled, base, scale, folder)


def _told(lessons: Lessons) -> str:
    size = lessons.scale.model
    tokens = (size.side // size.patch) ** 2
    return f"a LLaVA of width {size.hidden} and {size.layers} layers, {tokens} tokens a picture, float32"


def _compared(lessons: Lessons) -> tuple[Comparison, Comparison]:
    rounds, steps = lessons.scale.rounds, f"{len(lessons.grouped)} samples"
    padded, packed, stock = _ours(lessons, packing=False), _ours(lessons, packing=True), _stock(lessons)
    return (
        compare(f"learn from {steps}: our padded batches, and packed", "samples", [padded, packed], rounds, AIM),
        compare(f"learn from {steps}: the stock Trainer, and ours", "samples", [stock, packed], rounds, AIM),
    )


def _model(lessons: Lessons) -> HfBackbone:
    # The pixels that the model's processor makes by itself, as the stock Trainer's collator gets them.
    backbone = HfBackbone(str(lessons.base), "cpu", "float32", fit="own")
    freeze(backbone, ("vision",))
    return backbone


def _config(lessons: Lessons) -> TrainConfig:
    scale = lessons.scale
    steps = len(lessons.grouped) // scale.batch
    return TrainConfig(
        (), str(lessons.base), lessons.folder / "out", steps=steps, batch=scale.batch, loader_workers=0, device="cpu"
    )


def _ours(lessons: Lessons, *, packing: bool) -> Contender:
    backbone = _model(lessons)
    collate = backbone.pack if packing else backbone.collate
    data = Encoded(lessons.pool, lessons.grouped, backbone)
    return _contender("packed" if packing else "padded", InOrder, lessons, backbone, (data, collate))


def _stock(lessons: Lessons) -> Contender:
    backbone = _model(lessons)
    data = [lessons.pool.sample(int(index)) for index in lessons.grouped]
    return _contender("stock Trainer", Trainer, lessons, backbone, (data, StockCollator(backbone.processor)))


def _contender(
    name: str, trainer: type[Trainer], lessons: Lessons, backbone: HfBackbone, fed: tuple[Any, Callable[..., Batch]]
) -> Contender:
    """Train for as many steps as the samples make, in whichever loop."""
    config = _config(lessons)

    def work() -> float:
        args = arguments(config, Run(config.out), bfloat16=False)
        args.max_steps, args.save_strategy = int(config.steps or 0), "no"
        loop = trainer(model=backbone.model, args=args, train_dataset=fed[0], data_collator=fed[1])
        quiet(loop)
        loop.train()
        return float(len(lessons.grouped))

    return Contender(name, work)


@dataclass(frozen=True)
class StockCollator:
    """Samples to a batch as the documentation of transformers does it: template, processor, padding, masked labels."""

    processor: Any

    def __call__(self, samples: Sequence[Sample]) -> Batch:
        """One batch; only answers are learned."""
        asked = [self._written(sample)[:-1] for sample in samples]
        texts = [self._text(self._written(sample)) for sample in samples]
        images = [PIL.Image.fromarray(image.pixels) for sample in samples for image in sample.conversation.images]
        batch = self.processor(text=texts, images=images, padding=True, padding_side="right", return_tensors="pt")
        labels = batch["input_ids"].clone()
        labels[batch["attention_mask"] == 0] = -100
        for row, sample in enumerate(samples):
            labels[row, : self._length(asked[row], len(sample.conversation.images))] = -100
        return {**batch, "labels": labels}

    def _written(self, sample: Sample) -> list[dict[str, Any]]:
        return [
            {
                "role": turn.role,
                "content": [
                    *({"type": "image"} for _ in range(turn.text.count(IMAGE))),
                    {"type": "text", "text": turn.text.replace(IMAGE, "").strip("\n")},
                ],
            }
            for turn in sample.conversation.turns
        ]

    def _text(self, messages: list[dict[str, Any]]) -> str:
        written: str = self.processor.apply_chat_template(messages)
        return written.rstrip() + str(self.processor.tokenizer.eos_token)

    def _length(self, question: list[dict[str, Any]], images: int) -> int:
        """Tokens of a question, its pictures' included."""
        text = self.processor.apply_chat_template(question, add_generation_prompt=True)
        side = self.processor.image_processor.crop_size["height"] // self.processor.patch_size
        return int(len(self.processor.tokenizer(text)["input_ids"]) + images * (side**2 - 1))


def _same(lessons: Lessons) -> tuple[Fact, Fact]:
    """How far apart the mean losses of one step's samples are."""
    backbone = _model(lessons)
    network: Any = backbone.model
    samples = _samples(lessons, lessons.grouped)[0]
    examples = _examples(backbone, samples)
    batches = (backbone.pack(examples), backbone.collate(examples), StockCollator(backbone.processor)(samples))
    with torch.no_grad():
        packed, padded, stock = (float(network(**batch).loss) for batch in batches)
    return (
        _apart("mean loss of a step: packed, from padded", packed, padded),
        _apart("mean loss of a step: packed, from the stock collator's", packed, stock),
    )


def _apart(what: str, one: float, other: float) -> Fact:
    apart = abs(one - other) / abs(other)
    return Fact(what, apart, "relative", f"at most {ALIKE}", apart <= ALIKE)


def _samples(lessons: Lessons, indices: Indices) -> list[list[Sample]]:
    """The samples of each step."""
    size = lessons.scale.batch
    every = [lessons.pool.sample(int(index)) for index in indices]
    return [every[start : start + size] for start in range(0, len(every), size)]


def _examples(backbone: HfBackbone, samples: Sequence[Sample]) -> list[Example]:
    return [backbone.encode(sample.conversation, sample.id) for sample in samples]


@dataclass(frozen=True)
class Work:
    """What a model has to do for some samples."""

    tokens: int = 0  # through the language model, padding included
    pairs: int = 0  # of tokens, that attention computes
    scored: int = 0  # tokens after which every word gets a score
    pictures: int = 0

    def __add__(self, other: "Work") -> "Work":
        return Work(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


def _of_padded(examples: Sequence[Example], *, once: bool) -> Work:
    rows, width = len(examples), max(example.length for example in examples)
    shown = [picture.image.digest for example in examples for picture in example.pictures]
    return Work(rows * width, rows * width**2, rows * width, len(set(shown) if once else shown))


def _of_packed(backbone: HfBackbone, examples: Sequence[Example]) -> Work:
    batch = backbone.pack(examples)
    branches = stretches(batch["seen_until"][0].numpy())
    own = [branch.stop - branch.start for branch in branches]
    seen = [size + sum(b - a for a, b in branch.before) for size, branch in zip(own, branches, strict=True)]
    pairs = sum(size * keys for size, keys in zip(own, seen, strict=True))
    return Work(batch["input_ids"].numel(), pairs, batch["labels"].numel(), len(batch["pixel_values"]))


def _read(lessons: Lessons) -> tuple[Fact, ...]:
    """Tokens, pictures and multiply-adds per sample, and what packing is worth without grouping."""
    backbone = _model(lessons)
    grouped, shuffled = (
        [_examples(backbone, step) for step in _samples(lessons, indices)]
        for indices in (lessons.grouped, lessons.shuffled)
    )
    count = len(lessons.grouped)
    works = {
        "stock Trainer": sum((_of_padded(step, once=False) for step in grouped), Work()),
        "padded": sum((_of_padded(step, once=True) for step in grouped), Work()),
        "packed": sum((_of_packed(backbone, step) for step in grouped), Work()),
    }
    chance = sum((_of_packed(backbone, step) for step in shuffled), Work())
    sums = {name: _multiply_adds(backbone, work) for name, work in works.items()}
    alone, mixed = (sum(example.length for step in steps for example in step) for steps in (grouped, shuffled))
    return (
        Fact("tokens of a sample by itself", alone / count, "tokens"),
        *(Fact(f"tokens per sample: {name}", work.tokens / count, "tokens") for name, work in works.items()),
        *(Fact(f"pictures encoded per sample: {name}", work.pictures / count, "") for name, work in works.items()),
        *(Fact(f"multiply-adds forward per sample: {name}", of / count / 1e9, "G") for name, of in sums.items()),
        Fact("tokens that packing leaves where samples are only shuffled", chance.tokens / mixed, "of all"),
        Fact("floor: multiply-adds, padded / packed", sums["padded"] / sums["packed"], "times"),
        Fact("floor: multiply-adds, stock Trainer / packed", sums["stock Trainer"] / sums["packed"], "times"),
    )


def _multiply_adds(backbone: HfBackbone, work: Work) -> float:
    """On the way there: every linear layer at every token it sees, and two products for each pair of tokens."""
    config: Any = backbone.model.config
    text, vision = config.text_config, config.vision_config
    sizes = {"language": 0, "vision": 0, "projector": 0, "lm_head": 0}
    for name, module in backbone.model.named_modules():
        if isinstance(module, nn.Linear):
            kind = "lm_head" if name == "lm_head" else part_of(name, backbone.parts())
            sizes[kind] += module.weight.numel()
    patches = (vision.image_size // vision.patch_size) ** 2
    tower: int = patches * (
        sizes["vision"] + sizes["projector"] + 2 * patches * vision.hidden_size * vision.num_hidden_layers
    )
    pairs: int = work.pairs * 2 * text.hidden_size * text.num_hidden_layers
    return float(work.tokens * sizes["language"] + pairs + work.scored * sizes["lm_head"] + work.pictures * tower)
