"""Three ways to a new domain, after the real-robot part of LLaRA (Li et al., ICLR 2025), over the same verbs.

    zero-shot   trained on the source alone
    finetune    the source's checkpoint, trained on with a few demonstrations of the target
    joint       trained on both at once, from the beginning

All are evaluated on the same episodes of the target. The source is the table as VIMA-Bench draws it and the target the
same table in its second look, unless other demonstrations and another benchmark are named.
"""

from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Final, Literal

from typing_extensions import Doc

from instar import plugins
from instar.build import BuildConfig, build
from instar.compare import Compared
from instar.errors import ConfigError
from instar.evaluate import EvaluateConfig, evaluate
from instar.progress import Clock, Progress, silent
from instar.report import ReportConfig, write_report
from instar.run import RUN, SAME_EPISODES, Run, compare_runs, read_run
from instar.samples import read_manifest
from instar.train import Lora, TrainConfig, train

Protocol = Literal["zero-shot", "finetune", "joint"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("zero-shot", "finetune", "joint")
SOURCE: Final = "source"  # the model that saw the source alone, and its run in the source's own world


@dataclass(frozen=True)
class TransferConfig:
    """What is learned from, what is learned for, and how much of it. The defaults are small enough for a laptop."""

    protocol: Annotated[Literal["zero-shot", "finetune", "joint", "all"], Doc("which of the three ways")] = "all"
    out: Annotated[Path, Doc("folder for all that is made; protocols share it, and what is there is not redone")] = (
        Path("transfer")
    )
    source: Annotated[str, Doc("demonstrations to learn from, with their options")] = (
        "tabletop:episodes=800,suite=real,hand=steady"
    )
    target: Annotated[str, Doc("the few demonstrations of the new domain")] = (
        "tabletop:episodes=100,suite=real,look=real,seed=50000,hand=steady"
    )
    benchmark: Annotated[str, Doc("what all are evaluated on, in the new domain")] = (
        "tabletop:suites=real,look=real,per_task=25"
    )
    source_benchmark: Annotated[
        str,
        Doc("what the source's model is evaluated on in its own domain, to see what the step costs; empty: nothing"),
    ] = "tabletop:suites=real,per_task=25"
    recipe: Annotated[str, Doc("how acting becomes talking, in both domains")] = "llara"
    auxiliary: Annotated[tuple[str, ...], Doc("questions beside the action ones, in both domains")] = ()
    model: Annotated[
        str,
        Doc("what to teach: larva comes with instar and can see; a folder is a checkpoint of yours; tiny:llava a toy"),
    ] = "larva"
    lora: Annotated[Lora, Doc("adapters in place of full finetuning; the source's are merged to be trained on")] = (
        field(default_factory=Lora)
    )
    freeze: Annotated[tuple[str, ...], Doc("parts that do not learn; none suits a model that has seen nothing")] = (
        "vision",
    )
    precision: Annotated[Literal["auto", "float32", "bfloat16"], Doc("auto: bfloat16 where the device has it")] = (
        "float32"
    )
    batch: Annotated[int, Doc("samples per step")] = 8
    steps: Annotated[int, Doc("optimizer steps on the source")] = 1000
    lr: Annotated[float, Doc("highest learning rate on the source, and of joint training; 2e-5 suits a real model")] = (
        1e-3
    )
    target_steps: Annotated[int, Doc("further steps of finetune on the target; joint training has both together")] = 300
    target_lr: Annotated[float, Doc("highest learning rate of those steps")] = 5e-4
    repeat: Annotated[int, Doc("how often joint training sees the target for every time it sees the source")] = 5
    seed: Annotated[int, Doc("of new weights and the order of samples")] = 0
    workers: Annotated[int, Doc("processes that build samples; 0 is one per core")] = 0
    loader_workers: Annotated[int, Doc("processes that feed the training; 0 does it in the training process")] = 1
    report: Annotated[Path | None, Doc("where the page goes; report.html in the folder where not given")] = None

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("target_steps", 0), ("repeat", 1), ("batch", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if self.source == self.target:
            raise ConfigError(f"source and target are both {self.source}; transfer needs two domains")

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """Those to walk."""
        return PROTOCOLS if self.protocol == "all" else (self.protocol,)


@dataclass(frozen=True)
class TransferSummary:
    """What the protocols came to."""

    runs: tuple[Run, ...]  # on the target, one per protocol that is there, in the order of PROTOCOLS
    source: Run | None  # the source's model in its own domain
    comparisons: tuple[Compared, ...]  # of every two of the runs, paired by episode
    report: Path
    minutes: dict[str, float]  # by stage


def transfer(config: TransferConfig, progress: Progress = silent) -> TransferSummary:
    """Walk the protocols. Every step resumes, and what they share is made once.

    Raises ConfigError where the folder holds something else under the same name, and MismatchError where source and
    target do not describe the same robot.
    """
    clock = Clock(progress)
    for name, demos in _needed(config).items():
        build(_samples(config, name, demos), clock.stage(f"build {name}"))
    _require_one_robot(config)
    _teach(config, clock)
    source = _at_home(config, clock)
    for name in config.protocols:
        evaluate(_evaluation(config, name, config.benchmark), clock.stage(f"evaluate {name}"))
    runs = _comparable(config)
    clock.stage("report")
    report = config.report or config.out / "report.html"
    write_report(ReportConfig(runs=tuple(run.folder for run in runs), out=report))
    pairs = tuple(Compared(a.name, b.name, compare_runs(a, b)) for a, b in combinations(runs, 2))
    return TransferSummary(runs, source, pairs, report, clock.minutes())


def _needed(config: TransferConfig) -> dict[str, str]:
    """The demonstrations that the protocols learn from, by the name of their samples."""
    demos = {SOURCE: config.source, "target": config.target}
    return {SOURCE: config.source} if config.protocols == ("zero-shot",) else demos


def _require_one_robot(config: TransferConfig) -> None:
    """Refuse, before any training, domains between which no policy could move."""
    manifests = {name: read_manifest(config.out / "samples" / name) for name in _needed(config)}
    robots = {f"the {name}'s demonstrations": manifest.robot for name, manifest in manifests.items()}
    for benchmark in filter(None, (config.benchmark, config.source_benchmark)):
        robots[benchmark] = plugins.make("simulators", plugins.make("benchmarks", benchmark).simulator()).robot
    (first, robot), *others = [(name, robot) for name, robot in robots.items() if robot is not None]
    for name, other in others:
        plugins.make("recipes", config.recipe).robot(robot).require(other, first, name)


def _teach(config: TransferConfig, clock: Clock) -> None:
    """Every checkpoint that the protocols need."""
    source, target = (config.out / "samples" / name for name in (SOURCE, "target"))
    if config.protocols != ("joint",):
        # It is trained on and must be whole: adapters could not be put on adapters.
        alone = replace(_training(config, SOURCE, (source,)), lora=replace(config.lora, merge=config.lora.rank > 0))
        train(alone, clock.stage("train source"))
    if "finetune" in config.protocols:
        further = _training(config, "finetune", (target,))
        model = str(_checkpoint(config, "zero-shot"))
        train(
            replace(further, model=model, steps=config.target_steps, lr=config.target_lr), clock.stage("train finetune")
        )
    if "joint" in config.protocols:
        both = _training(config, "joint", (source, *[target] * config.repeat))
        train(replace(both, steps=config.steps + config.target_steps), clock.stage("train joint"))


def _at_home(config: TransferConfig, clock: Clock) -> Run | None:
    """The source's model where it learned; None where nobody asks."""
    if not config.source_benchmark or config.protocols == ("joint",):
        return None
    evaluation = _evaluation(config, "zero-shot", config.source_benchmark)
    return evaluate(replace(evaluation, out=config.out / "runs" / SOURCE), clock.stage("evaluate source"))


def _comparable(config: TransferConfig) -> tuple[Run, ...]:
    """The runs of these protocols, and those that earlier calls left of the others on the same episodes."""
    folders = {name: config.out / "runs" / name for name in PROTOCOLS}
    runs = {name: read_run(folder) for name, folder in folders.items() if (folder / RUN).is_file()}
    played = [runs[config.protocols[0]].settings[what] for what in SAME_EPISODES]
    return tuple(run for run in runs.values() if run.whole and [run.settings[what] for what in SAME_EPISODES] == played)


def _checkpoint(config: TransferConfig, name: str) -> Path:
    return config.out / (SOURCE if name == "zero-shot" else name)


def _samples(config: TransferConfig, name: str, demos: str) -> BuildConfig:
    return BuildConfig(
        demos=demos,
        out=config.out / "samples" / name,
        recipe=config.recipe,
        auxiliary=config.auxiliary,
        workers=config.workers,
    )


def _training(config: TransferConfig, name: str, samples: tuple[Path, ...]) -> TrainConfig:
    return TrainConfig(
        samples=samples,
        model=config.model,
        out=config.out / name,
        steps=config.steps,
        batch=config.batch,
        lr=config.lr,
        optimizer="muon",
        betas=(0.9, 0.98),
        weight_decay=0.01,
        warmup=0.02,
        seed=config.seed,
        lora=config.lora,
        freeze=config.freeze,
        precision=config.precision,
        group="none",  # the order in which the published figures were made
        check=False,  # samples of our own making are whole
        loader_workers=config.loader_workers,
    )


def _evaluation(config: TransferConfig, name: Protocol, benchmark: str) -> EvaluateConfig:
    return EvaluateConfig(
        policy=str(_checkpoint(config, name)), benchmark=benchmark, out=config.out / "runs" / name, batch=32
    )
