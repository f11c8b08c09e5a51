"""One training run from its first step, or its last state, to the checkpoint."""

import logging
import math
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather_object
from torch import nn
from transformers import set_seed

from instar.backbone import Backbone, Example, Packing
from instar.chat import IMAGE, Conversation
from instar.checkpoint import Base, Card, fingerprint, load_backbone, versions, wording_of, write_checkpoint
from instar.errors import ConfigError, DataError
from instar.files import JSON, read_json, write_json
from instar.mixture import Draw, Mixture, draw
from instar.plugins import Choice, load, make
from instar.progress import Progress
from instar.shipped import model_folder
from instar.training.config import TrainConfig, TrainSummary
from instar.training.data import Course, Encoded, Indices, Pool, helpers, lengths, too_long, unwrapped
from instar.training.estimate import Estimate, at_rest, estimate, with_muon
from instar.training.final import saver
from instar.training.light import Light
from instar.training.loop import Arguments, InOrder, Recorder, arguments, quiet
from instar.training.model import adapt, checkpoint_activations, freeze, memory_advice, rest_in_bfloat16, without_cache
from instar.training.order import Boxes
from instar.training.run import Run, step_of

logger = logging.getLogger(__name__)

BASE = "base"  # folder of a model that was made on the spot
LENGTHS = "lengths.json"  # tokens of every sample
TEXTS = 1000  # samples whose words a toy model's tokenizer knows


def teach(config: TrainConfig, identity: Mapping[str, JSON], progress: Progress) -> TrainSummary:
    """Train to the end and write the checkpoint; every process of a distributed run calls this."""
    with memory_advice(), unwrapped():
        return Teaching(config, identity, progress).to_the_end()


@dataclass(frozen=True)
class Teaching:
    """What the steps of `teach` share."""

    config: TrainConfig
    identity: Mapping[str, JSON]
    progress: Progress

    @cached_property
    def run(self) -> Run:
        return Run(self.config.out)

    @cached_property
    def bfloat16(self) -> bool:
        if self.config.precision == "auto":
            return self.config.device == "auto" and torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return self.config.precision == "bfloat16"

    @cached_property
    def args(self) -> Arguments:
        """The first use of these joins the other processes."""
        return arguments(self.config, self.run, bfloat16=self.bfloat16)

    @cached_property
    def sharded(self) -> bool:
        """By our options, or by those of accelerate launch."""
        launched = any(os.environ.get(f"ACCELERATE_USE_{how}", "") == "true" for how in ("FSDP", "DEEPSPEED"))
        return self.config.fsdp or self.config.deepspeed is not None or launched

    @cached_property
    def per_step(self) -> int:
        return int(self.config.batch * self.config.accumulate * self.args.world_size)

    @cached_property
    def pool(self) -> Pool:
        return Pool.open(self.config.samples)

    def to_the_end(self) -> TrainSummary:
        args = self.args  # joins the other processes
        if self.config.fsdp and (args.world_size == 1 or args.device.type == "cpu"):
            raise ConfigError("fsdp needs a GPU for each of several processes; start it by torchrun, or leave it off")
        with PartialState().main_process_first():
            self.run.claim(self.identity)
            base = self.base()
        backbone = self.loaded(base)
        set_seed(self.config.seed)
        model = self.learner(backbone)
        course, longest = self.course(backbone)
        steps = self.steps(course)
        plan = course.take(max(steps * self.per_step, 1))
        data = Encoded(self.pool, plan, backbone, self.config.max_tokens, self.light())
        resumed = 0
        if steps:
            with without_cache(backbone.model):
                trainer, resumed = self.loop(model, data, longest, steps)
            if self.sharded:
                backbone, model = self.gathered(trainer, base)
        self.write(backbone, model, data, self.card(base, steps))
        return TrainSummary(self.config.out, steps, self.run.last_loss(), resumed)

    def base(self) -> Path:
        """The folder of the model to begin with; a toy one is made here, with the words of the samples."""
        if not self.config.model.startswith("tiny:"):
            return model_folder(self.config.model).resolve()
        adapters = self.config.lora.rank > 0 and not self.config.lora.merge  # they need their base for good
        folder = (self.config.out if adapters else self.run.states) / BASE
        if not folder.exists():
            make_toy(self.config, folder, self.pool)
        return folder

    def loaded(self, base: Path) -> Backbone:
        return load_backbone(Choice.parse(self.config.backbone), base, "cpu", "float32")

    def learner(self, backbone: Backbone) -> nn.Module:
        """The model with the parts that learn and those that rest."""
        if self.config.lora.rank > 0:
            model: nn.Module = adapt(backbone, self.config.lora, self.config.freeze)
        else:
            freeze(backbone, self.config.freeze)
            model = backbone.model
        if self.bfloat16 and not self.sharded:  # what is sharded together must be of one type
            rest_in_bfloat16(model)
        if self.config.gradient_checkpointing:
            checkpoint_activations(model)
        return model

    def light(self) -> Light | None:
        return Light(self.config.jitter, self.config.seed, self.per_step) if self.config.jitter else None

    def drawn(self) -> Draw | None:
        """The samples of the mixture; what it could not fill is told."""
        if self.config.mixture is None:
            return None
        found = draw(Mixture.parse(self.config.mixture), self.pool.folders, self.config.mixture_seed)
        if self.args.process_index == 0:
            for shortage in found.shortages:
                logger.warning("%s", shortage)
        return found

    def course(self, backbone: Backbone) -> tuple[Course, Indices]:
        """The order of the samples, and the longest of them; too long ones are refused or left out."""
        course = Course(
            self.pool,
            self.config.weights,
            self.config.seed,
            drawn=self.drawn(),
            group=self.config.group,
            boxes=Boxes(self.per_step, self.config.batch),
        )
        if not self.config.check or self.config.steps == 0:
            return course, course.epoch(0)[: self.config.batch]
        seen = self.seen(course)
        tokens = self.tokens(Encoded(self.pool, seen, backbone))
        lengths = np.zeros(len(self.pool), dtype=np.int64)
        lengths[seen] = tokens
        over = self.over(seen, tokens)
        course = replace(course, left_out=frozenset(seen[over].tolist()), lengths=lengths)
        return course, self.longest(np.delete(seen, over), lengths)

    def over(self, seen: Indices, tokens: Indices) -> Indices:
        """Which of the samples are too long, if they may be left out."""
        limit = self.config.max_tokens
        over = np.flatnonzero(tokens > limit) if limit is not None else np.empty(0, np.int64)
        if limit is not None and len(over):
            first = self.pool.sample(int(seen[over[0]])).id
            if not self.config.drop_long:
                raise DataError(too_long(first, int(tokens[over[0]]), limit))
            logger.warning("%d of %d samples have more than %d tokens and are left out", len(over), len(seen), limit)
        return over

    def longest(self, samples: Indices, lengths: Indices) -> Indices:
        """A forward pass of the longest samples: of different views first, as packed ones of one share their tokens."""
        ranked = samples[np.argsort(-lengths[samples], kind="stable")]
        firsts = np.unique(self.pool.views[ranked], return_index=True)[1]
        return np.concatenate([ranked[np.sort(firsts)], np.delete(ranked, firsts)])[: self.config.batch]

    def seen(self, course: Course) -> Indices:
        """The samples that will be shown, each once: with few steps not all, unless some may be left out."""
        if self.config.steps is None or self.config.drop_long or self.config.group == "lengths":
            return course.wanted()
        return np.unique(course.take(self.config.steps * self.per_step))

    def tokens(self, data: Encoded) -> Indices:
        """The number of tokens of every sample, each process counting its share; kept with the run."""
        kept = self.run.states / LENGTHS
        if kept.exists():
            return np.array(read_json(kept), dtype=np.int64)
        rank, world = self.args.process_index, self.args.world_size
        mine = []
        for found in lengths(data, self.config.loader_workers, rank, world):
            mine.append(found)
            if rank == 0 and len(mine) % 500 == 0:
                self.progress(len(mine) * world, len(data), "samples looked at")
        every = dict(gather_object(mine)) if world > 1 else dict(mine)
        tokens = [every[position] for position in range(len(data))]
        if rank == 0:
            write_json(kept, tokens)
        return np.array(tokens, dtype=np.int64)

    def steps(self, course: Course) -> int:
        if self.config.steps is not None:
            return self.config.steps
        return math.ceil(self.config.epochs * len(course.epoch(0)) / self.per_step)

    def loop(self, model: nn.Module, data: Encoded, longest: Indices, steps: int) -> tuple[InOrder, int]:
        """Run the Trainer from the last state, if any, to the last step; the step it went on from comes with it."""
        self.args.max_steps = steps
        self.args.warmup_steps = math.ceil(self.config.warmup * steps)
        self.args.dataloader_num_workers = helpers(self.config.loader_workers, len(data) // self.args.world_size)
        trainer = InOrder(
            muon=self.config.optimizer == "muon",
            model=model,
            args=self.args,
            data_collator=self.batch_of(data.backbone),
            train_dataset=data,
            callbacks=[Recorder(self.run, self.config, self.progress)],
        )
        quiet(trainer)
        state = self.run.latest()
        resumed = step_of(state) if state else 0
        if trainer.is_world_process_zero():
            self.run.rewind(resumed)
            logger.info("%s", self.expected(model, data, longest, steps - resumed))
        PartialState().wait_for_everyone()
        trainer.train(resume_from_checkpoint=str(state) if state else None)
        return trainer, resumed

    def expected(self, model: nn.Module, data: Encoded, longest: Indices, steps: int) -> Estimate:
        if self.sharded or steps == 0:
            return at_rest(model, steps, self.args.world_size if self.sharded else 1)
        most = Encoded(self.pool, longest, data.backbone)
        found = estimate(
            model,
            self.batch_of(data.backbone)([most[k] for k in range(len(most))]),
            self.batch_of(data.backbone)([data[k] for k in range(self.config.batch)]),
            steps=steps,
            accumulate=self.config.accumulate,
            bfloat16=self.bfloat16,
        )
        return with_muon(found, model) if self.config.optimizer == "muon" else found

    def batch_of(self, backbone: Backbone) -> Callable[[Sequence[Example]], dict[str, torch.Tensor]]:
        """How the examples of a forward pass become a batch."""
        if self.config.packing and isinstance(backbone, Packing) and backbone.packs:
            return backbone.pack
        return backbone.collate

    def gathered(self, trainer: InOrder, base: Path) -> tuple[Backbone, nn.Module]:
        """A fresh model in the first process with the weights that were spread over all of them."""
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
        backbone = self.loaded(base)
        if not trainer.is_world_process_zero():
            return backbone, nn.Module()
        model = self.learner(backbone)
        model.load_state_dict(weights)
        return backbone, model

    def write(self, backbone: Backbone, model: nn.Module, data: Encoded, card: Card) -> None:
        """The checkpoint, by the first process; the states are removed after it."""
        if self.args.process_index == 0:
            merge = self.config.lora.rank > 0 and self.config.lora.merge
            batch = backbone.collate([data[0]]) if merge else None
            write_checkpoint(self.config.out, saver(backbone, model, merge=batch, bfloat16=self.bfloat16), card)
            self.run.finish()
        PartialState().wait_for_everyone()

    def card(self, base: Path, steps: int) -> Card:
        lora, recipe = self.config.lora, self.pool.recipe
        adapter = lora.rank > 0 and not lora.merge
        inside = base.is_relative_to(self.config.out)
        place = "" if inside and not adapter else str(base.relative_to(self.config.out) if inside else base)
        return Card(
            name=self.config.out.resolve().name,
            recipe=recipe,
            robot=self.pool.robot,
            backbone=Choice.parse(self.config.backbone),
            base=Base(self.config.model, place, fingerprint(base)),
            statistics=self.pool.statistics,
            steps=steps,
            samples=tuple(folder.manifest.digest for folder in self.pool.folders),
            wording="" if recipe is None else wording_of(make("recipes", recipe)),
            training=self.config.to_json(),
            run=dict(self.identity),
            adapter=adapter,
            versions=versions(),
            taught=self.pool.taught,
        )


def make_toy(config: TrainConfig, folder: Path, pool: Pool) -> None:
    """A small random model, e.g. "tiny:llava,layers=4", whose tokenizer knows the words of the samples."""
    plugin = load("backbones", Choice.parse(config.backbone).name)
    if not hasattr(plugin, "toy"):
        raise ConfigError(f"backbone {config.backbone!r} makes no toy models; name the folder of a checkpoint")
    drawn = np.random.default_rng(seed=0).permutation(len(pool))[:TEXTS]
    some = [pool.sample(int(index)).conversation for index in sorted(drawn)]
    staged = folder.with_name(f".{folder.name}")
    shutil.rmtree(staged, ignore_errors=True)
    plugin.toy(Choice.parse(config.model), staged, config.seed, _texts(some), _phrases(some))
    staged.rename(folder)


def _texts(some: Sequence[Conversation]) -> list[str]:
    return [turn.text for conversation in some for turn in conversation.turns]


# What differs between two sentences of one template: names, and the digits of a number after "0.".
_VARIABLE = re.compile(r"(?<=<p>)[^<]*(?=</p>)|\d+(?![\d.])")


def _phrases(some: Sequence[Conversation]) -> list[str]:
    """What many sentences share: whole lines, such as how to write an action, and what is between variables."""
    counts: Counter[str] = Counter()
    for text in _texts(some):
        lines = {line for line in text.splitlines() if len(line) > 20}
        counts.update(lines | {part for part in _VARIABLE.split(text.replace(IMAGE, "")) if len(part) >= 3})
    return sorted(phrase for phrase, count in counts.items() if count > len(some) / 100)
