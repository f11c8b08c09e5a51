"""The figures of a report: success, paired comparison, outcomes, latency and failures, ready to be drawn or printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from instar.metrics import Comparison, SuccessRate, compare
from instar.reporting.entries import Entry, comparable
from instar.reporting.plots import Histogram, histogram
from instar.rollout import EpisodeRecord, Outcome

MINUS: Final = "\u2212"
PERCENT_AXIS: Final = ((0, "0 %"), (25, "25"), (50, "50"), (75, "75"), (100, "100 %"))
POINTS_AXIS: Final = ((0, f"{MINUS}100"), (25, f"{MINUS}50"), (50, "0"), (75, "+50"), (100, "+100"))


@dataclass(frozen=True)
class Dot:
    """A value with its interval, in per cent of the axis."""

    index: int  # of the run
    row: int  # line within its cell
    at: float
    low: float
    high: float
    words: str  # empty where there is nothing to show


@dataclass(frozen=True)
class SuccessRow:
    """A task, a suite or everything: one dot per run."""

    label: str
    level: str  # "overall", "suite" or "task"
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class SuccessTable:
    """Success of every run, from everything down to single tasks."""

    rows: tuple[SuccessRow, ...]
    words: str
    axis: tuple[tuple[int, str], ...] = PERCENT_AXIS

    @property
    def places(self) -> tuple[int, ...]:
        """Where the grid lines are."""
        return tuple(at for at, _ in self.axis)


def rate_words(rate: SuccessRate | None) -> str:
    """So much as "85.0 % (17/20) [64, 95]"; empty where no episode counts."""
    if rate is None or rate.rate is None:
        return ""
    low, high = 100 * rate.interval.low, 100 * rate.interval.high
    return f"{100 * rate.rate:.1f} % ({rate.successes}/{rate.n}) [{low:.0f}, {high:.0f}]"


def success_table(entries: Sequence[Entry]) -> SuccessTable:
    """Overall first, then every suite followed by its tasks; a level that repeats the one above it is left out."""
    rows = [_row("All episodes", "overall", [entry.run.summary.overall for entry in entries])]
    suites = list(dict.fromkeys(name for entry in entries for name in entry.run.summary.suites))
    tasks = list(dict.fromkeys(name for entry in entries for name in entry.run.summary.tasks))
    for suite in suites:
        if len(suites) > 1:
            rows.append(_row(suite or "(no suite)", "suite", _of(entries, "suites", suite)))
        mine = [name for name in tasks if name.rpartition("/")[0] == suite]
        rows += [_row(name.rpartition("/")[2], "task", _of(entries, "tasks", name)) for name in mine]
    counted = sorted({entry.run.summary.overall.n for entry in entries})
    n = str(counted[0]) if len(counted) == 1 else f"{counted[0]} to {counted[-1]}"
    words = f"{len(tasks)} task{'' if len(tasks) == 1 else 's'}, {n} counted episodes a run."
    return SuccessTable(tuple(rows), words)


def _of(entries: Sequence[Entry], level: str, name: str) -> list[SuccessRate | None]:
    groups: list[Mapping[str, SuccessRate]] = [
        entry.run.summary.suites if level == "suites" else entry.run.summary.tasks for entry in entries
    ]
    return [group.get(name) for group in groups]


def _row(label: str, level: str, rates: Sequence[SuccessRate | None]) -> SuccessRow:
    return SuccessRow(label, level, tuple(_dot(k, rate) for k, rate in enumerate(rates)))


def _dot(index: int, rate: SuccessRate | None) -> Dot:
    if rate is None or rate.rate is None:
        return Dot(index, index, 0, 0, 100, "")
    low, high = (round(100 * end, 2) for end in (rate.interval.low, rate.interval.high))
    return Dot(index, index, round(100 * rate.rate, 2), low, high, rate_words(rate))


@dataclass(frozen=True)
class ComparisonRow:
    """One run against the first, episode by episode."""

    label: str
    dot: Dot
    difference: str  # "+12.0 points [+3.0, +21.0]"
    shared: int
    both: int
    gained: int  # this one alone succeeded
    lost: int  # the first alone succeeded
    neither: int
    p: str
    verdict: str


def comparison_rows(entries: Sequence[Entry]) -> list[ComparisonRow]:
    """Every run that shares episodes with the first against it."""
    first = entries[0]
    pairs = [(entry, compare(first.records, entry.records)) for entry in entries[1:] if comparable(first, entry)]
    return [_comparison(entry, found) for entry, found in pairs if found.n]


def _comparison(entry: Entry, found: Comparison) -> ComparisonRow:
    assert found.difference is not None
    assert found.interval is not None
    low, high = found.interval.low, found.interval.high
    words = f"{100 * found.difference:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]".replace("-", MINUS)
    at, left, right = (round(50 + 50 * value, 2) for value in (found.difference, low, high))
    dot = Dot(entry.index, 0, at, left, right, words)
    p = "< 0.001" if found.p < 0.001 else f"{found.p:.3f}"
    return ComparisonRow(
        entry.label, dot, words, found.n, found.both, found.only_b, found.only_a, found.neither, p, verdict(found)
    )


def verdict(found: Comparison) -> str:
    """What a paired comparison lets one say."""
    if found.only_a + found.only_b == 0:
        return "the same outcome on every shared episode"
    if found.p >= 0.05:
        return "not distinguishable on these episodes"
    return "better" if found.only_b > found.only_a else "worse"


@dataclass(frozen=True)
class Part:
    """One outcome's share of a bar, in per cent."""

    outcome: str
    count: int
    start: float
    width: float
    words: str


@dataclass(frozen=True)
class OutcomeBar:
    """How the episodes of a run ended."""

    index: int
    label: str
    parts: tuple[Part, ...]
    words: str


def outcome_bars(entries: Sequence[Entry]) -> list[OutcomeBar]:
    """One bar per run; outcomes that did not happen are left out."""
    return [_bar(entry) for entry in entries]


def _bar(entry: Entry) -> OutcomeBar:
    total, start, parts = len(entry.records), 0, []
    for outcome, count in entry.run.summary.outcomes.items():
        if count:
            words = f"{count} {outcome}"
            parts.append(Part(outcome, count, round(100 * start / total, 3), round(100 * count / total, 3), words))
            start += count
    return OutcomeBar(entry.index, entry.label, tuple(parts), ", ".join(part.words for part in parts))


def milliseconds(records: Sequence[EpisodeRecord]) -> list[float]:
    """The duration of every policy call on record; later actions of a chunk have none of their own."""
    return [step.milliseconds for record in records for step in record.trace if step.milliseconds > 0]


def latencies(entries: Sequence[Entry]) -> list[Histogram]:
    """A histogram per run that has clock readings, all on the same axis."""
    spent = {entry.index: milliseconds(entry.records) for entry in entries}
    every = [value for values in spent.values() for value in values]
    if not every:
        return []
    low, high = 0.8 * min(every), 1.25 * max(every)
    if high < 10 * low:  # a narrow axis would make noise look like a difference
        middle = (low * high) ** 0.5
        low, high = middle / 10**0.5, middle * 10**0.5
    return [
        histogram(entry.index, entry.label, spent[entry.index], low, high) for entry in entries if spent[entry.index]
    ]


@dataclass(frozen=True)
class FailureRow:
    """An episode that was no success, and why."""

    index: int
    label: str
    id: str
    outcome: str
    steps: int
    reason: str
    anchor: str  # of its pictures on the page; empty where there are none


def failure_rows(entries: Sequence[Entry], anchors: Mapping[str, str]) -> list[FailureRow]:
    """Every episode that was no success, by episode and then by run."""
    rows = [
        FailureRow(
            entry.index,
            entry.label,
            record.id,
            record.outcome.value,
            record.steps,
            record.error,
            anchors.get(record.id, ""),
        )
        for entry in entries
        for record in entry.records
        if record.outcome is not Outcome.SUCCESS
    ]
    order = {key: k for k, key in enumerate(ordered_ids(entries))}
    return sorted(rows, key=lambda row: (order[row.id], row.index))


def ordered_ids(entries: Sequence[Entry]) -> list[str]:
    """The ids of all episodes in any run, by suite, task and seed."""
    known = {record.id: (record.suite, record.task, record.seed) for entry in entries for record in entry.records}
    return sorted(known, key=lambda key: known[key])
