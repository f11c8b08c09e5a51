"""Does a policy listen and look, or has it memorised? One checkpoint, undisturbed and under each disturbance.

python -m studies.robustness CHECKPOINT --seeds 50 --suites placement
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from instar.benchmarks.grid import FIRST_SEED
from instar.errors import InstarError
from instar.evaluate import EvaluateConfig, evaluate
from instar.metrics import Interval
from instar.progress import Progress, silent
from instar.run import Run, compare_runs
from studies.pages import RESULTS, commit, table, write_section

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

    policy: str
    benchmark: str
    out: Path
    workers: int = 0
    batch: int = 16
    device: str = "auto"


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


def benchmark(options: argparse.Namespace) -> str:
    """The benchmark that the command line asks for."""
    chosen = {"per_task": options.seeds, "seed": options.first_seed, "tasks": options.tasks, "suites": options.suites}
    return "tabletop:" + ",".join(f"{name}={value}" for name, value in chosen.items() if value)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="one checkpoint, undisturbed and under each disturbance")
    parser.add_argument("policy", help="a checkpoint folder, or another policy that `instar eval` takes")
    parser.add_argument("--seeds", type=int, default=50, help="episodes of each task at each level")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="seeds count up from this")
    parser.add_argument("--tasks", default="", help="which tasks, as one+another; all of the benchmark, if left out")
    parser.add_argument("--suites", default="", help="which levels, as one+another")
    parser.add_argument("--out", type=Path, default=Path("runs/robustness"), help="folder of the run folders")
    parser.add_argument("--workers", type=int, default=0, help="simulator processes")
    parser.add_argument("--batch", type=int, default=16, help="contexts per call of the policy")
    parser.add_argument("--device", default="auto", help="where the checkpoint runs")
    parser.add_argument("--print-only", action="store_true", help="leave docs/results.md as it is")
    return parser.parse_args(words)


def main() -> int:
    """Play, print the table and write it into the results page."""
    options = parsed()
    study = Study(options.policy, benchmark(options), options.out, options.workers, options.batch, options.device)
    try:
        runs = play(study, lambda done, total, note: print(f"{done}/{total} {note}", file=sys.stderr, flush=True))
    except InstarError as error:
        sys.stderr.write(f"studies.robustness: {error}\n")
        return 2
    text = report(runs)
    sys.stdout.write(text + "\n")
    if not options.print_only:
        write_section(RESULTS, "robustness", f"{_introduction(options, study)}\n\n{text}")
    return 0


def _introduction(options: argparse.Namespace, study: Study) -> str:
    last = options.first_seed + options.seeds - 1
    command = " ".join(["python -m studies.robustness", *sys.argv[1:]])
    return INTRODUCTION.format(
        command=command,
        commit=commit(),
        benchmark=study.benchmark,
        first=options.first_seed,
        last=last,
    )


INTRODUCTION: Final = """## Does it listen and look?

Made by `{command}`, commit {commit}, on `{benchmark}`, seeds {first} to {last}. One checkpoint plays the same episodes
undisturbed and under each [disturbance](robustness.md). Success with its Wilson interval; the change from undisturbed
is paired by episode, with its bootstrap interval in points and McNemar's exact p. Under another episode's instruction
the scene's own task is judged, so a policy that listens fails there but for chance, and what it still solves it did
without listening. One training was evaluated: intervals over episodes say nothing of the luck of that training."""


if __name__ == "__main__":
    sys.exit(main())
