"""Make the table look like the picture."""

from dataclasses import dataclass
from itertools import product

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, scene_layout
from instar.simulators.tabletop.tasks.placing import Goal, Placing, fair
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.sets import SUITES, Palette, pick, without_base
from instar.simulators.tabletop.textures import LIGHT


@dataclass(frozen=True)
class Rearrange:
    """VIMA-Bench's rearrange."""

    name: str = "rearrange"
    suites: tuple[str, ...] = SUITES
    allowance: int = 5

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """One to three objects away from where the picture has them; a single one may find its place taken."""
        found = arrangement(suite, rng)
        text = "Rearrange the table to this {scene}."
        return Problem(text, found.bodies, fair(found.rule, found.bodies), {"scene": Picture("scene", found.scene)})


@dataclass(frozen=True, eq=False)
class Arrangement:
    """A table, how it should look, and the rule that says so."""

    bodies: tuple[Body, ...]
    scene: tuple[Body, ...]  # the goal, with the ids of pictures
    rule: Placing


def arrangement(suite: str, rng: np.random.Generator) -> Arrangement:
    """One to three objects to rearrange. Raises NoRoomError where the draw does not fit on the table."""
    palette, picture, layout = without_base(suite), scene_layout(rng), Layout(rng)
    for _ in range(int(rng.choice((1, 2, 3), p=(0.4, 0.4, 0.2)))):
        used = [(body.shape.name, body.texture) for body in picture.bodies]
        kinds = list(product(palette.dragged, palette.dragged_textures))
        shape, texture = pick(rng, kinds, but=used)
        picture.drop(sample(shape, rng), texture)
    goals = []
    for wanted in picture.bodies:
        moved = layout.drop(wanted.shape, wanted.texture, away=picture.bodies)
        goals.append(Goal(moved.id, wanted.x, wanted.y, wanted.yaw))
    rule = Placing(tuple(goals), patient=True)
    if len(goals) == 1:
        rule = _crowd(rule, palette, layout, picture.bodies[0])
    return Arrangement(tuple(layout.bodies), tuple(picture.bodies), rule)


def _crowd(rule: Placing, palette: Palette, layout: Layout, wanted: Body) -> Placing:
    """The rule once a distractor was added, half the time right where the object should go."""
    rng = layout.rng
    shape = sample(pick(rng, palette.dragged, but=[wanted.shape.name]), rng)
    texture = pick(rng, LIGHT)
    if rng.random() < 0.5:
        other = layout.put(shape, texture, wanted.x, wanted.y, wanted.yaw)
    else:
        other = layout.drop(shape, texture, away=[wanted])
    spare = Layout(rng, bodies=list(layout.bodies))
    free = spare.drop(shape, texture, away=[wanted], others=[wanted])
    aside = Goal(other.id, free.x, free.y, free.yaw)
    return Placing(rule.goals, (other.id,), patient=True, aside=aside)
