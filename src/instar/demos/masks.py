"""Where things are in segmentations."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels

Places = NDArray[np.intp]  # of pixels, in reading order

_IDS: Final = 256  # values that a pixel can have


def boxes(masks: Sequence[Pixels], ids: Collection[int]) -> list[dict[int, Box]]:
    """The visible extent of each of `ids` in each of N segmentations (H, W); an id without a pixel is left out.

    Compares every pixel with its neighbour, once however many ids there are, and then looks at the runs of `ids` only.
    """
    found: list[dict[int, Box]] = [{} for _ in masks]
    wanted = np.zeros(_IDS, dtype=bool)
    wanted[[id for id in ids if 0 <= id < _IDS]] = True
    runs = [_runs(mask, wanted) for mask in masks]
    counts = [len(begins) for begins, _, _ in runs]
    if not any(counts):
        return found
    begins, ends, values = (np.concatenate(parts) for parts in zip(*runs, strict=True))
    keys = np.repeat(np.arange(len(masks)), counts) * _IDS + values
    order = np.argsort(keys, kind="stable")  # by picture and id, and in reading order within
    for key, *extent in _extents(keys[order], begins[order], ends[order], masks[0].shape[1]):
        found[key // _IDS][key % _IDS] = Box(*extent)
    return found


def _runs(mask: Pixels, wanted: NDArray[np.bool_]) -> tuple[Places, Places, Pixels]:
    """Where runs of one `wanted` value begin, where the next run does, and the values. No run goes round a border."""
    flat = mask.ravel()
    new = _news(flat)
    new[:: mask.shape[1]] = True
    begins = new.nonzero()[0]
    values = flat[begins]
    chosen = wanted[values].nonzero()[0]
    return begins[chosen], np.append(begins[1:], flat.size)[chosen], values[chosen]


def _news(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of `values` (N,) differ from the one before; the first does."""
    new = np.empty(values.size, dtype=bool)
    new[0] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def _extents(keys: Places, begins: Places, ends: Places, width: int) -> list[list[int]]:
    """Key, left, top, right and bottom of the runs of each key, which come together and from top to bottom."""
    rows = begins // width
    lefts, rights = begins - rows * width, ends - 1 - rows * width
    firsts = _news(keys).nonzero()[0]
    lasts = np.append(firsts[1:], len(keys)) - 1
    lefts, rights = np.minimum.reduceat(lefts, firsts), np.maximum.reduceat(rights, firsts)
    table: list[list[int]] = np.stack([keys[firsts], lefts, rows[firsts], rights, rows[lasts]], axis=1).tolist()
    return table
