"""The runs of a report side by side: short names, how much of each was played, and how its policy was taught."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instar.errors import DataError
from instar.evaluate import identity
from instar.files import read_jsonl
from instar.plugins import Choice
from instar.reporting.plots import Series
from instar.rollout import EpisodeRecord
from instar.run import SAME_EPISODES, Run, read_run

NOTHING: Final = "\u2013"  # stands where there is no value
CARD: Final = "card.json"  # of a checkpoint
METRICS: Final = "metrics.jsonl"  # what training logs, in the folder of the checkpoint


@dataclass(frozen=True)
class Entry:
    """One run of a report."""

    index: int  # place in the report: decides colour and mark
    label: str  # short, and no other entry has it
    run: Run
    planned: int | None  # episodes of the whole run; None where nobody knows

    @property
    def records(self) -> tuple[EpisodeRecord, ...]:
        """What was played so far."""
        return self.run.records

    @property
    def played(self) -> str:
        """So much as "120 episodes", or "37 of 120 episodes" of a run that is not whole."""
        n = len(self.records)
        if self.run.whole:
            return f"{n} episode{'' if n == 1 else 's'}"
        return f"{n} of {self.planned if self.planned is not None else 'an unknown number of'} episodes"


def read_entries(folders: Sequence[Path]) -> list[Entry]:
    """The runs in `folders`, in order. Raises DataError where one is missing, damaged or empty."""
    runs = [_read(folder) for folder in folders]
    labels = _labels(runs)
    return [Entry(k, label, run, planned(run)) for k, (run, label) in enumerate(zip(runs, labels, strict=True))]


def _read(folder: Path) -> Run:
    run = read_run(folder)
    if not run.records:
        raise DataError(f"{folder}: no episode of this run was played to an end yet; run it again to go on")
    return run


def planned(run: Run) -> int | None:
    """How many episodes the whole run has; None where nobody knows."""
    count = _mapping(run.settings.get("episodes")).get("count")
    return len(run.records) if run.whole else count if isinstance(count, int) else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def policy_name(run: Run) -> str:
    """The name of a run's policy, without its options; the folder's where there is none."""
    return str(_mapping(run.settings.get("policy")).get("name") or run.name)


def policy_choice(run: Run) -> str:
    """The policy of a run with its options, as a user would type it."""
    return str(Choice(policy_name(run), _mapping(_mapping(run.settings.get("policy")).get("options"))))


def benchmark_name(run: Run) -> str:
    """The benchmark of a run, without its options."""
    return str(_mapping(run.settings.get("benchmark")).get("name") or "an unnamed benchmark")


def _labels(runs: Sequence[Run]) -> list[str]:
    """The policy's name, with as much besides as it takes to tell the runs apart: options, folder, whole path.

    What a run was disturbed by is always told.
    """
    labels = [policy_name(run) + _disturbed(run) for run in runs]
    for longer in (policy_choice, _with_folder, _with_path):
        labels = [
            longer(run) + _disturbed(run) if labels.count(label) > 1 else label
            for run, label in zip(runs, labels, strict=True)
        ]
    return labels


def _disturbed(run: Run) -> str:
    return f" under {run.disturbance}" if run.disturbance else ""


def _with_folder(run: Run) -> str:
    return f"{policy_name(run)} ({run.name})"


def _with_path(run: Run) -> str:
    return f"{policy_name(run)} ({run.folder})"


def told(value: object) -> str:
    """A recorded value for people to read: a choice as it would be typed, other things as short as they go."""
    if isinstance(value, Mapping) and set(value) == {"name", "options"}:
        return str(Choice.from_json(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {told(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(told(item) for item in value)
    return NOTHING if value is None or value == "" else str(value)


def command(run: Run) -> str:
    """The command that plays these episodes again, ready for a shell: as recorded, or from the run's settings."""
    said = run.description.get("command")
    if said:
        return shlex.join(str(part) for part in said) if isinstance(said, list) else str(said)
    words = ["instar", "eval", "--policy", policy_choice(run), "--out", "again"]
    for name in ("benchmark", "replan", "limit", "dtype", "disturb"):
        if run.settings.get(name) is not None:
            words += [f"--{name}", told(run.settings[name])]
    words += _asked(run.settings)
    return shlex.join(words + ["--no-constrained"] * (run.settings.get("constrained") is False))


def _asked(settings: Mapping[str, Any]) -> list[str]:
    """The options of how a checkpoint was asked; where a detector lay is not on record."""
    words = []
    if "references" in settings:
        who = settings["references"]
        said = f"{who['detector']}:FOLDER,threshold={who['threshold']}" if isinstance(who, Mapping) else str(who)
        words += ["--references", said]
    if "naming" in settings:
        words += ["--naming", str(settings["naming"])]
    if settings.get("prompt"):
        words += ["--prompt", str(Choice("", settings["prompt"])).removeprefix(":")]
    return words


def facts(run: Run) -> list[tuple[str, str]]:
    """Everything that was recorded about a run, flattened to dotted names, without its command."""
    return [(name, text) for name, text in _flat(run.description, "") if name != "command"]


def _flat(value: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        if isinstance(item, Mapping) and item and set(item) != {"name", "options"}:
            rows += _flat(item, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", told(item)))
    return rows


def disagreements(entries: Sequence[Entry]) -> list[str]:
    """What stands in the way of a fair comparison, in sentences; none where nothing does."""
    notes = [f"{entry.label} is not complete: {entry.played} so far." for entry in entries if not entry.run.whole]
    first = entries[0]
    for entry in entries[1:]:
        notes += _disagreements(first, entry)
    for entry in entries:
        crashed = entry.run.summary.overall.crashed
        if crashed:
            plural = "s" if crashed > 1 else ""
            notes.append(f"{entry.label}: the simulator crashed in {crashed} episode{plural}; these count for nothing.")
    return notes


def _disagreements(first: Entry, other: Entry) -> list[str]:
    for what in SAME_EPISODES:
        mine, theirs = told(first.run.settings.get(what)), told(other.run.settings.get(what))
        if mine != theirs:
            return [
                f"{other.label} was played on another {what} than {first.label} ({theirs}, not {mine}): not paired."
            ]
    here, there = ({record.id for record in entry.records} for entry in (first, other))
    planned_alike = told(first.run.settings.get("episodes")) == told(other.run.settings.get("episodes"))
    unfinished = not (first.run.whole and other.run.whole)
    if here == there or (planned_alike and unfinished):
        return []
    words = (
        f"{first.label} and {other.label} played different episodes: {len(here & there)} are shared, "
        f"{len(here - there)} only in the first, {len(there - here)} only in the second. Only shared ones are paired."
    )
    return [words]


def comparable(first: Entry, other: Entry) -> bool:
    """Whether equal ids mean equal episodes in both runs, and some are equal."""
    same = all(told(first.run.settings.get(what)) == told(other.run.settings.get(what)) for what in SAME_EPISODES)
    return same and bool({record.id for record in first.records} & {record.id for record in other.records})


def training(entry: Entry, checkpoints: Sequence[Path] = ()) -> dict[str, Series]:
    """What was logged when the run's policy was trained, by name of the metric; none where the log is not found.

    The checkpoint is looked for in `checkpoints` and beside the run, and known by its digest. Rows of `metrics.jsonl`
    are (step, name, value). Raises DataError for other rows.
    """
    folder = checkpoint(entry.run, checkpoints)
    by_name: dict[str, list[tuple[int, float]]] = {}
    for row in read_jsonl(folder / METRICS) if folder else []:
        try:
            by_name.setdefault(str(row["name"]), []).append((int(row["step"]), float(row["value"])))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{folder}: {METRICS} has a row without step, name and value: {str(row)[:100]}") from error
    return {name: _series(entry, rows) for name, rows in by_name.items()}


def _series(entry: Entry, rows: Sequence[tuple[int, float]]) -> Series:
    ordered = sorted(dict(rows).items())  # a resumed training logs a step again: the later value counts
    return Series(entry.index, entry.label, tuple(step for step, _ in ordered), tuple(value for _, value in ordered))


def checkpoint(run: Run, checkpoints: Sequence[Path] = ()) -> Path | None:
    """The folder of the checkpoint that a run played, if it is one of `checkpoints`, beside the run or one level up."""
    wanted = _mapping(run.settings.get("policy")).get("digest")
    if not wanted:
        return None
    beside = run.folder.resolve().parent
    nearby = [card.parent for place in (beside, beside.parent) for card in sorted(place.glob(f"*/{CARD}"))]
    for folder in (*checkpoints, *nearby):
        if identity(str(folder)).get("digest") == wanted:
            return folder
    return None
