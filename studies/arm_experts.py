"""How often the arm's scripted experts solve their own tasks, in both suites and by every control.

python -m studies.arm_experts --seeds 50
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Final

from instar.benchmarks.grid import FIRST_SEED
from instar.rollout import EpisodeRecord, Outcome
from studies.experts import play, row
from studies.pages import table, write_section

PAGE: Final = Path(__file__).parents[1] / "docs" / "arm.md"
HEADER: Final = ("task", "suite", "solved", "95 % interval", "mean steps", "most steps")
OTHERS: Final = ("joint_velocity", "joint_position", "key_pose")


def report(records: Sequence[EpisodeRecord], others: Mapping[str, Sequence[EpisodeRecord]]) -> str:
    """A row for each suite of each task, for all, and for each other control; and what was not solved, as a list."""
    tasks, suites = (dict.fromkeys(getattr(record, what) for record in records) for what in ("task", "suite"))
    groups = [[one for one in records if (one.task, one.suite) == pair] for pair in product(tasks, suites)]
    rows = [row(group[0].task, group[0].suite, group) for group in groups if group]
    rows += [row("all", "all", records)]
    rows += [row(f"all, by {control}", group[0].suite, group) for control, group in others.items()]
    return "\n\n".join([table(HEADER, rows), *lost([*records, *(one for group in others.values() for one in group)])])


def lost(records: Sequence[EpisodeRecord]) -> list[str]:
    """The episodes that were not solved, as a list; none if all were."""
    found = [record for record in records if record.outcome is not Outcome.SUCCESS]
    listed = "\n".join(f"* {record.id}: {record.outcome}, {record.error}" for record in found)
    return [f"Not solved:\n\n{listed}"] if found else []


def main() -> None:
    """Print the tables and write them into the arm's page."""
    parser = argparse.ArgumentParser(description="how often the arm's experts solve their own tasks")
    parser.add_argument("--seeds", type=int, default=50, help="episodes of each task in each suite")
    parser.add_argument("--others", type=int, default=20, help="episodes of each task by each other control")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="seeds count up from this")
    parser.add_argument("--workers", type=int, default=0, help="simulator processes; 0 plays in this one")
    parser.add_argument("--print-only", action="store_true", help="leave docs/arm.md as it is")
    options = parser.parse_args()
    records = play(f"arm:per_task={options.seeds},seed={options.first_seed}", options.workers)
    chosen = f"arm:suites=seen,per_task={options.others},seed={options.first_seed}"
    others = {control: play(f"{chosen},control={control}", options.workers) for control in OTHERS}
    text = report(records, others)
    sys.stdout.write(text + "\n")
    if not options.print_only:
        command = f"python -m studies.arm_experts --seeds {options.seeds} --others {options.others}"
        write_section(PAGE, "experts", INTRODUCTION.format(command=command, first=options.first_seed) + "\n\n" + text)


INTRODUCTION: Final = """Made by `{command}`: the scripted expert plays
every task with seeds from {first} on, by motions of the hand five times a second, and fewer by each other control.
Intervals are Wilson's."""


if __name__ == "__main__":
    main()
