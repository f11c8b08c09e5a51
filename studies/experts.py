"""How often the tabletop's scripted experts solve their own tasks, for every family of tasks at each of its levels.

python -m studies.experts --seeds 100
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from instar import plugins
from instar.benchmarks.grid import FIRST_SEED
from instar.evaluate import EXPERT, EvaluateConfig, evaluate
from instar.metrics import wilson
from instar.progress import Progress, silent
from instar.rollout import EpisodeRecord, Outcome
from studies.pages import RESULTS, table, write_section

HEADER: Final = ("task", "level", "solved", "95 % interval", "mean steps", "most steps")


def play(benchmark: str, workers: int, progress: Progress = silent) -> list[EpisodeRecord]:
    """The expert's episodes on a benchmark, in the benchmark's order."""
    with tempfile.TemporaryDirectory() as folder:
        config = EvaluateConfig(EXPERT, Path(folder) / "run", benchmark, workers=workers, videos="none")
        records = {record.id: record for record in evaluate(config, progress).records}
    return [records[trial.id] for trial in plugins.make("benchmarks", benchmark).episodes()]


def report(records: Sequence[EpisodeRecord]) -> str:
    """A row for each level of each task, one for all, and a list of the episodes that were not solved."""
    tasks = dict.fromkeys(record.task for record in records)
    pairs = [(task, suite) for task in tasks for suite in dict.fromkeys(record.suite for record in records)]
    groups = {pair: [record for record in records if (record.task, record.suite) == pair] for pair in pairs}
    rows = [row(task, suite, group) for (task, suite), group in groups.items() if group]
    lost = [record for record in records if record.outcome is not Outcome.SUCCESS]
    listed = "".join(f"* {record.id}: {record.outcome}, {record.error}\n" for record in lost)
    text = table(HEADER, [*rows, row("all", "all", records)])
    return f"{text}\n\nNot solved:\n\n{listed}" if lost else text


def row(task: str, suite: str, records: Sequence[EpisodeRecord]) -> tuple[str, ...]:
    """One row: an episode counts as solved if it ended in success, whatever else became of it, crashes included."""
    solved = sum(record.outcome is Outcome.SUCCESS for record in records)
    interval = wilson(solved, len(records))
    steps = [record.steps for record in records]
    return (
        task,
        suite,
        f"{solved} of {len(records)}",
        f"{100 * interval.low:.1f} to {100 * interval.high:.1f} %",
        f"{sum(steps) / len(steps):.2f}",
        str(max(steps)),
    )


def main() -> None:
    """Print the table and write it into the results page."""
    parser = argparse.ArgumentParser(description="how often the tabletop's experts solve their own tasks")
    parser.add_argument("--seeds", type=int, default=100, help="episodes of each task at each level")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="seeds count up from this")
    parser.add_argument("--workers", type=int, default=2, help="simulator processes")
    parser.add_argument("--print-only", action="store_true", help="leave docs/results.md as it is")
    options = parser.parse_args()
    records = play(f"tabletop:per_task={options.seeds},seed={options.first_seed}", options.workers)
    text = report(records)
    sys.stdout.write(text + "\n")
    if not options.print_only:
        last, command = options.first_seed + options.seeds - 1, f"python -m studies.experts --seeds {options.seeds}"
        introduction = INTRODUCTION.format(command=command, first=options.first_seed, last=last)
        write_section(RESULTS, "experts", f"{introduction}\n\n{text}")


INTRODUCTION: Final = """## The tabletop's experts

Made by `{command}`: the scripted expert plays every task at each of its levels, on the
seeds {first} to {last}, with at most 8 actions an episode as in LLaRA's evaluation. Intervals are Wilson's."""


if __name__ == "__main__":
    main()
