"""Colours and sizes: which ones demonstrations show, and which ones only evaluations do."""

from dataclasses import dataclass
from typing import Final

import numpy as np

SEEN: Final = "seen"  # what demonstrations are made of
UNSEEN: Final = "unseen"  # colours and sizes that no demonstration of `seen` has
SUITES: Final = (SEEN, UNSEEN)

RGB: Final = {
    "red": (0.85, 0.10, 0.10),
    "green": (0.10, 0.60, 0.18),
    "blue": (0.12, 0.25, 0.85),
    "yellow": (0.95, 0.85, 0.10),
    "orange": (0.98, 0.50, 0.05),
    "purple": (0.50, 0.15, 0.65),
    "cyan": (0.10, 0.80, 0.85),
    "pink": (1.00, 0.50, 0.72),
    "brown": (0.42, 0.24, 0.10),
    "black": (0.06, 0.06, 0.07),
    "white": (0.98, 0.98, 0.98),
    "lime": (0.62, 0.95, 0.20),
}
_COLORS: Final = {
    SEEN: ("red", "green", "blue", "yellow", "orange", "purple", "cyan"),
    UNSEEN: ("pink", "brown", "black", "white", "lime"),
}
# Shares of the usual size: `unseen` lies on both sides of `seen`.
_SIZES: Final = {SEEN: ((0.93, 1.07),), UNSEEN: ((0.80, 0.88), (1.12, 1.20))}


@dataclass(frozen=True)
class Palette:
    """What one suite gives to draw from."""

    suite: str
    rng: np.random.Generator

    def colors(self, count: int) -> list[str]:
        """So many different colours, in random order."""
        names = _COLORS[self.suite]
        return [names[k] for k in self.rng.permutation(len(names))[:count]]

    def size(self) -> float:
        """A share of the usual size."""
        ranges = _SIZES[self.suite]
        return float(self.rng.uniform(*ranges[int(self.rng.integers(len(ranges)))]))


def rgba(color: str, opacity: float = 1.0) -> str:
    """A colour as MuJoCo writes it."""
    return " ".join(f"{part:.3g}" for part in (*RGB[color], opacity))
