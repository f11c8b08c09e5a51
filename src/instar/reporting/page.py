"""The page as the template sees it: every figure, table and sentence of a report in the order they are read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from instar import __version__
from instar.reporting.entries import NOTHING, Entry, benchmark_name, command, disagreements, facts, training
from instar.reporting.gallery import Gallery, Group, gallery
from instar.reporting.plots import Curve, Histogram, Series, curve
from instar.reporting.tables import (
    POINTS_AXIS,
    ComparisonRow,
    FailureRow,
    OutcomeBar,
    SuccessTable,
    comparison_rows,
    failure_rows,
    latencies,
    outcome_bars,
    success_table,
)
from instar.rollout import Outcome

CURVES: Final = 4  # metrics of training that are drawn; the loss is always the first


@dataclass(frozen=True)
class Card:
    """One run in a nutshell."""

    index: int
    label: str
    rate: str
    interval: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Provenance:
    """How to play a run again."""

    index: int
    label: str
    command: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Page:
    """Everything on the page."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    cards: tuple[Card, ...]
    success: SuccessTable
    comparisons: tuple[ComparisonRow, ...]
    comparison_words: str
    outcomes: tuple[OutcomeBar, ...]
    outcome_names: tuple[str, ...]
    curves: tuple[Curve, ...]
    latencies: tuple[Histogram, ...]
    latency_words: str
    gallery: tuple[Group, ...]
    gallery_words: str
    failures: tuple[FailureRow, ...]
    failure_words: str
    provenance: tuple[Provenance, ...]
    shown: int  # episodes with pictures on the page
    filmed: int  # episodes with pictures on disk
    version: str = __version__
    comparison_axis: tuple[tuple[int, str], ...] = POINTS_AXIS

    @property
    def curved(self) -> set[int]:
        """The runs that have learning curves."""
        return {line.index for plot in self.curves for line in plot.lines}

    @property
    def failed_names(self) -> tuple[str, ...]:
        """The outcomes in the table of failures."""
        return tuple(name for name in self.outcome_names if name != Outcome.SUCCESS)


def compose(entries: Sequence[Entry], title: str, most: int, checkpoints: Sequence[Path] = ()) -> Page:
    """The page about `entries`, with pictures of at most `most` episodes."""
    pictures = gallery(entries, most)
    bars = outcome_bars(entries)
    present = {part.outcome for bar in bars for part in bar.parts}
    failures = failure_rows(entries, pictures.anchors)
    return Page(
        title=title or default_title(entries),
        subtitle=_subtitle(entries),
        notes=tuple(disagreements(entries)),
        cards=tuple(_card(entry) for entry in entries),
        success=success_table(entries),
        comparisons=tuple(comparison_rows(entries)),
        comparison_words="Every pair is the same task and the same seed, so differences between scenes cancel out. "
        "McNemar's exact test looks at the episodes in which only one of the two succeeds.",
        outcomes=tuple(bars),
        outcome_names=tuple(outcome.value for outcome in Outcome if outcome.value in present),
        curves=tuple(_curves(entries, checkpoints)),
        latencies=tuple(latencies(entries)),
        latency_words="How long one call of the policy took, on a logarithmic axis. A call answers all episodes that "
        "were waiting at the time, so it is not the time of a single answer.",
        gallery=pictures.groups,
        gallery_words=_gallery_words(pictures),
        failures=tuple(failures),
        failure_words=f"{len(failures)} of {sum(len(entry.records) for entry in entries)} episodes.",
        provenance=tuple(
            Provenance(entry.index, entry.label, command(entry.run), tuple(facts(entry.run))) for entry in entries
        ),
        shown=pictures.shown,
        filmed=pictures.filmed,
    )


def default_title(entries: Sequence[Entry]) -> str:
    """Such as "llara on tabletop", or "3 policies on tabletop"."""
    benchmarks = list(dict.fromkeys(benchmark_name(entry.run) for entry in entries))
    who = entries[0].label if len(entries) == 1 else f"{len(entries)} policies"
    return f"{who} on {' and '.join(benchmarks)}"


def _subtitle(entries: Sequence[Entry]) -> str:
    ids = [{record.id for record in entry.records} for entry in entries]
    if len(entries) == 1:
        return f"{entries[0].played.capitalize()}, played by {entries[0].label}."
    shared = len(set.intersection(*ids))
    return f"{len(entries)} runs; {shared} episodes, each with the same task and seed, were played by all of them."


def _card(entry: Entry) -> Card:
    overall = entry.run.summary.overall
    rate = NOTHING if overall.rate is None else f"{100 * overall.rate:.1f} %"
    low, high = 100 * overall.interval.low, 100 * overall.interval.high
    shown = [
        ("run", entry.run.name),
        ("benchmark", benchmark_name(entry.run)),
        ("played", entry.played),
    ]
    if entry.run.disturbance:
        shown.append(("disturbed by", entry.run.disturbance))
    if overall.crashed:
        shown.append(("crashed", f"{overall.crashed}, not counted"))
    interval = f"{overall.successes} of {overall.n}, 95 % interval {low:.1f} to {high:.1f} %"
    return Card(entry.index, entry.label, rate, interval, tuple(shown))


def _gallery_words(pictures: Gallery) -> str:
    words = (
        "Circle: where the policy picks. Cross: where it places. Open a step to read what was asked and said. "
        f"{pictures.shown} episodes with pictures, failures first"
    )
    left_out = pictures.filmed - pictures.shown
    return f"{words}; {left_out} more were filmed and are left out to keep the page light." if left_out else f"{words}."


def _curves(entries: Sequence[Entry], checkpoints: Sequence[Path]) -> list[Curve]:
    """One figure per metric that was logged, the loss first."""
    by_name: dict[str, list[Series]] = {}
    for entry in entries:
        for name, series in training(entry, checkpoints).items():
            known = by_name.setdefault(name, [])
            twin = any((other.steps, other.values) == (series.steps, series.values) for other in known)
            known.append(replace(series, dashed=twin, noisy=name != "learning_rate"))
    names = sorted(by_name, key=lambda name: (name != "loss", "loss" not in name))
    return [curve(name.replace("_", " "), by_name[name]) for name in names[:CURVES]]
