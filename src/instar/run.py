"""A run on disk: run.json says how to do it again, episodes.jsonl what happened, manifest.json that it is whole."""

import contextlib
import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

from instar.errors import ConfigError, DataError, MismatchError
from instar.files import MANIFEST, append_jsonl, canonical_json, door, read_json, read_jsonl, write_bytes, write_json
from instar.metrics import Comparison, Summary, compare, summarise
from instar.rollout import EpisodeRecord, Outcome

logger = logging.getLogger(__name__)

RUN: Final = "run.json"
EPISODES: Final = "episodes.jsonl"
FORMAT: Final = "instar-run/1"

# What two runs over the same episodes have in common.
SAME_EPISODES: Final = ("benchmark", "simulator")


@dataclass(frozen=True)
class Run:
    """A run as it lies in its folder, whole or not."""

    folder: Path
    description: Mapping[str, Any]  # run.json: format, settings, policy, versions
    records: tuple[EpisodeRecord, ...]  # by suite, task and seed
    whole: bool  # every episode of the run is there

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.resolve().name

    @property
    def settings(self) -> Mapping[str, Any]:
        """All that decides what happens in the run."""
        settings: Mapping[str, Any] = self.description["settings"]
        return settings

    @property
    def recipe(self) -> str:
        """Who reads what its policy says; empty where it does not speak, or where an older instar played it."""
        return str(self.description.get("recipe", ""))

    @property
    def disturbance(self) -> str:
        """What its policy was told and shown otherwise than it was; empty where nothing."""
        return str(self.settings.get("disturb", ""))

    @cached_property
    def summary(self) -> Summary:
        """The run in numbers."""
        return summarise(self.records)

    def to_json(self) -> dict[str, Any]:
        """Where it is, what it was and how it went, without the single episodes."""
        return {
            "folder": str(self.folder),
            "whole": self.whole,
            "settings": dict(self.settings),
            "summary": self.summary.to_json(),
        }


def read_run(folder: Path) -> Run:
    """The run in `folder`. Raises DataError if there is none or it is damaged."""
    if not (folder / RUN).is_file():
        raise DataError(f"{folder}: no run here ({RUN} is missing); `instar eval --out {folder}` makes one")
    description = read_json(folder / RUN)
    if not isinstance(description, dict) or description.get("format") != FORMAT or "settings" not in description:
        raise DataError(f"{folder / RUN}: not a run of the format {FORMAT}")
    return Run(folder, description, tuple(read_records(folder)), (folder / MANIFEST).is_file())


def read_records(folder: Path) -> list[EpisodeRecord]:
    """All records of a run, by suite, task and seed. Raises DataError if an episode is there twice."""
    path = folder / EPISODES
    records = [EpisodeRecord.from_json(row) for row in read_jsonl(path)]
    known: set[str] = set()
    for record in records:
        if record.id in known:
            raise DataError(f"{path}: episode {record.id} is there twice; were two evaluations writing at once?")
        known.add(record.id)
    return sorted(records, key=lambda record: (record.suite, record.task, record.seed))


@contextlib.contextmanager
def open_run(
    folder: Path, settings: Mapping[str, Any], about: Mapping[str, Any], *, retry_crashed: bool
) -> Iterator[Run]:
    """The run in `folder`, begun or resumed, and this process alone writing to it.

    `about` is stored with a new run but not compared: versions. Raises ConfigError if the run was begun with other
    settings or somebody else is writing to it.
    """
    if not (folder / RUN).exists():
        _refuse_foreign(folder)
        write_json(folder / RUN, {"format": FORMAT, "settings": settings, **about})
    with door(folder / RUN):
        held = (folder / RUN).open("rb")
    with held:
        _lock(held, folder)
        run = read_run(folder)
        _refuse_other(run, settings)
        yield _without_crashed(run) if retry_crashed else run


def _lock(file: BinaryIO, folder: Path) -> None:
    """Hold the run until `file` is closed, by us or by the end of this process, however it ends."""
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ConfigError(
            f"{folder}: another evaluation is writing here; wait for it or choose another --out"
        ) from error
    except OSError:
        logger.warning("%s: this file system has no locks; let only one evaluation write here", folder)


def _refuse_other(run: Run, settings: Mapping[str, Any]) -> None:
    others = [key for key in sorted({*settings, *run.settings}) if _differs(settings, run.settings, key)]
    if others:
        told = "; ".join(f"{key}: {run.settings.get(key)!r} there, {settings.get(key)!r} now" for key in others)
        raise ConfigError(f"{run.folder} holds a run with other settings; choose another folder ({told})")


def _refuse_foreign(folder: Path) -> None:
    for name in (EPISODES, MANIFEST):
        if (folder / name).exists():
            raise ConfigError(f"{folder}: has {name} but no {RUN}: not a run of ours; choose another folder")


def _differs(mine: Mapping[str, Any], theirs: Mapping[str, Any], key: str) -> bool:
    # By their JSON: a tuple that came back as a list is no difference.
    return canonical_json(mine.get(key)) != canonical_json(theirs.get(key))


def _without_crashed(run: Run) -> Run:
    """The run after its crashed episodes were struck from the file, so that they are played again."""
    kept = [record for record in run.records if record.outcome is not Outcome.CRASHED]
    if len(kept) == len(run.records):
        return run
    (run.folder / MANIFEST).unlink(missing_ok=True)
    rows = "".join(canonical_json(record.to_json()) + "\n" for record in kept)
    write_bytes(run.folder / EPISODES, rows.encode())
    return read_run(run.folder)


def append_record(folder: Path, record: EpisodeRecord) -> None:
    """Add an episode to the run; on disk when this returns."""
    append_jsonl(folder / EPISODES, record.to_json())


def close_run(folder: Path, timing: Mapping[str, Any] | None = None) -> Run:
    """Mark the run as whole and return it. `timing` tells what the time went into that the last episodes took."""
    run = read_run(folder)
    # Written last: its presence means the folder is whole.
    told = {"timing": timing} if timing is not None else {}
    summary = run.summary.to_json()
    write_json(folder / MANIFEST, {"kind": "run", "episodes": len(run.records), "summary": summary, **told})
    return read_run(folder)


def differing(a: Run, b: Run) -> tuple[str, ...]:
    """The settings in which two runs differ, sorted: the policy, or how it was asked."""
    return tuple(key for key in sorted({*a.settings, *b.settings}) if _differs(a.settings, b.settings, key))


def compare_runs(a: Run, b: Run, seed: int = 0) -> Comparison:
    """Pair two runs episode by episode. Raises MismatchError if equal ids do not mean equal episodes."""
    for what in SAME_EPISODES:
        if _differs(a.settings, b.settings, what):
            mine, theirs = a.settings.get(what), b.settings.get(what)
            raise MismatchError(f"{a.folder} and {b.folder} cannot be paired: {what} is {mine} and {theirs}")
    return compare(a.records, b.records, seed)
