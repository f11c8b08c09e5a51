"""Trainings that differ in their seed only, taken together: success, and the change from one kind to another."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from instar.metrics import compare, success_rate
from instar.rollout import EpisodeRecord
from instar.run import Run


def pooled(runs: Mapping[int, Run], suite: str | None = None) -> list[EpisodeRecord]:
    """The episodes of the runs of all training seeds, of one suite or of all, told apart by their seed."""
    return [
        replace(record, id=f"{record.id}/{seed}")
        for seed, run in runs.items()
        for record in run.records
        if suite in (None, record.suite)
    ]


def rates(records: Sequence[EpisodeRecord]) -> str:
    """Success in per cent of all trainings together with its interval, and of each alone."""
    rate = success_rate(records)
    assert rate.rate is not None
    seeds = sorted({record.id.rpartition("/")[2] for record in records})
    alone = [success_rate(record for record in records if record.id.endswith(f"/{seed}")).rate or 0.0 for seed in seeds]
    each = "/".join(f"{100 * one:.0f}" for one in alone)
    return f"{100 * rate.rate:.1f} [{100 * rate.interval.low:.1f}, {100 * rate.interval.high:.1f}] ({each})"


def change(plain: Sequence[EpisodeRecord], other: Sequence[EpisodeRecord]) -> str:
    """Points of success that `other` has more than `plain`, with its interval, paired by scene and training seed."""
    pair = compare(plain, other)
    assert pair.rate_a is not None
    assert pair.rate_b is not None
    assert pair.interval is not None
    more = 100 * (pair.rate_b - pair.rate_a)
    return f"{more:+.1f} [{100 * pair.interval.low:+.1f}, {100 * pair.interval.high:+.1f}]"
