"""A training run on disk: what it is, the states it can go on from, and its metrics. No torch here.

out/.state/run.json            what is trained on what; another run does not continue this one
out/.state/checkpoint-40/      everything transformers' Trainer needs to go on after step 40
out/.state/checkpoint-40/manifest.json    written last: the state is whole
out/metrics.jsonl              rows of step, name, value
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from instar.errors import ConfigError
from instar.files import JSON, MANIFEST, append_jsonl, read_json, read_jsonl, write_bytes, write_json

STATE = ".state"
METRICS = "metrics.jsonl"
RUN = "run.json"


@dataclass(frozen=True)
class Run:
    """The folder `out` of one training run while it is not finished."""

    out: Path

    @property
    def states(self) -> Path:
        """Where the states are kept until the checkpoint is written."""
        return self.out / STATE

    def claim(self, identity: Mapping[str, JSON]) -> None:
        """Begin or continue the run that `identity` describes. Raises ConfigError naming what differs from before."""
        described = self.states / RUN
        if described.exists():
            require_same(self.out, read_json(described), identity)
        elif self.out.exists() and any(path.name != STATE for path in self.out.iterdir()):
            raise ConfigError(f"{self.out} is not empty and holds no run of instar; choose another folder")
        else:
            write_json(described, identity)

    def latest(self) -> Path | None:
        """The newest whole state, None before the first."""
        whole = [path for path in self._found() if (path / MANIFEST).exists()]
        return whole[-1] if whole else None

    def seal(self, step: int, keep: int) -> None:
        """Declare the state of `step` whole and remove all but the `keep` newest before it."""
        write_json(self.states / f"checkpoint-{step}" / MANIFEST, {"step": step})
        newest = [path for path in self._found() if (path / MANIFEST).exists()][-keep:]
        for path in self._found():
            if path not in newest and step_of(path) < step:
                (path / MANIFEST).unlink(missing_ok=True)  # first, so that half a state never passes for a whole one
                shutil.rmtree(path)

    def rewind(self, step: int) -> None:
        """Forget what came after `step`: the torn states and the metrics of work that will be done again."""
        for path in self._found():
            if step_of(path) > step:
                shutil.rmtree(path)  # torn: a whole one would have been gone on from
        rows = [row for row in read_jsonl(self.out / METRICS) if row["step"] <= step]
        if rows or (self.out / METRICS).exists():
            write_bytes(self.out / METRICS, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode())

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """Add one row per value to metrics.jsonl."""
        for name, value in values.items():
            append_jsonl(self.out / METRICS, {"step": step, "name": name, "value": value})

    def last_loss(self) -> float | None:
        """The loss recorded last, None before the first."""
        losses = [row["value"] for row in read_jsonl(self.out / METRICS) if row["name"] == "loss"]
        return float(losses[-1]) if losses else None

    def finish(self) -> None:
        """Remove the states: the checkpoint is written."""
        shutil.rmtree(self.states, ignore_errors=True)

    def _found(self) -> list[Path]:
        paths = [path for path in self.states.glob("checkpoint-*") if re.fullmatch(r"checkpoint-\d+", path.name)]
        return sorted(paths, key=step_of)


def step_of(state: Path) -> int:
    """The optimizer step after which a state was saved."""
    return int(state.name.rpartition("-")[2])


def require_same(out: Path, before: Mapping[str, JSON], now: Mapping[str, JSON]) -> None:
    """Raises ConfigError naming every value in which the run of `out` differs from the one asked for."""
    old, new = dict(_flat(before)), dict(_flat(now))
    differing = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    if differing:
        named = "; ".join(f"{key}: was {old.get(key)}, is {new.get(key)}" for key in differing)
        raise ConfigError(f"{out} holds another run: {named}; repeat its options or choose another folder")


def _flat(value: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, JSON]]:
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item
