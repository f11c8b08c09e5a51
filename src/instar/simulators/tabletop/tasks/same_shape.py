"""Put all objects with the profile of the pictured base into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, drop_base, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing, fair
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, into_base, pick

NEAR: Final = 0.125
NEAR_BOWL: Final = 0.0875


@dataclass(frozen=True)
class SameShape:
    """VIMA-Bench's same_shape: a profile is square, round or neither, as seen from above."""

    name: str = "same_shape"
    suites: tuple[str, ...] = SUITES
    allowance: int = 4

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, two objects with its profile and one with another, in yet another texture."""
        palette, layout = into_base(suite), Layout(rng)
        base = drop_base(layout, palette)
        names = [name for name in palette.dragged if name != "block"] + ["shorter block"]
        shapes = [sample(name, rng) for name in names]
        alike = [shape for shape in shapes if shape.profile == base.shape.profile]
        moved = [layout.drop(pick(rng, alike), pick(rng, palette.dragged_textures), away=[base]) for _ in range(2)]
        texture = pick(rng, palette.dragged_textures, but=[body.texture for body in moved])
        other = layout.drop(pick(rng, shapes, but=alike), texture, away=[base])
        return Problem(
            "Put all objects that have the same profile as the {base_obj} into it.",
            tuple(layout.bodies),
            gather(layout.bodies, base, moved, other),
            {"base_obj": Picture("object", portrait(base.shape, base.texture))},
        )


def gather(bodies: Sequence[Body], base: Body, moved: Sequence[Body], other: Body) -> Placing:
    """All of `moved` into `base`, and `other` not. Raises NoRoomError where `other` is in the way already."""
    near = NEAR_BOWL if base.shape.name == "bowl" else NEAR
    goals = tuple(Goal(body.id, base.x, base.y, base.yaw, near=near) for body in moved)
    return fair(Placing(goals, (other.id,)), bodies)
