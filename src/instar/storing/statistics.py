"""Exact statistics of features: of numbers by sorting them, of pictures by counting how often each brightness comes.

The names, the shapes and the division of brightness by 255 are LeRobot's; its own quantiles are estimates.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.demo import Pixels

Counts: TypeAlias = NDArray[np.int64]  # (3, 256): how many pixels have which brightness, by channel
Summary: TypeAlias = "dict[str, list[Any]]"  # by name: one number a dimension, or (3, 1, 1) of a picture

QUANTILES: Final[Mapping[str, float]] = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}
_LEVELS: Final = np.arange(256)


def of_numbers(values: NDArray[Any]) -> Summary:
    """Statistics of rows (N, D), one dimension after another, in float64."""
    found: Summary = {name: [] for name in ("min", "max", "mean", "std", *QUANTILES)}
    for k in range(values.shape[1]):
        one = np.array(values[:, k], np.float64)
        least, most = one.min(), one.max()
        whole = np.issubdtype(values.dtype, np.integer)
        quantiles = np.quantile(one, list(QUANTILES.values()))
        told = (least, most, one.mean(), one.std(), *quantiles)
        for position, (name, value) in enumerate(zip(found, told, strict=True)):
            found[name].append(int(value) if whole and position < 2 else float(value))
    return {**found, "count": [len(values)]}


def brightness(pixels: Pixels) -> Counts:
    """How many pixels of a picture (H, W, 3) have which brightness."""
    found = [cv2.calcHist([pixels], [channel], None, [256], [0, 256]) for channel in range(3)]
    return np.stack([counts.ravel() for counts in found]).astype(np.int64)


def of_brightness(counts: Counts, pictures: int) -> Summary:
    """Statistics of all pixels of so many pictures, from 0 to 1."""
    total = counts.sum(axis=1)
    means = (counts * _LEVELS).sum(axis=1) / total
    variances = (counts * (_LEVELS - means[:, None]) ** 2).sum(axis=1) / total
    found = {
        "min": [int(np.flatnonzero(row)[0]) for row in counts],
        "max": [int(np.flatnonzero(row)[-1]) for row in counts],
        "mean": means.tolist(),
        "std": np.sqrt(variances).tolist(),
    }
    found |= {name: [_quantile(row, share) for row in counts] for name, share in QUANTILES.items()}
    shaped: Summary = {name: [[[value / 255]] for value in values] for name, values in found.items()}
    return {**shaped, "count": [pictures]}


def _quantile(counts: NDArray[np.int64], share: float) -> float:
    """As np.quantile would find it in the list that `counts` counts: between neighbours, in proportion."""
    ends = np.cumsum(counts)
    place = (int(ends[-1]) - 1) * share
    below = int(place)
    low, high = (int(np.searchsorted(ends, min(k, int(ends[-1]) - 1), side="right")) for k in (below, below + 1))
    return low + (high - low) * (place - below)


class Heap:
    """Rows of one feature that pile up in a file, so that statistics of all of them take the memory of a dimension."""

    def __init__(self, path: Path) -> None:
        """`path` is of a file that is not there yet."""
        self._path = path
        self._width, self._dtype = 0, np.dtype(np.float64)

    def add(self, rows: NDArray[Any]) -> None:
        """Lay rows (N, D) on top."""
        self._width, self._dtype = rows.shape[1], rows.dtype
        with self._path.open("ab") as file:
            file.write(np.ascontiguousarray(rows).tobytes())

    def summary(self) -> Summary:
        """Statistics of all rows."""
        rows = np.memmap(self._path, self._dtype, mode="r").reshape(-1, self._width)
        return of_numbers(rows)
