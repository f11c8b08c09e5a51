"""Pictures changed a little, with the boxes in them, so that a detector learns from more than there are."""

from collections.abc import Sequence

import cv2
import numpy as np

from instar.demo import Box, Pixels
from instar.seeing.detect import Sighting


def brightened(pixels: Pixels, share: float, rng: np.random.Generator) -> Pixels:
    """`pixels` (H, W, 3), brighter or darker by up to `share`."""
    if share == 0:
        return pixels
    changed: Pixels = np.clip(pixels * rng.uniform(1 - share, 1 + share), 0, 255).astype(np.uint8)
    return changed


def shifted(
    pixels: Pixels, truth: Sequence[Sighting], most: int, rng: np.random.Generator
) -> tuple[Pixels, Sequence[Sighting]]:
    """`pixels` (H, W, 3) moved by up to `most` pixels, as far as no object is cut, with its border drawn out."""
    if most == 0:
        return pixels, truth
    height, width = pixels.shape[:2]
    spare = _spare(truth, pixels)
    across = int(rng.integers(-min(most, spare.left), min(most, spare.right), endpoint=True))
    down = int(rng.integers(-min(most, spare.top), min(most, spare.bottom), endpoint=True))
    rows = np.clip(np.arange(height) - down, 0, height - 1)
    columns = np.clip(np.arange(width) - across, 0, width - 1)
    moved = [Box(b.left + across, b.top + down, b.right + across, b.bottom + down) for b in _boxes(truth)]
    return pixels[rows][:, columns], _named(truth, moved)


def zoomed(
    pixels: Pixels, truth: Sequence[Sighting], most: float, rng: np.random.Generator
) -> tuple[Pixels, Sequence[Sighting]]:
    """A part of `pixels` (H, W, 3) magnified to all of its size, by up to one and `most`, in which no object is cut.

    Where no such part is small enough the picture stays as it is.
    """
    if most == 0:
        return pixels, truth
    height, width = pixels.shape[:2]
    scale, across, down = 1 + rng.uniform(0, most), rng.random(), rng.random()
    spare = _spare(truth, pixels)
    left = _begin(width, width / scale, spare.left, spare.right, across)
    top = _begin(height, height / scale, spare.top, spare.bottom, down)
    if left is None or top is None:
        return pixels, truth
    # OpenCV counts from the middle of the first pixel, we from its edge.
    half = (scale - 1) / 2
    part = np.array([[scale, 0.0, half - scale * left], [0.0, scale, half - scale * top]])
    drawn = cv2.warpAffine(pixels, part, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    boxes = [
        Box(
            round((box.left - left) * scale),
            round((box.top - top) * scale),
            round((box.right + 1 - left) * scale) - 1,
            round((box.bottom + 1 - top) * scale) - 1,
        )
        for box in _boxes(truth)
    ]
    return np.asarray(drawn, np.uint8), _named(truth, boxes)


def mirrored(
    pixels: Pixels, truth: Sequence[Sighting], *, mirror: bool, rng: np.random.Generator
) -> tuple[Pixels, Sequence[Sighting]]:
    """`pixels` (H, W, 3) with left and right exchanged, every other time, if at all."""
    if not mirror or rng.random() < 0.5:
        return pixels, truth
    width = pixels.shape[1]
    boxes = [Box(width - 1 - box.right, box.top, width - 1 - box.left, box.bottom) for box in _boxes(truth)]
    return pixels[:, ::-1], _named(truth, boxes)


def _boxes(truth: Sequence[Sighting]) -> list[Box]:
    return [thing.box for thing in truth]


def _named(truth: Sequence[Sighting], boxes: Sequence[Box]) -> list[Sighting]:
    return [Sighting(thing.name, box) for thing, box in zip(truth, boxes, strict=True)]


def _spare(truth: Sequence[Sighting], pixels: Pixels) -> Box:
    """How many pixels there are between the objects and each side; all of the picture where there are none."""
    height, width = pixels.shape[:2]
    boxes = _boxes(truth)
    return Box(
        left=max(0, min((box.left for box in boxes), default=width)),
        top=max(0, min((box.top for box in boxes), default=height)),
        right=max(0, width - 1 - max((box.right for box in boxes), default=-1)),
        bottom=max(0, height - 1 - max((box.bottom for box in boxes), default=-1)),
    )


def _begin(whole: int, part: float, before: int, after: int, share: float) -> float | None:
    """Where a part of a side may begin that leaves out no more than `before` and `after`; None if it is too short."""
    least, most = max(0.0, whole - part - after), min(float(before), whole - part)
    return least + share * (most - least) if least <= most else None
