"""The small policy on the real VIMA-Bench: taught on the tabletop alone, and again with episodes of the real oracle.

python -m studies.vima_bench --out build/vima

VIMA-Bench itself is needed (docs/vima.md). The real episodes are of its training partition. What was finished stays:
the same command goes on where it stopped.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro
from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED
from instar.build import BuildConfig, build
from instar.collect import CollectConfig, collect_demos
from instar.evaluate import EvaluateConfig, evaluate
from instar.progress import Clock, Progress
from instar.run import Run
from instar.simulators.vima.partitions import TASKS
from instar.train import train
from studies.command import carry_out
from studies.families import levels, report
from studies.llara import LEVELS
from studies.pages import introduced, table
from studies.training import training

# Success in per cent at L1, L2 and L3 as published (LLaRA, Li et al., ICLR 2025; VIMA, Jiang et al., ICML 2023).
PUBLISHED: Final = {"LLaRA-7B": (90.0, 88.1, 79.2), "VIMA-200M": (80.7, 81.9, 77.9)}
ALONE, WITH_REAL = "tabletop only", "and real episodes"
NEW_SEED: Final = 50_000  # of the tabletop's episodes, behind those that imago has seen


@dataclass(frozen=True)
class Study:
    """Which policy, and how much of everything."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")]
    policy: Annotated[tyro.conf.Positional[str], Doc("checkpoint that was taught on the tabletop")] = "imago"
    tasks: Annotated[str, Doc("task families, joined by +")] = "+".join(TASKS["placement"])
    real: Annotated[int, Doc("episodes of the real oracle to learn from, too; 0 leaves that out")] = 390
    rehearsed: Annotated[int, Doc("new episodes of the tabletop that are shown among those, against forgetting")] = 1600
    steps: Annotated[int, Doc("optimizer steps on both")] = 1000
    batch: Annotated[int, Doc("samples per step")] = 8
    lr: Annotated[float, Doc("highest learning rate")] = 3e-4
    episodes: Annotated[int, Doc("scenes of each family and level")] = 20
    workers: Annotated[int, Doc("simulator processes")] = 2
    write: Annotated[bool, Doc("put the tables into docs/results.md")] = True


def run(study: Study, progress: Progress) -> dict[str, Run]:
    """Play, learn from real episodes, and play again."""
    clock = Clock(progress)
    runs = {ALONE: _played(study, study.policy, "alone", clock)}
    if study.real:
        runs[WITH_REAL] = _played(study, str(_taught(study, clock)), "with-real", clock)
    return runs


def _taught(study: Study, clock: Clock) -> Path:
    raw, model = study.out / "raw", study.out / "model"
    real = f"vimabench:episodes={study.real},tasks={study.tasks}"
    collect_demos(CollectConfig(real, raw, workers=study.workers), clock.stage("collect"))
    sources = {"real": f"vima:{raw}"}
    if study.rehearsed:
        sources["rehearsed"] = f"tabletop:episodes={study.rehearsed},tasks={study.tasks},hand=steady,seed={NEW_SEED}"
    samples = {name: study.out / "samples" / name for name in sources}
    for name, demos in sources.items():
        build(BuildConfig(demos=demos, out=samples[name], auxiliary=("obj_loc",), workers=2), clock.stage("build"))
    chosen = {"steps": study.steps, "batch": study.batch, "lr": study.lr, "mixture": "obj_loc=0.15"}
    train(training([*samples.values()], study.policy, model, **chosen), clock.stage("train"))
    return model


def _played(study: Study, policy: str, name: str, clock: Clock) -> Run:
    benchmark = f"vima:tasks={study.tasks},suites={'+'.join(LEVELS.values())},per_task={study.episodes}"
    config = EvaluateConfig(
        policy, study.out / "runs" / name, benchmark, workers=study.workers, batch=16, videos="none"
    )
    return evaluate(config, clock.stage(f"evaluate {name}"))


def summary(runs: Mapping[str, Run]) -> str:
    """Success at each level beside what is published of larger models."""
    rows = [(f"instar, {name}", *levels(run.records)) for name, run in runs.items()]
    published = [(name, *(f"{value:.1f}" for value in values)) for name, values in PUBLISHED.items()]
    return table(("policy", *LEVELS), [*rows, *published])


def page(study: Study, runs: Mapping[str, Run], command: str) -> str:
    """The section of the results page: a summary, and a table by families for each of the runs."""
    seeds = {"first": FIRST_SEED, "last": FIRST_SEED + study.episodes - 1}
    introduction = introduced(INTRODUCTION, study, command, **seeds)
    tables = (f"### {name}\n\n{report(found.records)}" for name, found in runs.items())
    return "\n\n".join([introduction, summary(runs), *tables])


INTRODUCTION: Final = """## On the real VIMA-Bench

Made by `{command}`, commit {commit}, with the simulator itself (see [vima](vima.md)), on the seeds {first} to {last} of
every family at each level. *Tabletop only* has never seen VIMA-Bench: pictures, physics and prompts are those of
another program. The other was taught {steps} steps more on those of {real} episodes of the real oracle on the training
partition that it solved, among {rehearsed} new ones of the tabletop. Success with its Wilson interval at 95 %; each is
one training. Reference pictures are described by the truth, as in the published figures that are set beside, in per
cent: LLaRA-7B (Li et al., ICLR 2025), which learned from 80,000 real episodes, and VIMA-200M (Jiang et al., ICML 2023),
which learned from 650,000."""


if __name__ == "__main__":
    sys.exit(carry_out("vima_bench", __doc__, Study, run, page))
