"""Three pairs of pictures show by how much to twist; twist every object of a named texture."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import Shape, sample
from instar.simulators.tabletop.tasks.layout import Layout
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import FIRST_SCENE_ID, Picture, Problem
from instar.simulators.tabletop.tasks.sets import ASYMMETRIC, SUITES, pick, without_base

THINGS: Final = 3
EXAMPLES: Final = 3
NEAR: Final = 0.05  # metres: a twisted object has to stay closer than others do
# Where examples may lie, (x, y).
LOW: Final = (0.4375, -0.375)
HIGH: Final = (0.5625, 0.375)


@dataclass(frozen=True)
class Twist:
    """VIMA-Bench's twist."""

    name: str = "twist"
    suites: tuple[str, ...] = SUITES
    allowance: int = 5

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """Three objects, one or two of which share a texture."""
        palette, layout = without_base(suite, ASYMMETRIC, ("letter R",)), Layout(rng)
        texture = pick(rng, palette.dragged_textures)
        elsewhere = [name for name in palette.dragged_textures if name != texture]
        count = int(rng.integers(1, THINGS))
        for k in range(THINGS):
            shape = sample(pick(rng, palette.dragged), rng)
            layout.drop(shape, texture if k < count else pick(rng, elsewhere))
        moved, others = layout.bodies[:count], layout.bodies[count:]
        turn = -float(np.radians(pick(rng, (30, 60, 90, 120, 150))))  # clockwise
        goals = tuple(Goal(body.id, body.x, body.y, body.yaw + turn, turned=True, near=NEAR) for body in moved)
        pictures: dict[str, Picture] = {}
        for k in range(1, EXAMPLES + 1):
            example = _example([body.shape for body in moved], pick(rng, elsewhere), rng)
            pictures[f"before_twist_{k}"] = Picture("scene", (example,))
            pictures[f"after_twist_{k}"] = Picture("scene", (replace(example, yaw=example.yaw + turn),))
        shown = ", ".join(f"from {{before_twist_{k}}} to {{after_twist_{k}}}" for k in range(1, EXAMPLES + 1))
        return Problem(
            f"To twist is defined as rotating by one specific angle, as in these examples: {shown}. "
            f"Now twist all {texture} objects.",
            tuple(layout.bodies),
            Placing(goals, tuple(body.id for body in others)),
            pictures,
        )


def _example(shapes: Sequence[Shape], texture: str, rng: np.random.Generator) -> Body:
    """One of `shapes` somewhere in the middle of the table."""
    x, y = (float(value) for value in rng.uniform(LOW, HIGH))
    yaw = float(rng.uniform(0, 2 * np.pi))
    return Body(FIRST_SCENE_ID, pick(rng, shapes), texture, x, y, 0.0, yaw)
