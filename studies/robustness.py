"""Does a policy listen and look, or has it memorised? One checkpoint, undisturbed and under each disturbance.

python -m studies.robustness --suites placement
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import tyro
from typing_extensions import Doc

from instar.benchmarks.grid import FIRST_SEED
from instar.evaluate import EvaluateConfig, evaluate
from instar.metrics import Interval
from instar.progress import Progress, silent
from instar.run import Run, compare_runs
from studies.command import carry_out
from studies.pages import introduced, table

UNDISTURBED: Final = "nothing"
# What is disturbed, in words, and as `instar eval --disturb` takes it.
DISTURBANCES: Final = {
    UNDISTURBED: "",
    "other words": "paraphrase=true",
    "another episode's instruction": "swapped=true",
    "camera moved by 4 pixels": "shift=4",
    "camera moved by 8 pixels": "shift=8",
    "light, 30 %": "light=0.3",
    "noise, 8 of 255": "noise=8",
    "noise, 16 of 255": "noise=16",
    "words, 4 pixels, light and noise of 8": "paraphrase=true,shift=4,light=0.3,noise=8",
}
HEADER: Final = ("disturbed by", "option", "solved", "success", "95 % interval", "change", "95 % interval", "p")


@dataclass(frozen=True)
class Study:
    """One policy on one benchmark; every disturbance has a run folder in `out`, which is resumed."""

    policy: Annotated[tyro.conf.Positional[str], Doc("a checkpoint, or another policy that `instar eval` takes")] = (
        "imago"
    )
    out: Annotated[Path, Doc("folder of the run folders; the same command again goes on from where it stopped")] = Path(
        "runs/robustness"
    )
    seeds: Annotated[int, Doc("episodes of each task at each level")] = 50
    first_seed: Annotated[int, Doc("seeds count up from this")] = FIRST_SEED
    tasks: Annotated[str, Doc("which tasks, as one+another; all of the benchmark, if left out")] = ""
    suites: Annotated[str, Doc("which levels, as one+another; all, if left out")] = ""
    workers: Annotated[int, Doc("simulator processes")] = 0
    batch: Annotated[int, Doc("contexts per call of the policy")] = 16
    device: Annotated[str, Doc("where the checkpoint runs")] = "auto"
    write: Annotated[bool, Doc("put the table into docs/results.md")] = True

    @property
    def benchmark(self) -> str:
        """The benchmark, as `instar eval` takes it."""
        chosen = {"per_task": self.seeds, "seed": self.first_seed, "tasks": self.tasks, "suites": self.suites}
        return "tabletop:" + ",".join(f"{name}={value}" for name, value in chosen.items() if value)


def play(study: Study, progress: Progress = silent) -> dict[str, Run]:
    """A whole run for each disturbance, in their order. Raises ConfigError where `out` holds runs of other settings."""
    return {name: _played(study, option, progress) for name, option in DISTURBANCES.items()}


def _played(study: Study, option: str, progress: Progress) -> Run:
    called = option or "undisturbed"
    config = EvaluateConfig(
        study.policy,
        study.out / called.replace("=true", "").replace("=", "-").replace(",", "_"),
        study.benchmark,
        workers=study.workers,
        batch=study.batch,
        videos="none",
        device=study.device,
        disturb=option,
    )
    return evaluate(config, lambda done, total, note: progress(done, total, f"{called}: {note}"))


def report(runs: Mapping[str, Run]) -> str:
    """A row for each run: success, and the change from the undisturbed one, episode by episode."""
    plain = runs[UNDISTURBED]
    return table(HEADER, [_row(name, run, plain) for name, run in runs.items()])


def _row(name: str, run: Run, plain: Run) -> tuple[str, ...]:
    overall = run.summary.overall
    rate = "" if overall.rate is None else f"{100 * overall.rate:.1f} %"
    solved = f"{overall.successes} of {overall.n}" + (f", {overall.crashed} crashed" if overall.crashed else "")
    told = (name, f"`{run.disturbance}`" if run.disturbance else "", solved, rate, f"{_between(overall.interval)} %")
    if run is plain:
        return (*told, "", "", "")
    found = compare_runs(plain, run)
    if found.difference is None or found.interval is None:
        return (*told, "", "", "")
    return (*told, f"{100 * found.difference:+.1f} points", _between(found.interval, "+"), f"{found.p:.2g}")


def _between(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.low:{sign}.1f} to {100 * interval.high:{sign}.1f}"


def page(study: Study, runs: Mapping[str, Run], command: str) -> str:
    """The section of the results page."""
    seeds = {"benchmark": study.benchmark, "first": study.first_seed, "last": study.first_seed + study.seeds - 1}
    return f"{introduced(INTRODUCTION, study, command, **seeds)}\n\n{report(runs)}"


INTRODUCTION: Final = """## Does it listen and look?

Made by `{command}`, commit {commit}, on `{benchmark}`, seeds {first} to {last}. One checkpoint plays the same episodes
undisturbed and under each [disturbance](robustness.md). Success with its Wilson interval; the change from undisturbed
is paired by episode, with its bootstrap interval in points and McNemar's exact p. Under another episode's instruction
the scene's own task is judged, so a policy that listens fails there but for chance, and what it still solves it did
without listening. One training was evaluated: intervals over episodes say nothing of the luck of that training."""


if __name__ == "__main__":
    sys.exit(carry_out("robustness", __doc__, Study, play, page))
