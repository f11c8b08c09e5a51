"""Put the pictured object into the pictured base."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from instar.simulators.tabletop.tasks.layout import pair, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, pick


@dataclass(frozen=True)
class VisualManipulation:
    """VIMA-Bench's visual_manipulation, which its data set calls simple_manipulation."""

    name: str = "visual_manipulation"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, and one more thing."""
        scene = pair(suite, rng)
        base, moved = scene.base, scene.moved
        used = [(base.shape.name, base.texture), (moved.shape.name, moved.texture)]
        other = scene.add(pick(rng, list(product(scene.palette.shapes, scene.palette.textures)), but=used))
        return Problem(
            "Put the {dragged_obj_1} into the {base_obj}.",
            tuple(scene.layout.bodies),
            Placing((Goal(moved.id, base.x, base.y, base.yaw),), (other.id,)),
            {
                "dragged_obj_1": Picture("object", portrait(moved.shape, moved.texture)),
                "base_obj": Picture("object", portrait(base.shape, base.texture)),
            },
        )
