"""Where things are in segmentations."""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels

Places = NDArray[np.intp]  # of pixels, in reading order

_IDS: Final = 256  # values that a pixel can have


def boxes(masks: Sequence[Pixels], ids: Collection[int]) -> list[dict[int, Box]]:
    """The visible extent of each of `ids` in each segmentation; an id without a pixel is left out.

    `masks` are segmentations (H, W) or stacks of them (N, H, W), of one size. Compares every pixel with its neighbour,
    once however many ids there are, and then looks at the runs of `ids` only.
    """
    if not masks:
        return []
    height, width = masks[0].shape[-2:]
    found: list[dict[int, Box]] = [{} for _ in range(sum(mask.size for mask in masks) // (height * width))]
    begins, lengths, values = _all_runs(masks, ids)
    if not len(begins):
        return found
    rows = begins // width
    lefts = begins - rows * width
    keys = rows // height * _IDS + values
    order = np.argsort(keys, kind="stable")  # by picture and id, and from top to bottom within
    for key, *extent in _extents(keys[order], lefts[order], (rows % height)[order], (lefts + lengths - 1)[order]):
        found[key // _IDS][key % _IDS] = Box(*extent)
    return found


def _all_runs(masks: Sequence[Pixels], ids: Collection[int]) -> tuple[Places, Places, Pixels]:
    """Where the runs of `ids` begin, counted through all of `masks`, how long they are, and their values."""
    wanted = np.zeros(_IDS, dtype=bool)
    wanted[[id for id in ids if 0 <= id < _IDS]] = True
    starts = np.cumsum([0, *(mask.size for mask in masks)]).tolist()
    runs = [_runs(mask, start, wanted) for start, mask in zip(starts, masks, strict=False)]
    begins, lengths, values = (np.concatenate(parts) for parts in zip(*runs, strict=True))
    return begins, lengths, values


def _runs(mask: Pixels, start: int, wanted: NDArray[np.bool_]) -> tuple[Places, Places, Pixels]:
    """The same of one mask, whose first pixel is number `start`. No run goes round a border."""
    flat = mask.ravel()
    new = _news(flat)
    new[:: mask.shape[-1]] = True
    begins = new.nonzero()[0]
    values = flat[begins]
    chosen = wanted[values].nonzero()[0]
    ends = np.append(begins[1:], flat.size)[chosen]
    begins = begins[chosen]
    return begins + start, ends - begins, values[chosen]


def _news(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of `values` (N,) differ from the one before; the first does."""
    new = np.empty(values.size, dtype=bool)
    new[0] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def _extents(keys: Places, lefts: Places, rows: Places, rights: Places) -> list[list[int]]:
    """Key, left, top, right and bottom of the runs of each key, which come together and from top to bottom."""
    firsts = _news(keys).nonzero()[0]
    lasts = np.append(firsts[1:], len(keys)) - 1
    lefts, rights = np.minimum.reduceat(lefts, firsts), np.maximum.reduceat(rights, firsts)
    table: list[list[int]] = np.stack([keys[firsts], lefts, rows[firsts], rights, rows[lasts]], axis=1).tolist()
    return table
