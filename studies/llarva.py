"""LLARVA's study in small: what visual traces bring, and numbers in units against bins, on the arm and on Meta-World.

python -m studies.llarva --out build/llarva --worlds arm

Four ways to answer learn from the same demonstrations of one world, with equal optimizer steps and several seeds of
training, and are judged on the same scenes; the untrained model is the fifth. What was finished stays: the same command
goes on. With --share, several processes do the trainings side by side: the first share builds the samples for all of
them, so start the others when it has begun to train; at the end, the command without --share reports. Meta-World needs
its own interpreter (INSTAR_METAWORLD_PYTHON, see docs/metaworld.md).
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from typing_extensions import Doc

from instar.build import BuildConfig, build
from instar.errors import ConfigError
from instar.evaluate import EvaluateConfig, evaluate
from instar.progress import Clock, Progress, silent
from instar.run import Run, read_run
from instar.train import train
from studies.command import carry_out
from studies.pages import introduced, table
from studies.pooled import change, pooled, rates
from studies.training import training


@dataclass(frozen=True)
class World:
    """Where it is played, and how often the policy is asked."""

    title: str
    demos: str
    benchmark: str
    recipe: str  # what all ways have in common
    replan: int  # actions that are taken of each answer


_ARM: Final = "tasks={tasks},cameras=front,control=key_pose"
WORLDS: Final = {
    "arm": World(
        "the arm, by key poses",
        "arm:episodes={episodes}," + _ARM,
        "arm:suites=seen,per_task={scenes}," + _ARM,
        "llarva:steps=1,history=1,points=6,decimals=3,state=x+y+z+gripper",
        1,
    ),
    "metaworld": World(
        "Meta-World",
        "metaworld:episodes={episodes},tasks={tasks}",
        "metaworld:per_task={scenes},tasks={tasks}",
        "llarva:steps=4,history=1,points=6,decimals=2",
        2,
    ),
}
TASKS: Final = {
    "arm": "push_buttons+pick_and_lift+slide_block_to_target+close_jar",
    "metaworld": "reach-v3+push-v3+drawer-open-v3+button-press-topdown-v3+window-open-v3",
}
# By name: what the recipe is told besides.
WAYS: Final = {
    "numbers": "trace=none",
    "traces, numbers": "trace=before",
    "bins": "trace=none,bins=256",
    "traces, bins": "trace=before,bins=256",
}
PLAIN: Final = "numbers"
UNTRAINED: Final = "untrained"


@dataclass(frozen=True)
class Study:
    """How much of everything."""

    out: Annotated[Path, Doc("folder for all that is made; the same command again goes on from where it stopped")]
    model: Annotated[str, Doc("what every training begins with")] = "larva"
    worlds: Annotated[tuple[str, ...], Doc("where: arm, metaworld")] = ("arm", "metaworld")
    episodes: Annotated[int, Doc("demonstrations to learn from, over all tasks")] = 400
    seeds: Annotated[int, Doc("trainings of each kind, which differ in nothing but their seed")] = 3
    steps: Annotated[int, Doc("optimizer steps of each training")] = 400
    batch: Annotated[int, Doc("samples per step")] = 8
    lr: Annotated[float, Doc("highest learning rate")] = 1e-3
    scenes: Annotated[int, Doc("scenes of each task that a policy is judged on")] = 20
    write: Annotated[bool, Doc("put the tables into docs/results.md")] = True
    share: Annotated[
        tuple[int, int], Doc("1 2 does only the first half of the trainings, 2 2 the second, in another process")
    ] = (1, 1)

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.worlds) - set(WORLDS)):
            raise ConfigError(f"worlds: no {', '.join(unknown)}; there are {', '.join(WORLDS)}")
        if not 1 <= self.share[0] <= self.share[1]:
            raise ConfigError(f"share={self.share}: say which of how many, from 1 on")


@dataclass(frozen=True)
class Cell:
    """One training of the study, or the untrained model."""

    world: str
    way: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where it is kept."""
        return out / f"{self.world}-{self.way.replace(', ', '-')}-{self.seed}"


def cells(study: Study) -> Iterator[Cell]:
    """All trainings, the first seed of all of them first."""
    for world in study.worlds:
        yield Cell(world, UNTRAINED, 0)
    for seed in range(study.seeds):
        for world in study.worlds:
            yield from (Cell(world, way, seed) for way in WAYS)


def run(study: Study, progress: Progress) -> dict[Cell, Run]:
    """Do what is not done yet of this process's share; the first process builds all samples before it trains."""
    todo = list(cells(study))[study.share[0] - 1 :: study.share[1]]
    if study.share[0] == 1:
        for cell in cells(replace(study, seeds=1)):
            _samples(study, cell, partial(_within, progress, (0, len(todo)), f"samples of {cell.world}, {cell.way}"))
    found = {}
    for k, cell in enumerate(todo):
        name = f"{cell.world}, {cell.way}, seed {cell.seed}"
        progress(k, len(todo), name)
        found[cell] = _played(study, cell, Clock(partial(_within, progress, (k, len(todo)), name)))
    return found


def _within(progress: Progress, place: tuple[int, int], name: str, done: int, total: int, note: str) -> None:
    """Tell how far one training is, at its place among all."""
    progress(*place, f"{name}: {note} {done}/{total}")


def _played(study: Study, cell: Cell, clock: Clock) -> Run:
    folder, world = cell.folder(study.out), WORLDS[cell.world]
    if (folder / "run" / "manifest.json").exists():
        return read_run(folder / "run")
    steps = 0 if cell.way == UNTRAINED else study.steps
    train(
        training(
            (_samples(study, cell),),
            study.model,
            folder / "model",
            steps=steps,
            batch=study.batch,
            lr=study.lr,
            seed=cell.seed,
        ),
        clock.stage("train"),
    )
    benchmark = world.benchmark.format(scenes=study.scenes, tasks=TASKS[cell.world])
    config = EvaluateConfig(
        str(folder / "model"), folder / "run", benchmark, batch=64, replan=world.replan, videos="none"
    )
    return evaluate(config, clock.stage("evaluate"))


def _samples(study: Study, cell: Cell, progress: Progress = silent) -> Path:
    """Those of the world told in this way; the untrained model is asked in the plain one."""
    way, world = PLAIN if cell.way == UNTRAINED else cell.way, WORLDS[cell.world]
    out = study.out / "samples" / f"{cell.world}-{way.replace(', ', '-')}"
    demos = world.demos.format(episodes=study.episodes, tasks=TASKS[cell.world])
    build(BuildConfig(demos=demos, out=out, recipe=f"{world.recipe},{WAYS[way]}", workers=2), progress)
    return out


def page(study: Study, runs: dict[Cell, Run], command: str) -> str:
    """The section of the results page; nothing while trainings are missing."""
    if len(runs) < len(list(cells(study))):
        print(f"{len(runs)} trainings are done; without --share the same command reports when the others are, too")
        return ""
    sections = [f"### On {WORLDS[world].title}\n\n{_table(runs, world)}" for world in study.worlds]
    return "\n\n".join([introduced(INTRODUCTION, study, command), *sections])


def _table(runs: dict[Cell, Run], world: str) -> str:
    """Success of every way, and its change against the plain one, over all tasks and for each."""
    everything = {way: pooled(_of(runs, world, way)) for way in (*WAYS, UNTRAINED)}
    tasks = list(dict.fromkeys(record.task for record in everything[PLAIN]))
    rows = []
    for way, records in everything.items():
        against = "" if way in (PLAIN, UNTRAINED) else change(everything[PLAIN], records)
        each = [rates([record for record in records if record.task == task]) for task in tasks]
        rows.append((way, rates(records), against, *each))
    return table(("the answer", "all tasks", f"against {PLAIN}", *tasks), rows)


def _of(runs: dict[Cell, Run], world: str, way: str) -> dict[int, Run]:
    """By seed of training."""
    return {cell.seed: run for cell, run in runs.items() if (cell.world, cell.way) == (world, way)}


INTRODUCTION: Final = """## LLARVA's study in small

Made by `{command}`, commit {commit}. The model that comes with instar learns from {episodes} demonstrations of the
scripted experts of a world in {steps} steps of {batch} samples, told by the recipe `llarva` in four ways: actions as
numbers in their units, or each as one of 256 bins between its bounds; with the visual trace of the hand before them, or
without. It acts in {scenes} scenes of every task that it has not seen. {seeds} trainings of each kind differ in their
seed only. Success in per cent with its Wilson interval at 95 % over the episodes of all trainings; in parentheses each
training alone: intervals over episodes say nothing of the luck of a training. Changes are paired by scene and training
seed.

It shows what the ways of answering bring to a small model, which has learned to say numbers and points in pictures of
another world, from few demonstrations. It does not show what they bring to LLARVA with its pretraining on millions of
pictures of robots; and a trace costs tokens, so equal steps are not equal time."""


if __name__ == "__main__":
    sys.exit(carry_out("llarva", __doc__, Study, run, page))
