"""Where things are in a segmentation."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box


def boxes(mask: NDArray[np.uint8], ids: Collection[int]) -> dict[int, Box]:
    """The visible extent of each of `ids` in a segmentation (H, W); an id without a pixel is left out.

    Goes over the picture once however many ids there are, and then only over pixels that belong to one.
    """
    if not ids:
        return {}
    flat = mask.ravel()
    places = np.flatnonzero((flat >= min(ids)) & (flat <= max(ids)))
    places = places[np.argsort(flat[places], kind="stable")]  # by id, and in reading order within an id
    found, starts = np.unique(flat[places], return_index=True)
    parts = dict(zip(found.tolist(), np.split(places, starts[1:]), strict=False))
    return {value: _extent(parts[value], mask.shape[1]) for value in ids if value in parts}


def _extent(places: NDArray[np.intp], width: int) -> Box:
    """The box around pixels given by their places in reading order."""
    columns = places % width
    return Box(int(columns.min()), int(places[0] // width), int(columns.max()), int(places[-1] // width))
