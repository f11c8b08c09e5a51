"""Put the pictured object into the pictured base."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, drop_base, drop_loose, hollow, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, into_base, pick


@dataclass(frozen=True)
class VisualManipulation:
    """VIMA-Bench's visual_manipulation, which its data set calls simple_manipulation."""

    name: str = "visual_manipulation"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, and one more thing."""
        palette, layout = into_base(suite), Layout(rng)
        base = drop_base(layout, palette)
        moved = drop_loose(layout, palette, base)
        used = [(base.shape.name, base.texture), (moved.shape.name, moved.texture)]
        shape, texture = pick(rng, list(product(palette.shapes, palette.textures)), but=used)
        other = layout.drop(sample(shape, rng), texture, away=hollow([base]) if shape in palette.dragged else ())
        return Problem(
            "Put the {dragged_obj_1} into the {base_obj}.",
            tuple(layout.bodies),
            Placing((Goal(moved.id, base.x, base.y, base.yaw),), (other.id,)),
            {
                "dragged_obj_1": Picture("object", portrait(moved.shape, moved.texture)),
                "base_obj": Picture("object", portrait(base.shape, base.texture)),
            },
        )
