"""RLBench's depth pictures: 24 bits in the three channels of a PNG."""

from typing import Final

import numpy as np

from instar.demo import Image
from instar.robot import Floats

_WHOLE: Final = 2**24 - 1


def metres(picture: Image, near: float, far: float) -> Floats:
    """How far away each pixel is, (H, W): red is the highest byte, all ones lie at `far` and all noughts at `near`."""
    red, green, blue = np.moveaxis(picture.pixels.astype(np.int64), -1, 0)
    return np.asarray(near + (red * 65536 + green * 256 + blue) / _WHOLE * (far - near))
