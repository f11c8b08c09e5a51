"""Which shards of a build are on disk, and what they hold."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from instar.errors import DataError
from instar.files import digest_file, write_bytes
from instar.robot import Floats
from instar.samples import ShardEntry
from instar.shards import LeftOut, Shard, ShardFacts

logger = logging.getLogger(__name__)


class Ledger:
    """The shards of one plan: what an earlier run left, and what this one adds. It alone writes them."""

    def __init__(self, folder: Path, plan: str, sizes: Sequence[int]) -> None:
        """`sizes` are the episodes of each shard, left out ones included."""
        self._folder, self._plan, self._sizes = folder, plan, sizes
        self._facts: dict[int, ShardFacts] = {}
        self._hashes: dict[int, str] = {}  # of those that this run wrote
        self.total = sum(sizes)  # episodes, those left out included; so are the next two
        self.done = 0
        self.resumed = 0  # of `done`, those that an earlier run had built
        self._samples = 0
        self._left_out = 0

    @property
    def note(self) -> str:
        """How it goes, in words."""
        left_out = f", {self._left_out:,} episodes left out" if self._left_out else ""
        return f"{self._samples:,} samples{left_out}"

    def path(self, number: int) -> Path:
        """The file of a shard."""
        return self._folder / f"views-{number:05d}.parquet"

    def resume(self) -> None:
        """Take over every shard that is there."""
        for number in range(len(self._sizes)):
            if self.path(number).exists() and (facts := self._found(number)) is not None:
                self._note(number, facts)
        self.resumed = self.done

    def missing(self) -> list[int]:
        """The shards that remain to be built."""
        return [number for number in range(len(self._sizes)) if number not in self._facts]

    def enter(self, number: int, data: bytes) -> None:
        """Write a shard. Raises DataError if the disk is full."""
        write_bytes(self.path(number), data)
        self._hashes[number] = hashlib.sha256(data).hexdigest()
        self._note(number, Shard(self.path(number)).facts)

    def entries(self) -> tuple[ShardEntry, ...]:
        """All shards as the manifest lists them."""
        return tuple(self._entry(number) for number in range(len(self._sizes)))

    def episodes(self) -> int:
        """Those that are in."""
        return sum(facts.episodes for facts in self._facts.values())

    def left_out(self) -> tuple[LeftOut, ...]:
        """Those that are not, in the order of their ids in the source."""
        return tuple(left for number in sorted(self._facts) for left in self._facts[number].left_out)

    def counts(self) -> dict[str, int]:
        """Samples by kind."""
        counts: Counter[str] = Counter()
        for facts in self._facts.values():
            counts.update(facts.counts)
        return dict(counts)

    def actions(self) -> Floats:
        """Every demonstrated action, (n, dim). The one thing here that grows with the data: 8 bytes per number."""
        parts = (Shard(self.path(number)).actions() for number in range(len(self._sizes)))
        return np.concatenate([part for part in parts if len(part)])

    def _found(self, number: int) -> ShardFacts | None:
        try:
            facts = Shard(self.path(number)).facts
        except DataError as error:
            logger.warning("%s; it is built again", error)
            return None
        return facts if facts.plan == self._plan else None

    def _note(self, number: int, facts: ShardFacts) -> None:
        self._facts[number] = facts
        self.done += self._sizes[number]
        self._samples += sum(facts.counts.values())
        self._left_out += len(facts.left_out)

    def _entry(self, number: int) -> ShardEntry:
        path = self.path(number)
        sha256 = self._hashes.get(number) or digest_file(path)
        return ShardEntry(path.name, self._facts[number].views, path.stat().st_size, sha256)
