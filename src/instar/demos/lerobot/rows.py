"""The rows of one episode in a table of many.

Row groups of a Parquet file say which episodes are in them, and lerobot ends one with each episode; where a file has
been written otherwise, the group that was read last stays, since the next episode is in it as a rule.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from instar.demos.lerobot.meta import parquet
from instar.errors import DataError

EPISODE: Final = "episode_index"
_KEPT: Final = 2  # groups that stay, as numbers and pictures are read apart


@dataclass(frozen=True)
class _Stamped:
    """A file as it is now."""

    path: Path
    changed: int  # nanoseconds
    size: int


def columns_of(path: Path) -> Sequence[str]:
    """The names of the columns of a file. Raises DataError if it is no Parquet file."""
    with parquet(path):
        return list(_footer(_stamped(path)).schema.to_arrow_schema().names)


def episode_rows(path: Path, episode: int, columns: Sequence[str]) -> pa.Table:
    """Some columns of the rows of an episode. Raises DataError if the file is no such table."""
    with parquet(path):
        file = _stamped(path)
        groups = tuple(k for k, (low, high) in enumerate(_spans(file)) if low <= episode <= high)
        table = _groups(file, groups, tuple(columns))
        mine = np.flatnonzero(table[EPISODE].to_numpy() == episode)
        if len(mine) and mine[-1] - mine[0] + 1 == len(mine):
            return table.slice(int(mine[0]), len(mine)).select(list(columns))
        return table.take(mine).select(list(columns))


def _stamped(path: Path) -> _Stamped:
    stat = path.stat()
    return _Stamped(path, stat.st_mtime_ns, stat.st_size)


@functools.lru_cache(maxsize=64)
def _footer(file: _Stamped) -> pq.FileMetaData:
    return pq.read_metadata(file.path)


@functools.lru_cache(maxsize=64)
def _spans(file: _Stamped) -> Sequence[tuple[float, float]]:
    """The least and the greatest episode in each group of rows, as far as the file says."""
    footer, found = _footer(file), []
    leaves = [footer.schema.column(k).path for k in range(len(footer.schema))]
    if EPISODE not in leaves:
        raise DataError(f"{file.path}: no column {EPISODE}; there are: {', '.join(leaves)}")
    for group in range(footer.num_row_groups):
        told: Any = footer.row_group(group).column(leaves.index(EPISODE)).statistics
        known = told is not None and told.has_min_max
        found.append((told.min, told.max) if known else (-math.inf, math.inf))
    return found


@functools.lru_cache(maxsize=_KEPT)
def _groups(file: _Stamped, groups: tuple[int, ...], columns: tuple[str, ...]) -> pa.Table:
    wanted = list(dict.fromkeys([*columns, EPISODE]))
    with pq.ParquetFile(file.path, metadata=_footer(file)) as opened:
        # A name is taken for the beginning of longer ones, too.
        return opened.read_row_groups(list(groups), wanted, use_threads=False).select(wanted)
