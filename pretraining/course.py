"""The course from untaught weights to a model that sees: two stages, states to go on from, a log of how it went."""

import copy
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import torch
import transformers
from torch import nn
from typing_extensions import Doc

from instar.backbones.hf_loading import load_processor, quiet
from instar.backbones.tiny import written
from instar.errors import ConfigError
from instar.files import append_jsonl, atomic, read_json, read_jsonl, write_bytes, write_json
from instar.progress import Clock, Progress, silent
from instar.training.muon import Muon, parted
from pretraining.lessons import PICTURES, Scribe, ask, views
from pretraining.model import make
from pretraining.pictures import Pictures, draw_all
from pretraining.teach import Examiner, Teacher
from pretraining.words import phrases, texts

LOOKED: Final = 64  # pictures in a step of the first stage
WARMUP: Final = 0.05  # share of a stage's steps in which the learning rate rises
REPORT: Final = 200  # steps between rows of the log
TESTED: Final = 256  # pictures that the log tells of, which nothing is learned from
CLIP: Final = 1.0
LEARNING: Final[dict[str, Any]] = {"betas": (0.9, 0.98), "weight_decay": 0.01}
EYE_LR: Final = 0.3  # of the second stage's learning rate is the eye's, which knows much already


@dataclass(frozen=True)
class Course:
    """How much of everything."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")]
    seed: Annotated[int, Doc("of weights, scenes' order and questions")] = 0
    begin: Annotated[
        str, Doc("model folder to begin with in place of untaught weights; --look 0 leaves its eye alone")
    ] = ""
    scenes: Annotated[int, Doc("different pictures to learn from")] = 60_000
    look: Annotated[int, Doc("steps of 64 pictures in which the eye learns alone")] = 2000
    speak: Annotated[int, Doc("steps of 16 pictures and about 96 questions in which everything learns")] = 5000
    look_lr: Annotated[float, Doc("highest learning rate of the first stage")] = 3e-3
    speak_lr: Annotated[float, Doc("highest learning rate of the second stage")] = 2e-3
    questions: Annotated[int, Doc("asked about a picture in a step")] = 6
    save_every: Annotated[float, Doc("minutes between states to go on from")] = 3.0
    compile: Annotated[bool, Doc("compile what reads, a third less time a step; needs a C++ compiler")] = False


@dataclass(frozen=True, eq=False)
class _Stage:
    name: str
    steps: int
    lr: float
    batch: int


@dataclass
class Classroom:
    """A course under way."""

    course: Course
    pictures: Pictures
    tested: Pictures

    def __post_init__(self) -> None:
        folder = Path(self.course.begin) if self.course.begin else self.course.out / "untaught"
        if not (folder / "config.json").exists():
            if self.course.begin:
                raise ConfigError(f"{folder} has no config.json: begin with the folder of a model, or leave it out")
            make(folder, texts(), phrases(), self.course.seed)
        self.processor = load_processor(folder)
        self.scribe = Scribe(self.processor.tokenizer)
        loader: Any = transformers.AutoModelForImageTextToText
        with quiet():
            model = loader.from_pretrained(folder, dtype=torch.float32)
        model.to(memory_format=torch.channels_last)
        torch.manual_seed(self.course.seed)
        self.teacher = Teacher(model, Examiner(), Examiner(), self.scribe.before()[0])
        if self.course.compile:
            self.teacher.compiled = torch.compile(self.teacher.compiled, dynamic=False)
        self.done = {"look": 0, "speak": 0}
        self.seconds = 0.0

    @property
    def state(self) -> Path:
        """The newest state."""
        return self.course.out / "state.pt"

    @property
    def parts(self) -> nn.ModuleList:
        """Everything that learns."""
        return nn.ModuleList([self.teacher.model, self.teacher.examiner, self.teacher.inner, self.teacher.sense])

    def teach(self, progress: Clock) -> None:
        """Both stages, from the newest state on."""
        stages = (
            _Stage("look", self.course.look, self.course.look_lr, LOOKED),
            _Stage("speak", self.course.speak, self.course.speak_lr, PICTURES),
        )
        saved = torch.load(self.state, weights_only=True) if self.state.exists() else None
        if saved is not None:
            self.parts.load_state_dict(saved["parts"])
            self.done, self.seconds = saved["done"], saved["seconds"]
            self._rewind()
        for stage in stages:
            if self.done[stage.name] < stage.steps:
                optimizer = self._optimizer(stage)
                if saved is not None and saved["stage"] == stage.name:
                    optimizer.load_state_dict(saved["optimizer"])
                self._run(stage, optimizer, progress.stage(stage.name))

    def _rewind(self) -> None:
        """Forget what the log says of steps after the state: they will be taken again."""
        path = self.course.out / "log.jsonl"
        kept = [row for row in read_jsonl(path) if row["step"] <= self.done[row["stage"]]]
        write_bytes(path, "".join(f"{json.dumps(row)}\n" for row in kept).encode())

    def _optimizer(self, stage: _Stage) -> torch.optim.Optimizer:
        eye = [*self.teacher.model.model.vision_tower.parameters(), *self.teacher.examiner.parameters()]
        others = [weight for weight in self.parts.parameters() if not any(weight is mine for mine in eye)]
        if stage.name == "look":
            optimizer: torch.optim.Optimizer = torch.optim.AdamW(
                [{"params": eye}, {"params": others}], stage.lr, **LEARNING, fused=True
            )
        else:
            matrices, _ = parted(self.teacher.model.model.language_model.layers)
            others = [weight for weight in others if not any(weight is mine for mine in matrices)]
            optimizer = Muon(matrices, others, stage.lr, **LEARNING)
            optimizer.add_param_group({"params": eye, "turned": False})
        calm = EYE_LR if stage.name == "speak" else 1.0
        for group in optimizer.param_groups:
            group["scale"] = calm if group["params"][0] is eye[0] else 1.0
        return optimizer

    def _run(self, stage: _Stage, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
        began = saved = time.monotonic()
        before = self.seconds
        self.parts.train()
        for k in range(self.done[stage.name], stage.steps):
            for group in optimizer.param_groups:
                group["lr"] = stage.lr * group["scale"] * _height(k / stage.steps)
            loss = self._loss(stage, k)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(self.parts.parameters(), CLIP)
            optimizer.step()
            optimizer.zero_grad()
            now = time.monotonic()
            self.done[stage.name], self.seconds = k + 1, before + now - began
            last = k + 1 == stage.steps
            if (k + 1) % REPORT == 0 or last:
                progress(k + 1, stage.steps, self._reported(stage, k + 1))
            if last or now - saved > 60 * self.course.save_every:
                self._save(stage, optimizer)
                saved = now

    def _loss(self, stage: _Stage, k: int) -> torch.Tensor:
        # Every step has random numbers of its own: a course that goes on sees what it would have seen.
        rng = np.random.default_rng((self.course.seed, stage.name == "speak", k))
        chosen = np.sort(rng.integers(len(self.pictures), size=stage.batch))
        seen = views(self.pictures, chosen)
        with torch.autocast("cpu", torch.bfloat16):
            if stage.name == "look":
                _, loss = self.teacher.eye(seen)
                self.teacher.words = {"eye": loss.item()}
                return loss
            asked = ask(self.pictures, chosen, self.course.questions, rng)
            return self.teacher.loss(seen, self.scribe.branches(asked))

    def _save(self, stage: _Stage, optimizer: torch.optim.Optimizer) -> None:
        value = {"parts": self.parts.state_dict(), "optimizer": optimizer.state_dict(), "stage": stage.name}
        with atomic(self.state) as temporary:
            torch.save({**value, "done": dict(self.done), "seconds": self.seconds}, temporary)

    def _reported(self, stage: _Stage, k: int) -> str:
        losses = {name: round(value, 4) for name, value in self.teacher.words.items()}
        row = {"stage": stage.name, "step": k, "minutes": round(self.seconds / 60, 2), **losses, **self.tests(stage)}
        append_jsonl(self.course.out / "log.jsonl", row)
        return json.dumps(row)

    @torch.no_grad()
    def tests(self, stage: _Stage) -> dict[str, float]:
        """How it does on pictures it does not learn from: cells named right, or how surprising the right words are."""
        self.parts.eval()
        found: list[dict[str, float]] = []
        for first in range(0, TESTED, PICTURES):
            chosen = range(first, first + PICTURES)
            seen = views(self.tested, chosen)
            with torch.autocast("cpu", torch.bfloat16):
                if stage.name == "look":
                    cells, _ = self.teacher.eye(seen)
                    found.append(self.teacher.examiner.marks(cells, seen))
                else:
                    asked = ask(self.tested, chosen, self.course.questions, np.random.default_rng(first))
                    branches = self.scribe.branches(asked)
                    self.teacher.loss(seen, branches)
                    found.append({f"test {name}": value for name, value in self.teacher.words.items()})
        self.parts.train()
        return {name: round(float(np.mean([row[name] for row in found])), 4) for name in found[0]}

    def export(self, folder: Path) -> Path:
        """The model and its processor as save_pretrained writes them, in half precision."""
        return written(copy.deepcopy(self.teacher.model).to(torch.float16), self.processor, folder)


def _height(share: float) -> float:
    """The learning rate after a share of the steps: it rises, and falls like a cosine to a fiftieth."""
    return min(1.0, share / WARMUP + 0.01) * (0.49 * (1 + math.cos(math.pi * share)) + 0.02)


def pretrain(course: Course, progress: Progress = silent) -> Path:
    """The model's folder. Raises ConfigError where the folder belongs to another course."""
    _same(course)
    clock = Clock(progress)
    drawn = course.out / "scenes"
    pictures = draw_all(drawn, f"train-{course.seed}", course.scenes, clock.stage("draw"))
    tested = draw_all(drawn, "validation", TESTED, clock.stage("draw"))
    room = Classroom(course, pictures, tested)
    room.teach(clock)
    return room.export(course.out / "model")


def _same(course: Course) -> None:
    """Refuse a folder in which something else was begun."""
    path = course.out / "course.json"
    asked = {name: value for name, value in asdict(course).items() if name not in ("out", "save_every", "compile")}
    if path.exists() and read_json(path) != asked:
        raise ConfigError(f"{course.out} holds another course: {read_json(path)}; choose another folder")
    write_json(path, asked)
