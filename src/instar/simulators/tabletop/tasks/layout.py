"""Scenes drawn at random: where there is room on the table, and what to put there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.cast import covers
from instar.simulators.tabletop.shapes import Shape, sample
from instar.simulators.tabletop.tasks.problem import FIRST_ID, FIRST_SCENE_ID, NoRoomError
from instar.simulators.tabletop.tasks.sets import Palette, into_base, pick
from instar.simulators.tabletop.views import CELL, GRID

TRIES: Final = 10
PORTRAIT_YAW: Final = float(np.pi / 2)  # object pictures are turned by this


@dataclass
class Layout:
    """A scene that grows body by body; ids count up in the order of creation."""

    rng: np.random.Generator
    first: int = FIRST_ID["suction"]
    bodies: list[Body] = field(default_factory=list)

    def put(self, shape: Shape, texture: str, x: float, y: float, yaw: float) -> Body:
        """Add a body at a given pose, at the height at which episodes start: half its nominal size above the table."""
        body = Body(self.first + len(self.bodies), shape, texture, x, y, shape.nominal[2] / 2, yaw)
        self.bodies.append(body)
        return body

    def drop(self, shape: Shape, texture: str, away: Sequence[Body] = (), *, others: Sequence[Body] = ()) -> Body:
        """Add a body at a random free pose, clear of the hollow bodies in `away`, as if `others` were there too.

        Raises NoRoomError where that fails ten times.
        """
        for _ in range(TRIES):
            place = free_place([*self.bodies, *others], shape, self.rng)
            if place is not None and all(_clear(shape, place, body) for body in away):
                return self.put(shape, texture, *place, float(self.rng.uniform(0, 2 * np.pi)))
        raise NoRoomError(shape.name)


def scene_layout(rng: np.random.Generator) -> Layout:
    """An empty layout for a scene picture, with the ids used there."""
    return Layout(rng, FIRST_SCENE_ID)


def free_place(bodies: Sequence[Body], shape: Shape, rng: np.random.Generator) -> tuple[float, float] | None:
    """A random grid point whose surroundings are free of `bodies` as far as half the nominal diagonal of `shape`."""
    free = np.zeros((GRID.height, GRID.width), np.uint8)
    free[1:-1, 1:-1] = 1
    for body in bodies:
        cover = covers(body.shape.parts, body.pose, GRID)
        if cover is not None:
            free[cover.window][cover.mask] = 0
    side = max(round(shape.reach / CELL), 1)
    cells = np.flatnonzero(cv2.erode(free, np.ones((side, side), np.uint8)))
    if len(cells) == 0:
        return None
    row, column = divmod(int(cells[rng.integers(len(cells))]), GRID.width)
    return 0.25 + row * CELL, -0.5 + column * CELL


def clearance(one: Shape, two: Shape) -> float:
    """The distance beyond which two shapes count as apart: nominal half sizes on the longer axis, and a centimetre."""
    return max((a + b) / 2 + 0.01 for a, b in zip(one.nominal[:2], two.nominal[:2], strict=True))


def _clear(shape: Shape, place: tuple[float, float], body: Body) -> bool:
    return float(np.hypot(place[0] - body.x, place[1] - body.y)) > clearance(shape, body.shape)


def hollow(bodies: Sequence[Body]) -> list[Body]:
    """Those bodies whose free inside is no place to start in: frames and squares."""
    return [body for body in bodies if body.shape.name in ("frame", "square")]


def drop_base(layout: Layout, palette: Palette) -> Body:
    """Add one of the bases of `palette` at a random free place."""
    rng = layout.rng
    return layout.drop(sample(pick(rng, palette.bases), rng), pick(rng, palette.base_textures))


def drop_loose(layout: Layout, palette: Palette, base: Body) -> Body:
    """Add one of the loose things of `palette` at a random free place that is not inside `base`."""
    rng = layout.rng
    shape, texture = sample(pick(rng, palette.dragged), rng), pick(rng, palette.dragged_textures)
    return layout.drop(shape, texture, away=hollow([base]))


@dataclass(frozen=True, eq=False)
class Pair:
    """A scene with one of the bases, and a loose thing beside it."""

    palette: Palette
    layout: Layout
    base: Body
    moved: Body

    def add(self, kind: tuple[str, str]) -> Body:
        """Add a thing of this shape and texture at a random free place; a loose one keeps out of the base."""
        shape, texture = kind
        away = hollow([self.base]) if shape in self.palette.dragged else ()
        return self.layout.drop(sample(shape, self.layout.rng), texture, away=away)


def pair(suite: str, rng: np.random.Generator) -> Pair:
    """What a task begins with that puts something into a base."""
    palette, layout = into_base(suite), Layout(rng)
    base = drop_base(layout, palette)
    return Pair(palette, layout, base, drop_loose(layout, palette, base))


def portrait(shape: Shape, texture: str) -> tuple[Body, ...]:
    """One object as object pictures show it."""
    return (Body(0, shape, texture, 0.5, 0.0, 0.0, PORTRAIT_YAW),)
