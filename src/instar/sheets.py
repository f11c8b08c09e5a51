"""Many pictures, or many numbers, at a glance: contact sheets and histograms, as pictures."""

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from instar.demo import Pixels
from instar.robot import Floats

MOST: Final = 48  # pictures on a sheet
TALL: Final = 128  # pixels: the height of each
GAP: Final = 4  # pixels between them
BINS: Final = 40
_CHART: Final = (120, 220)  # pixels: height and width of a histogram
_INK, _PAPER, _BAR = (60, 60, 60), 255, (70, 130, 200)  # RGB
_TEXT: Final = 0.4


def contact_sheet(pictures: Sequence[Pixels]) -> Pixels:
    """At most `MOST` of `pictures` (H, W, 3), evenly spread and made equally tall, in rows; there must be one."""
    chosen = [pictures[k] for k in sorted({int(k) for k in np.linspace(0, len(pictures) - 1, MOST).round()})]
    scaled = [_scaled(pixels) for pixels in chosen]
    wide = max(pixels.shape[1] for pixels in scaled)
    columns = max(1, round(math.sqrt(len(scaled) * 1.6 * TALL / wide)))
    sheet = np.full((-(-len(scaled) // columns) * (TALL + GAP), columns * (wide + GAP), 3), _PAPER, np.uint8)
    for k, pixels in enumerate(scaled):
        top, left = k // columns * (TALL + GAP), k % columns * (wide + GAP)
        sheet[top : top + TALL, left : left + pixels.shape[1]] = pixels
    return sheet


def histograms(names: Sequence[str], values: Floats) -> Pixels:
    """How often what was told in each dimension, one chart each; `values` are (N, D)."""
    charts = [_chart(name, column) for name, column in zip(names, values.T, strict=True)]
    columns = min(4, len(charts))
    charts += [np.full((*_CHART, 3), _PAPER, np.uint8)] * (-len(charts) % columns)
    return np.vstack([np.hstack(charts[k : k + columns]) for k in range(0, len(charts), columns)])


def _scaled(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    size = (max(1, round(width * TALL / height)), TALL)
    way = cv2.INTER_AREA if height > TALL else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)


def _chart(name: str, values: Floats) -> Pixels:
    """One histogram with its name above it and its bounds below."""
    height, width = _CHART
    drawn = np.full((height, width, 3), _PAPER, np.uint8)
    low, high = float(values.min()), float(values.max())
    counts = np.histogram(values, BINS, (low, high if high > low else low + 1.0))[0]
    left, top, bottom, step = 10, 22, height - 22, (width - 20) / BINS
    for k, count in enumerate(counts):
        # The root shows rare values beside frequent ones: grippers and still steps would hide all else.
        tall = round((bottom - top) * math.sqrt(count / counts.max()))
        if count:
            corner = (round(left + (k + 1) * step) - 1, bottom)
            cv2.rectangle(drawn, (round(left + k * step), bottom - max(1, tall)), corner, _BAR, cv2.FILLED)
    for text, at in ((name, (left, 15)), (f"{low:.3g}", (left, height - 7)), (f"{high:.3g}", (width - 55, height - 7))):
        cv2.putText(drawn, text, at, cv2.FONT_HERSHEY_SIMPLEX, _TEXT, _INK, 1, cv2.LINE_AA)
    return drawn
