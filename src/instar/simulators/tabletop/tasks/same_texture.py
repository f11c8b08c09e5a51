"""Put all objects with the texture of the pictured base into it."""

from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, drop_base, portrait
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.same_shape import gather
from instar.simulators.tabletop.tasks.sets import NOVEL_TASK, into_base, pick


@dataclass(frozen=True)
class SameTexture:
    """VIMA-Bench's same_texture, a task that is never trained on."""

    name: str = "same_texture"
    suites: tuple[str, ...] = (NOVEL_TASK,)
    allowance: int = 4

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, two objects of any shape in its texture and one in another."""
        palette, layout = into_base(suite), Layout(rng)
        base = drop_base(layout, palette)
        names = [name for name in palette.dragged if name != "block"] + ["shorter block"]
        textures = (base.texture, base.texture, pick(rng, palette.dragged_textures, but=[base.texture]))
        *moved, other = [layout.drop(sample(pick(rng, names), rng), texture, away=[base]) for texture in textures]
        return Problem(
            "Put all objects with the same texture as the {base_obj} into it.",
            tuple(layout.bodies),
            gather(layout.bodies, base, moved, other),
            {"base_obj": Picture("object", portrait(base.shape, base.texture))},
        )
