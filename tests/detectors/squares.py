"""Pictures with one thing in them, to find and to name."""

import numpy as np

from instar.demo import Box, Image
from instar.seeing.detect import Sighting

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


def drawn(k: int) -> tuple[Image, tuple[Sighting, ...]]:
    """A picture with one red or blue square or bar, somewhere."""
    rng = np.random.default_rng(k)
    colour, (height, width) = [("red", (40, 40)), ("blue", (40, 40)), ("red", (20, 80)), ("blue", (20, 80))][k % 4]
    left, top = int(rng.integers(0, 256 - width)), int(rng.integers(0, 128 - height))
    pixels = np.full((128, 256, 3), 240, dtype=np.uint8)
    pixels[top : top + height, left : left + width] = COLOURS[colour]
    shape = "square" if height == width else "bar"
    box = Box(left, top, left + width - 1, top + height - 1)
    return Image.of(pixels), (Sighting(f"{colour} {shape}", box, shape=shape),)
