"""The parts of a shape side by side as arrays, so that one calculation goes over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from instar.robot import Floats
from instar.simulators.tabletop.shapes import Part, extent


@dataclass(frozen=True, eq=False)
class Slabs:
    """P parts. Their sides are numbered through: E straight ones, then two for each of R circles, the outer first."""

    parts: tuple[Part, ...]
    z0: Floats  # (P,)
    z1: Floats
    scale: Floats
    edges: Floats  # (E, 4): x1, y1, x2, y2
    spans: Floats  # (E, 2): texture u at both ends
    circles: Floats  # (R, 3): x, y, radius
    unrolled: Floats  # (R,): texture pictures per metre along each circle
    shades: Floats  # (E + 2 R,): brightness of the sides while they stand upright
    numbers: NDArray[np.intp]  # (P, K): of each part's sides, and then E + 2 R, which is no side, at least once

    @cached_property
    def starts(self) -> Floats:
        """Where each straight side starts, (E, 2)."""
        return np.ascontiguousarray(self.edges[:, :2])

    @cached_property
    def runs(self) -> Floats:
        """From the start of each straight side to its end, (E, 2)."""
        return np.asarray(self.edges[:, 2:] - self.edges[:, :2])

    @cached_property
    def squares(self) -> Floats:
        """The squared length of each straight side, (E,)."""
        return np.asarray((self.runs**2).sum(axis=1))

    @cached_property
    def firsts(self) -> Floats:
        """The texture u where each straight side starts, (E,)."""
        return np.ascontiguousarray(self.spans[:, 0])

    @cached_property
    def stretches(self) -> Floats:
        """How far the texture's u goes along each straight side, (E,)."""
        return np.asarray(self.spans[:, 1] - self.spans[:, 0])

    @cached_property
    def box(self) -> tuple[Floats, Floats]:
        """The lowest and the highest corner (3,) of all parts."""
        return extent(self.parts)


@lru_cache(maxsize=256)
def side_by_side(parts: tuple[Part, ...]) -> Slabs:
    """Some parts, in their order."""
    circles = [circle for part in parts for circle in part.circles]
    shades = [(part.shades[: len(part.edges)], part.shades[len(part.edges) :]) for part in parts]
    return Slabs(
        parts,
        np.array([part.z0 for part in parts]),
        np.array([part.z1 for part in parts]),
        np.array([part.scale for part in parts]),
        np.concatenate([part.edges for part in parts]),
        np.concatenate([part.spans for part in parts]),
        np.array(circles).reshape(-1, 3),
        np.array([part.scale for part in parts for _ in part.circles]),
        np.concatenate([*(straight for straight, _ in shades), *(rounds for _, rounds in shades)]),
        _numbers(parts),
    )


def _numbers(parts: Sequence[Part]) -> NDArray[np.intp]:
    straight = np.cumsum([0, *(len(part.edges) for part in parts)])
    rounds = straight[-1] + np.cumsum([0, *(2 * len(part.circles) for part in parts)])
    sides = [[*range(straight[k], straight[k + 1]), *range(rounds[k], rounds[k + 1])] for k in range(len(parts))]
    most = max(len(numbers) for numbers in sides)
    return np.array([numbers + [rounds[-1]] * (most + 1 - len(numbers)) for numbers in sides], np.intp)
