"""One small policy for every family of tasks: taught on the tabletop, judged at each of its levels.

python -m studies.families --out build/families

The policy that it leaves in OUT/imago, in half precision, is what is played, and what comes with instar after --release
src/instar/models/imago. What was finished stays: the same command goes on where it stopped.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED
from instar.build import BuildConfig, build
from instar.evaluate import EvaluateConfig, evaluate
from instar.metrics import success_rate
from instar.progress import Clock, Progress
from instar.rollout import EpisodeRecord
from instar.run import Run
from instar.simulator import repeated
from instar.simulators.vima.partitions import TASKS
from instar.train import train
from studies.command import carry_out
from studies.llara import LEVELS
from studies.pages import introduced, table
from studies.release import halved, release
from studies.training import training

EASY: Final = ("rotate", "visual_manipulation")
HARD: Final = ("novel_adj", "pick_in_order_then_restore", "rearrange", "rearrange_then_restore")
SHARES: Final = dict.fromkeys(EASY, 1) | dict.fromkeys(HARD, 4) | {"manipulate_old_neighbor": 6}
TAUGHT: Final = "+".join(f"{task}*{SHARES.get(task, 2)}" for task in TASKS["placement"])  # what is easy, less often


@dataclass(frozen=True)
class Study:
    """How much of everything."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")]
    model: Annotated[str, Doc("what the training begins with")] = "larva"
    tasks: Annotated[str, Doc("task families, joined by +; demonstrated three times as often with *3")] = TAUGHT
    demonstrations: Annotated[int, Doc("episodes of the scripted expert to learn from, over all families")] = 18000
    steps: Annotated[int, Doc("optimizer steps")] = 6000
    batch: Annotated[int, Doc("samples per step")] = 8
    lr: Annotated[float, Doc("highest learning rate")] = 1e-3
    mixture: Annotated[str, Doc("how many of which questions, as `instar train` takes it")] = "obj_loc=0.1"
    episodes: Annotated[int, Doc("scenes of each family and level")] = 100
    release: Annotated[Path | None, Doc("folder that the policy and its card are put into")] = None
    write: Annotated[bool, Doc("put the table into docs/results.md")] = True


def run(study: Study, progress: Progress) -> Run:
    """Teach, and play what is not played yet."""
    clock, samples, model = Clock(progress), study.out / "samples", study.out / "model"
    demos = f"tabletop:episodes={study.demonstrations},tasks={study.tasks},hand=steady"
    build(BuildConfig(demos=demos, out=samples, auxiliary=("obj_loc",), workers=2), clock.stage("build"))
    chosen = {"steps": study.steps, "batch": study.batch, "lr": study.lr, "mixture": study.mixture}
    train(training((samples,), study.model, model, **chosen), clock.stage("train"))
    policy = halved(model, study.out / NAME)
    suites = "+".join(LEVELS.values())
    benchmark = f"tabletop:tasks={'+'.join(repeated(study.tasks))},suites={suites},per_task={study.episodes}"
    return evaluate(
        EvaluateConfig(str(policy), study.out / "run", benchmark, batch=64, videos="none"), clock.stage("evaluate")
    )


def report(records: Sequence[EpisodeRecord]) -> str:
    """A row for every family, a column for every level, and one row for all."""
    tasks = dict.fromkeys(record.task for record in records)
    rows = [(task, *levels([record for record in records if record.task == task])) for task in tasks]
    return table(("task", *LEVELS), [*rows, ("**all**", *levels(records))])


def levels(records: Sequence[EpisodeRecord]) -> list[str]:
    """Success at each level."""
    return [_rate([record for record in records if record.suite == suite]) for suite in LEVELS.values()]


def _rate(records: Sequence[EpisodeRecord]) -> str:
    rate = success_rate(records)
    if rate.rate is None:
        return "-"
    crashed = f", {rate.crashed} crashed" if rate.crashed else ""
    between = f"{100 * rate.interval.low:.1f} to {100 * rate.interval.high:.1f}"
    return f"{rate.successes} of {rate.n}{crashed}: {100 * rate.rate:.1f} % ({between})"


def page(study: Study, found: Run, command: str) -> str:
    """The section of the results page, which is most of the policy's card, too."""
    seeds = {"first": FIRST_SEED, "last": FIRST_SEED + study.episodes - 1}
    told = f"{introduced(INTRODUCTION, study, command, **seeds)}\n\n{report(found.records)}"
    if study.release:
        release(study.out / NAME, study.release, f"{ABOUT}\n\n{told}\n")
    return told


NAME: Final = "imago"

ABOUT: Final = """# imago

A policy of 4.9 million weights that plays thirteen families of tasks on the tabletop: `larva`, taught to act. It is a
checkpoint of `instar train` in half precision: `instar eval --policy imago` plays it, `instar train --model imago` goes
on from it.

* **Reads** the front camera, 256 by 128 pixels, and instructions in LLaRA's words with what reference pictures show
  (D-inBC); **says** where to pick and where to place, and by how much to turn, as its grammar has it.
* **Knows** one table, one camera and the words of these tasks. It was never shown another simulator or a real robot.
* Licence: Apache-2.0."""

INTRODUCTION: Final = """## One small policy for every family

Made by `{command}`, commit {commit}: {model} is finetuned in {steps} steps of {batch} samples on {demonstrations}
demonstrations of the scripted expert with a steady hand, fewer of what is easy, told as D-inBC, and plays the seeds
{first} to {last} of every family at each level. Success with its Wilson interval at 95 %. It is one training: the
intervals are over episodes and say nothing of the luck of a training. L3 has shapes and textures that neither larva nor
the policy was ever shown."""


if __name__ == "__main__":
    sys.exit(carry_out("families", __doc__, Study, run, page))
