"""Scenes drawn at random: where there is room on the table."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from instar.simulators.arm.tasks.problem import NoRoomError
from instar.simulators.arm.things import Spot

LOW: Final = (0.36, -0.25)  # metres: the corner of the workspace nearest to the base, on its right
HIGH: Final = (0.62, 0.25)
TRIES: Final = 50


@dataclass
class Layout:
    """A scene that fills up; things are discs to it."""

    rng: np.random.Generator
    taken: list[tuple[float, float, float]] = field(default_factory=list)  # x, y and radius

    def take(self, x: float, y: float, radius: float) -> None:
        """Note that something is there."""
        self.taken.append((x, y, radius))

    def spot(self, radius: float, low: tuple[float, float] = LOW, high: tuple[float, float] = HIGH) -> Spot:
        """A free place for a disc between two corners, and any turn. Raises NoRoomError where there is none."""
        for _ in range(TRIES):
            x, y = (float(value) for value in self.rng.uniform(low, high))
            if all(np.hypot(x - other_x, y - other_y) > radius + other for other_x, other_y, other in self.taken):
                self.take(x, y, radius)
                return x, y, float(self.rng.uniform(-np.pi / 4, np.pi / 4))
        raise NoRoomError
