"""Put the pictured object into one base, then into another, and then back to where it was."""

from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import Shape, sample
from instar.simulators.tabletop.tasks.layout import Layout, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import NOVEL_OBJECT, SUITES, into_base, pick, several
from instar.simulators.tabletop.world import BOWL_FLAT, bowl_axis

PLACES: Final = tuple(product((0.375, 0.625), (-0.25, 0.0, 0.25)))
NEAR: Final = 0.05
DROPPED_INTO: Final = ("bowl", "pallet")  # bases that the object begins above, to fall into them


@dataclass(frozen=True)
class PickInOrderThenRestore:
    """VIMA-Bench's pick_in_order_then_restore: the first base must be remembered."""

    name: str = "pick_in_order_then_restore"
    suites: tuple[str, ...] = SUITES
    allowance: int = 4

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """Six bases of one shape and size in six textures, and an object in one of them."""
        palette, layout = into_base(suite), Layout(rng)
        kind = sample("pallet" if suite == NOVEL_OBJECT else pick(rng, palette.bases), rng)
        textures = several(rng, palette.base_textures, len(PLACES))
        places = several(rng, PLACES, len(PLACES))
        shape = sample(pick(rng, palette.dragged), rng)
        x, y = places[0]
        moved = layout.put(shape, pick(rng, palette.dragged_textures), x, y, 0.0)
        if kind.name in DROPPED_INTO:
            moved = layout.bodies[0] = replace(moved, z=2 * shape.nominal[2])
        home, first, second, *_ = [
            layout.put(kind, texture, x, y, 0.0) for (x, y), texture in zip(places, textures, strict=True)
        ]
        ways = [
            Goal(moved.id, base.x, base.y, 0.0, near=NEAR, stage=stage, in_turn=base is not home, aim=_aim(shape, base))
            for stage, base in enumerate((first, second, home))
        ]
        return Problem(
            "Put the {dragged_obj} into the {base_obj_1}, then into the {base_obj_2}. "
            "Finally, restore it to its original container.",
            tuple(layout.bodies),
            Placing(tuple(ways)),
            {
                "dragged_obj": Picture("object", portrait(moved.shape, moved.texture)),
                "base_obj_1": Picture("object", portrait(first.shape, first.texture)),
                "base_obj_2": Picture("object", portrait(second.shape, second.texture)),
            },
        )


def _aim(shape: Shape, base: Body) -> tuple[float, float] | None:
    """A full block falls over at the origin of a bowl and comes to rest too far off; it lies still nearer the axis."""
    if base.shape.name != "bowl" or shape.name != "block":
        return None
    axis = bowl_axis(base)
    off = base.place - axis
    x, y = axis + off * (BOWL_FLAT * 0.9 / float(np.hypot(*off)))
    return float(x), float(y)
