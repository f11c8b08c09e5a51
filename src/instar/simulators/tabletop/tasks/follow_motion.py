"""Repeat the motion of three pictures with the pictured object."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.tasks.layout import Layout, portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import FIRST_SCENE_ID, Picture, Problem
from instar.simulators.tabletop.tasks.sets import NOVEL_TASK, pick, without_base

CENTER: Final = (0.5, 0.0)
RADIUS: Final = 0.19
POINTS: Final = 5  # on the circle on which things move, counted from +x toward +y
STEPS: Final = 2


@dataclass(frozen=True)
class FollowMotion:
    """VIMA-Bench's follow_motion: two moves around a circle, each of which must be right."""

    name: str = "follow_motion"
    suites: tuple[str, ...] = (NOVEL_TASK,)
    allowance: int = STEPS

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """An object on the circle, and another thing in its middle that plays no part."""
        palette, layout = without_base(suite), Layout(rng)
        kinds = list(product(palette.dragged, palette.dragged_textures))
        way = [int(rng.integers(POINTS))]
        for _ in range(STEPS):
            way.append(way[-1] + int(pick(rng, (-1, 1))))
        places = [_place(k) for k in way]
        kind = pick(rng, kinds)
        moved = layout.put(sample(kind[0], rng), kind[1], *places[0], 0.0)
        middle = pick(rng, kinds, but=[kind])
        layout.put(sample(middle[0], rng), middle[1], *CENTER, 0.0)
        shown = pick(rng, kinds, but=[kind, middle])
        center = Body(0, sample(shown[0], rng), shown[1], *CENTER, 0.0)
        frames = {f"frame_{k}": _frame([replace(moved, x=x, y=y), center]) for k, (x, y) in enumerate(places)}
        slots = " ".join(f"{{{slot}}}" for slot in frames)
        return Problem(
            f"For {{dragged_obj}}, follow this motion: {slots}.",
            _raised(layout.bodies),
            Placing(tuple(Goal(moved.id, *place, 0.0) for place in places[1:]), ordered=True),
            {"dragged_obj": Picture("object", portrait(moved.shape, moved.texture)), **frames},
        )


def _place(point: int) -> tuple[float, float]:
    angle = 2 * np.pi * point / POINTS
    return CENTER[0] + RADIUS * float(np.cos(angle)), CENTER[1] + RADIUS * float(np.sin(angle))


def _raised(bodies: Sequence[Body]) -> tuple[Body, ...]:
    """`bodies` at the height at which this task starts: their whole nominal size above the table."""
    return tuple(replace(body, z=body.shape.nominal[2]) for body in bodies)


def _frame(bodies: Sequence[Body]) -> Picture:
    return Picture("scene", tuple(replace(body, id=FIRST_SCENE_ID + k) for k, body in enumerate(_raised(bodies))))
