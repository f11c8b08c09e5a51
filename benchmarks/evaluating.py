"""Evaluating a model on the tabletop: simulators in processes and one batched policy against one episode at a time."""

import functools
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.harness import Comparison, Contender, Fact, Result, Size, compare
from instar import plugins
from instar.backbone import Backbone
from instar.build import BuildConfig, build
from instar.checkpoint import load_policy
from instar.evaluate import EvaluateConfig, play
from instar.playing.timesheet import Timesheet
from instar.policy import VlmPolicy
from instar.rollout import EpisodeRecord
from instar.simulator import Benchmark, Trial
from instar.train import TrainConfig, train

TASK: Final = "follow_order"
AIM: Final = 4.0

SETTING: Final = (
    f"The task is {TASK}, in scenes that were not taught; answers are constrained, in float32 on the CPU. The models "
    "are made on the spot and taught for a minute at most, so that they answer in whole sentences; that these are "
    "wrong makes them no faster. Loading is not timed, the start of the processes is."
)
FLOOR: Final = (
    "The floor is the larger of two: the seconds in which the model computes, and those in which each simulator "
    "process does. Above it are the start of the processes, the first contexts, for which the model waits, and the "
    "last answers, for which the simulators do."
)
GAIN: Final = (
    "How much a batch helps depends on the model. For a small one much of the time is Python between operations, which "
    "is the same for one context and for many. A larger one mostly multiplies matrices, which is as much work in any "
    "batch; what is gained is that weights are read from memory once for all contexts."
)


@dataclass(frozen=True)
class Model:
    """A model to evaluate, taught for so long that it answers in about as many words as one that knows."""

    name: str
    choice: str
    steps: int  # of its training
    lr: float
    episodes: int  # that it plays
    alone: int  # the first ones, which are enough to see how long one context a call takes
    batch: int  # contexts per call, where there are several
    rounds: int


MODELS: Final[dict[Size, tuple[Model, ...]]] = {
    "small": (Model("small", "tiny:demo,layers=1,side=64", 20, 5e-3, 6, 6, 32, 1),),
    "full": (
        Model("demo", "tiny:demo", 100, 2e-3, 640, 96, 64, 3),
        Model("middling", "tiny:demo,hidden=512,layers=8,vision_hidden=192,vision_layers=4", 16, 1e-3, 96, 16, 16, 2),
    ),
}


@dataclass
class Way:
    """A way of playing the same episodes, or the first of them."""

    name: str
    workers: int
    batch: int
    sheet: Timesheet = field(default_factory=Timesheet)  # of the last time
    records: dict[str, EpisodeRecord] = field(default_factory=dict)

    def contender(self, policy: VlmPolicy, trials: Sequence[Trial]) -> Contender:
        """The way as one who competes."""
        return Contender(self.name, functools.partial(self.play, policy, trials))

    def play(self, policy: VlmPolicy, trials: Sequence[Trial]) -> float:
        """Play all episodes; how many there were."""
        self.sheet = Timesheet()
        # Nothing is filmed, so nothing is written to `out`.
        config = EvaluateConfig("expert", Path(), workers=self.workers, batch=self.batch, videos="none")
        maker = functools.partial(plugins.make, "simulators", "tabletop")
        self.records = {record.id: record.untimed() for record in play(policy, maker, trials, config, self.sheet)}
        return len(self.records)


def run(size: Size) -> Result:
    """Evaluate each model in four ways."""
    comparisons: list[Comparison] = []
    facts: list[Fact] = []
    with tempfile.TemporaryDirectory() as folder:
        samples = _samples(Path(folder), size)
        for model in MODELS[size]:
            policy = _taught(model, samples, Path(folder) / model.name)
            ways = _ways(model.batch)
            comparisons.append(_compared(model, policy, ways))
            facts += _facts(model, ways)
    return Result("Evaluation", tuple(comparisons), tuple(facts), (SETTING, FLOOR, GAIN))


def _ways(batch: int) -> tuple[Way, ...]:
    workers = max(1, (os.cpu_count() or 1) - 1)
    return (
        Way("one episode at a time", 0, 1),
        Way(f"{workers} simulator process{'es' * (workers > 1)}, one context a call", workers, 1),
        Way(f"one process, {batch} contexts a call", 0, batch),
        Way(f"{workers} simulator process{'es' * (workers > 1)}, {batch} contexts a call", workers, batch),
    )


def _compared(model: Model, policy: VlmPolicy, ways: Sequence[Way]) -> Comparison:
    per_task = f"tabletop:tasks={TASK},suites=placement,per_task={model.episodes}"
    benchmark: Benchmark = plugins.make("benchmarks", per_task)
    trials = benchmark.episodes()
    played = {way.name: trials if way.batch > 1 else trials[: model.alone] for way in ways}
    what = f"{model.name} model, {_parameters(policy) / 1e6:.1f} M parameters"
    return compare(what, "episodes", [way.contender(policy, played[way.name]) for way in ways], model.rounds, AIM)


def _facts(model: Model, ways: Sequence[Way]) -> Iterator[Fact]:
    """What the last way spent its time on, and whether all ways saw the same."""
    sheet, alone = ways[-1].sheet, ways[0].records
    other = sum(way.records[id] != record for way in ways[1:] for id, record in alone.items())
    floor = max(sheet.asking, sheet.simulating / sheet.workers)
    yield Fact(f"{model.name}: episodes that another way played otherwise", other, "episodes", "0", other == 0)
    yield Fact(f"{model.name}: the model computes", 100 * sheet.model, "% of the time")
    yield Fact(f"{model.name}: a simulator process computes", 100 * sheet.simulators, "% of the time")
    yield Fact(f"{model.name}: contexts per call", sheet.contexts / sheet.calls, "contexts")
    yield Fact(f"{model.name}: the model, per episode", 1000 * sheet.asking / model.episodes, "ms")
    yield Fact(f"{model.name}: the simulator, per episode", 1000 * sheet.simulating / model.episodes, "ms")
    yield Fact(f"{model.name}: time over the floor, the busier of the two", sheet.seconds / floor, "times")


def _parameters(policy: VlmPolicy) -> int:
    assert isinstance(policy.speaker, Backbone)
    return sum(weights.numel() for weights in policy.speaker.model.parameters())


def _samples(folder: Path, size: Size) -> Path:
    """Demonstrations of the task, to teach the models how one answers."""
    demos = f"tabletop:tasks={TASK},episodes={16 if size == 'small' else 150}"
    build(BuildConfig(demos=demos, out=folder / "samples", recipe="llara", workers=1))
    return folder / "samples"


def _taught(model: Model, samples: Path, out: Path) -> VlmPolicy:
    config = TrainConfig(
        samples=(samples,),
        model=model.choice,
        out=out,
        steps=model.steps,
        batch=8,
        lr=model.lr,
        warmup=0.1,
        freeze=(),
        precision="float32",
        device="cpu",
        loader_workers=0,
    )
    return load_policy(train(config).checkpoint, device="cpu")
