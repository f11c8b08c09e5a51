"""Put the object of a named texture, seen in a picture, into the base of another named texture."""

from dataclasses import dataclass

import numpy as np

from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, drop_base, hollow, scene_layout
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, into_base, pick


@dataclass(frozen=True)
class SceneUnderstanding:
    """VIMA-Bench's scene_understanding."""

    name: str = "scene_understanding"
    suites: tuple[str, ...] = SUITES
    allowance: int = 3

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A base, the object to put into it, and a thing with the texture of the one or the shape of the other."""
        palette, layout = into_base(suite), Layout(rng)
        base = drop_base(layout, palette)
        texture = pick(rng, palette.dragged_textures)
        moved = layout.drop(sample(pick(rng, palette.dragged), rng), texture, away=hollow([base]))
        if rng.random() < 0.5:
            shape = sample(pick(rng, palette.dragged, but=[moved.shape.name]), rng)
            other = layout.drop(shape, texture, away=hollow([base]))
        else:
            other = layout.drop(sample(base.shape.name, rng), pick(rng, palette.textures, but=[base.texture, texture]))
        picture = scene_layout(rng)
        picture.drop(moved.shape, texture)
        picture.drop(sample(pick(rng, palette.shapes), rng), pick(rng, palette.textures, but=[texture]))
        return Problem(
            f"Put the {texture} object in {{scene}} into the {base.texture} object.",
            tuple(layout.bodies),
            Placing((Goal(moved.id, base.x, base.y, base.yaw),), (other.id,)),
            {"scene": Picture("scene", tuple(picture.bodies))},
        )
