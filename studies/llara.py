"""LLaRA's study in small: how success grows with demonstrations, for five ways to tell them, at equal budgets.

python -m studies.llara --out build/llara

Every way (arm) learns from the same demonstrations and is judged on the same scenes, with several seeds of training,
once with equal optimizer steps and once with equal epochs. What was finished stays: the same command goes on. Trainings
this small leave cores idle: with --share, several processes do them side by side. The first share builds the samples
for all of them, so start the others when it has begun to train; at the end, the command without --share reports.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

from typing_extensions import Doc

from instar.build import BuildConfig, build
from instar.errors import ConfigError
from instar.evaluate import EvaluateConfig, evaluate
from instar.metrics import success_rate
from instar.progress import Clock, Progress, silent
from instar.rollout import EpisodeRecord
from instar.run import Run, read_run
from instar.train import train
from instar.walkthrough import TASKS
from studies.command import carry_out
from studies.figure import Line, Panel, draw
from studies.pages import RESULTS, introduced, table
from studies.pooled import change, pooled, rates
from studies.training import training

Budget = Literal["steps", "epochs"]
LEVELS: Final = {"L1": "placement", "L2": "combinatorial", "L3": "novel_object"}
FIGURE: Final = RESULTS.with_name("llara-study.svg")


@dataclass(frozen=True)
class Arm:
    """One way to turn demonstrations into conversations."""

    name: str
    recipe: str
    auxiliary: bool = False
    mixture: str | None = None


ARMS: Final = (
    Arm("inBC", "llara:describe=false"),
    Arm("D-inBC", "llara"),
    Arm("D-inBC + Aux B", "llara", auxiliary=True, mixture="B"),
    Arm("D-inBC + Aux D", "llara", auxiliary=True, mixture="D"),
    Arm("D-RT-2", "llara:actions=bins"),
)


@dataclass(frozen=True)
class Study:
    """How much of everything."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")]
    model: Annotated[str, Doc("what every training begins with")] = "larva"
    tasks: Annotated[str, Doc("task families, joined by +")] = TASKS
    sizes: Annotated[tuple[int, ...], Doc("demonstrations to learn from, over all families")] = (50, 200, 800)
    seeds: Annotated[int, Doc("trainings of each kind, which differ in nothing but their seed")] = 3
    steps: Annotated[int, Doc("optimizer steps where steps are equal")] = 400
    epochs: Annotated[float, Doc("times every sample is seen where epochs are equal")] = 2.0
    budgets: Annotated[tuple[Budget, ...], Doc("what is equal")] = ("steps", "epochs")
    batch: Annotated[int, Doc("samples per step")] = 8
    lr: Annotated[float, Doc("highest learning rate")] = 1e-3
    episodes: Annotated[int, Doc("scenes of each family and level")] = 10
    write: Annotated[bool, Doc("put table and figure into docs/results.md")] = True
    share: Annotated[
        tuple[int, int], Doc("1 2 does only the first half of the trainings, 2 2 the second, in another process")
    ] = (1, 1)

    def __post_init__(self) -> None:
        if not 1 <= self.share[0] <= self.share[1]:
            raise ConfigError(f"share={self.share}: say which of how many, from 1 on")


@dataclass(frozen=True)
class Cell:
    """One training of the study."""

    arm: Arm
    size: int
    budget: Budget
    seed: int

    def folder(self, out: Path) -> Path:
        """Where it is kept."""
        arm = self.arm.name.lower().replace(" + ", "-").replace(" ", "-")
        return out / f"{arm}-{self.size}-{self.budget}-{self.seed}"


def cells(study: Study) -> Iterator[Cell]:
    """All trainings, the first seed of all of them first."""
    for seed in range(study.seeds):
        for budget in study.budgets:
            for size in study.sizes:
                yield from (Cell(arm, size, budget, seed) for arm in ARMS)


def mine(study: Study) -> list[Cell]:
    """The trainings of this process's share."""
    return list(cells(study))[study.share[0] - 1 :: study.share[1]]


def run(study: Study, progress: Progress) -> dict[Cell, Run]:
    """Do what is not done yet of this process's share; the first process builds all samples before it trains."""
    found, todo = {}, mine(study)
    if study.share[0] == 1:
        first = list(cells(replace(study, seeds=1, budgets=study.budgets[:1])))
        for k, cell in enumerate(first):
            name = f"samples of {cell.arm.name}, {cell.size} demonstrations"
            _samples(study, cell, partial(_within, progress, (k, len(first)), name))
    for k, cell in enumerate(todo):
        name = f"{cell.arm.name}, {cell.size} demonstrations, equal {cell.budget}, seed {cell.seed}"
        progress(k, len(todo), name)
        tell = partial(_within, progress, (k, len(todo)), name)
        found[cell] = _played(study, cell, Clock(tell))
    return found


def _within(progress: Progress, place: tuple[int, int], name: str, done: int, total: int, note: str) -> None:
    """Tell how far one training is, at its place among all."""
    progress(*place, f"{name}: {note} {done}/{total}")


def _played(study: Study, cell: Cell, clock: Clock) -> Run:
    folder = cell.folder(study.out)
    run = folder / "run"
    if (run / "manifest.json").exists():
        return read_run(run)
    train(
        training(
            (_samples(study, cell),),
            study.model,
            folder / "model",
            steps=study.steps if cell.budget == "steps" else None,
            epochs=study.epochs,
            batch=study.batch,
            lr=study.lr,
            seed=cell.seed,
            mixture=cell.arm.mixture,
        ),
        clock.stage("train"),
    )
    suites = "+".join(LEVELS.values())
    benchmark = f"tabletop:tasks={study.tasks},suites={suites},per_task={study.episodes}"
    config = EvaluateConfig(str(folder / "model"), run, benchmark, batch=64, videos="none")
    return evaluate(config, clock.stage("evaluate"))


def _samples(study: Study, cell: Cell, progress: Progress = silent) -> Path:
    """Those of the arm and the size; arms with the same recipe share them where they can."""
    kind = cell.arm.recipe.replace(":", "-").replace("=", "-") + ("-auxiliary" if cell.arm.auxiliary else "")
    out = study.out / "samples" / f"{kind}-{cell.size}"
    demos = f"tabletop:episodes={cell.size},tasks={study.tasks},hand=steady"
    auxiliary = ("all",) if cell.arm.auxiliary else ()
    build(BuildConfig(demos=demos, out=out, recipe=cell.arm.recipe, auxiliary=auxiliary, workers=2), progress)
    return out


def report(study: Study, runs: dict[Cell, Run]) -> str:
    """Tables for both budgets, and what adding to the plain way changes, pair by pair."""
    sections = []
    for budget in study.budgets:
        what = f"{study.steps} steps" if budget == "steps" else f"{study.epochs:g} epochs"
        sections.append(f"### Equal {budget}: {what} of {study.batch} samples\n\n{_table(study, runs, budget)}")
        sections.append(f"Change against D-inBC, paired by scene and training seed:\n\n{_changes(study, runs, budget)}")
    return "\n\n".join(sections)


def _table(study: Study, runs: dict[Cell, Run], budget: Budget) -> str:
    header = ("arm", "level", *(f"{size} demonstrations" for size in study.sizes))
    rows = []
    for arm in ARMS:
        for level, suite in LEVELS.items():
            pooled = [_pooled(runs, arm, size, budget, suite) for size in study.sizes]
            rows.append((arm.name, level, *(rates(records) for records in pooled)))
    return table(header, rows)


def _changes(study: Study, runs: dict[Cell, Run], budget: Budget) -> str:
    plain = next(arm for arm in ARMS if arm.name == "D-inBC")
    header = ("arm", "level", *(f"{size} demonstrations" for size in study.sizes))
    rows = []
    for arm in ARMS:
        for level, suite in LEVELS.items() if arm != plain else ():
            row = [change(*(_pooled(runs, one, size, budget, suite) for one in (plain, arm))) for size in study.sizes]
            rows.append((arm.name, level, *row))
    return table(header, rows)


def _pooled(runs: dict[Cell, Run], arm: Arm, size: int, budget: Budget, suite: str) -> list[EpisodeRecord]:
    """The episodes of all training seeds at one level, told apart by their seed."""
    found = {cell.seed: run for cell, run in runs.items() if (cell.arm, cell.size, cell.budget) == (arm, size, budget)}
    return pooled(found, suite)


def panels(study: Study, runs: dict[Cell, Run]) -> list[Panel]:
    """Success against demonstrations, a picture for each budget and level."""
    found = []
    for budget in study.budgets:
        for level, suite in LEVELS.items():
            lines = []
            for arm in ARMS:
                rates = [success_rate(_pooled(runs, arm, size, budget, suite)) for size in study.sizes]
                points = [(float(size), 100 * (rate.rate or 0.0), 100 * rate.interval.low, 100 * rate.interval.high)
                          for size, rate in zip(study.sizes, rates, strict=True)]  # fmt: skip
                lines.append(Line(arm.name, tuple(points)))
            found.append(Panel(f"{level}, equal {budget}", tuple(lines)))
    return found


def page(study: Study, runs: dict[Cell, Run], command: str) -> str:
    """The section of the results page, whose figure is drawn beside it; nothing while trainings are missing."""
    if len(runs) < len(list(cells(study))):
        print(f"{len(runs)} trainings are done; without --share the same command reports when the others are, too")
        return ""
    if study.write:
        FIGURE.write_text(draw(panels(study, runs)), encoding="utf-8")
    introduction = introduced(INTRODUCTION, study, command, families=study.tasks.replace("+", ", "))
    return f"{introduction}\n\n![The figure]({FIGURE.name})\n\n{report(study, runs)}"


INTRODUCTION: Final = """## LLaRA's study in small

Made by `{command}`, commit {commit}. The model that comes with instar is finetuned on demonstrations (of the expert
with a steady hand, as in the demo) of the families {families}, told in five ways, and acts in {episodes} unseen scenes
of every family at each level. {seeds} trainings of each kind differ in their seed only. Success in per cent with its
Wilson interval at 95 % over the episodes of all trainings; in parentheses each training alone: intervals over episodes
say nothing of the luck of a training, the spread of the trainings does.

It shows what the ways of telling bring to a small model that has learned to see and point, from few demonstrations in
one simulated world. It does not show what they bring to LLaVA with 7 billion weights: larva has practised in
pretraining much of what the auxiliary tasks ask, on pictures of the same kind, and LLaVA has not; and where epochs are
equal, arms with auxiliary samples take several times the steps of the others, so that compares budgets as well."""


if __name__ == "__main__":
    sys.exit(carry_out("llara", __doc__, Study, run, page))
