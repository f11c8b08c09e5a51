"""The whole road on one machine in minutes: demonstrations, samples, a checkpoint, four policies, a report."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from typing_extensions import Doc

from instar.build import BuildConfig, build
from instar.evaluate import EvaluateConfig, evaluate
from instar.progress import Clock, Progress, silent
from instar.report import ReportConfig, write_report
from instar.run import Run
from instar.simulator import repeated
from instar.train import Lora, TrainConfig, train

POLICIES: Final = ("expert", "trained", "untrained", "random")
TASKS: Final = "visual_manipulation+rotate+scene_understanding+rearrange+follow_order+sweep_without_exceeding"
# What takes longer to learn is shown more often.
TAUGHT: Final = (
    "visual_manipulation*2+rotate+scene_understanding*3+rearrange*4+follow_order*4+sweep_without_exceeding*4"
)


@dataclass(frozen=True)
class DemoConfig:
    """How much of everything. The defaults take minutes on two cores."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")] = (
        Path("demo")
    )
    tasks: Annotated[
        str, Doc("task families of the tabletop, joined by +; demonstrated three times as often with *3")
    ] = TAUGHT
    demonstrations: Annotated[int, Doc("episodes of the scripted expert to learn from, over all families")] = 800
    model: Annotated[
        str,
        Doc("what to teach: larva comes with instar and can see; a folder is a checkpoint of yours; tiny:llava a toy"),
    ] = "larva"
    lora: Annotated[Lora, Doc("adapters in place of full finetuning")] = field(default_factory=Lora)
    steps: Annotated[int, Doc("optimizer steps of the training")] = 500
    batch: Annotated[int, Doc("samples per step")] = 8
    lr: Annotated[float, Doc("highest learning rate")] = 1e-3
    episodes: Annotated[int, Doc("evaluation episodes per family")] = 25
    seed: Annotated[int, Doc("of new weights and the order of samples")] = 0
    recipe: Annotated[str, Doc("how acting becomes talking, with its options")] = "llara"
    auxiliary: Annotated[tuple[str, ...], Doc("questions beside the action ones")] = ("obj_loc",)
    mixture: Annotated[str | None, Doc("how many of which questions, as `instar train` takes it")] = "obj_loc=0.1"


@dataclass(frozen=True)
class DemoSummary:
    """What the walk came to."""

    runs: tuple[Run, ...]  # expert, trained, untrained, random
    report: Path
    minutes: dict[str, float]  # by stage


def walk(config: DemoConfig, progress: Progress = silent) -> DemoSummary:
    """Walk the road. Every step resumes, so an interrupted demo goes on where it stopped."""
    clock = Clock(progress)
    build(_samples(config), clock.stage("build"))
    train(_training(config, "untrained", steps=0), clock.stage("untrained model"))
    train(_training(config, "trained", steps=config.steps), clock.stage("train"))
    runs = tuple(evaluate(_evaluation(config, name), clock.stage(f"evaluate {name}")) for name in POLICIES)
    report = config.out / "report.html"
    clock.stage("report")
    compared = sorted(runs, key=lambda run: run.name != "trained")  # the others are compared with the first
    write_report(ReportConfig(runs=tuple(run.folder for run in compared), out=report))
    return DemoSummary(runs, report, clock.minutes())


def _samples(config: DemoConfig) -> BuildConfig:
    demos = f"tabletop:episodes={config.demonstrations},tasks={config.tasks},seed={config.seed},hand=steady"
    out = config.out / "samples"
    return BuildConfig(demos=demos, out=out, recipe=config.recipe, auxiliary=config.auxiliary, workers=2)


def _training(config: DemoConfig, name: str, steps: int) -> TrainConfig:
    return TrainConfig(
        samples=(config.out / "samples",),
        model=config.model,
        out=config.out / name,
        steps=steps,
        batch=config.batch,
        lr=config.lr,
        optimizer="muon",
        betas=(0.9, 0.98),
        weight_decay=0.01,
        warmup=0.02,
        seed=config.seed,
        mixture=config.mixture,
        lora=config.lora,
        freeze=() if config.model.startswith("tiny:") else ("vision",),  # a toy has seen nothing worth keeping
        check=False,  # samples of our own making are whole
        loader_workers=1,
    )


def _evaluation(config: DemoConfig, name: str) -> EvaluateConfig:
    return EvaluateConfig(
        policy=str(config.out / name) if name in ("trained", "untrained") else name,
        benchmark=f"tabletop:tasks={'+'.join(repeated(config.tasks))},suites=placement,per_task={config.episodes}",
        out=config.out / "runs" / name,
        workers=0,
        batch=32,
    )
