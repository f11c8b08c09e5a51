"""Pictures to learn to see from: random tables, and tables as tasks set them, with what stands where.

No scene is one of an evaluation or of a demonstration: they are drawn by random numbers of their own. Shapes and
textures are those of VIMA-Bench's training partitions; what its harder levels add is never shown (`UNSEEN_SHAPES`,
`UNSEEN_TEXTURES`), so that success there is success with what was never seen at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, Pixels
from instar.errors import SimulatorError
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.expert import action_of
from instar.simulators.tabletop.render import box_of, scene
from instar.simulators.tabletop.shapes import sample, scaled
from instar.simulators.tabletop.simulator import done, generator
from instar.simulators.tabletop.tasks import FAMILIES
from instar.simulators.tabletop.tasks.layout import Layout
from instar.simulators.tabletop.tasks.problem import NoRoomError
from instar.simulators.tabletop.tasks.sets import (
    BASES,
    COMBINATORIAL,
    DRAGGED,
    EVERY_TWIN,
    FIRST,
    FIRST_TWINS,
    NOVEL_BASES,
    NOVEL_DRAGGED,
    PLACEMENT,
    SECOND,
    SECOND_TWINS,
    pick,
)
from instar.simulators.tabletop.textures import LIGHT
from instar.simulators.tabletop.views import VIEWS
from instar.simulators.tabletop.world import pick_and_place, settle

SHAPES: Final = (*DRAGGED, *BASES, "small block", "shorter block", "three-sided rectangle", "line")
TEXTURES: Final = tuple(dict.fromkeys((*FIRST, *SECOND, *FIRST_TWINS, *SECOND_TWINS)))
UNSEEN_SHAPES: Final = (*NOVEL_DRAGGED, *NOVEL_BASES)
UNSEEN_TEXTURES: Final = tuple(name for name in (*LIGHT, *EVERY_TWIN) if name not in TEXTURES)
EVERY_SHAPE: Final = (*SHAPES, *UNSEEN_SHAPES)
EVERY_TEXTURE: Final = (*TEXTURES, *UNSEEN_TEXTURES)
FRONT: Final = VIEWS[0]
MOST: Final = 12  # things in a scene
_TALL: Final = (0.35, 0.7, 1.4)  # heights beside the usual one, as adjectives of tasks have them


@dataclass(frozen=True)
class Thing:
    """Something that can be seen in a picture."""

    number: int  # its value in the picture's ids, from 1
    texture: str
    shape: str
    box: Box  # of its visible pixels
    pixels: int  # how many are visible

    @property
    def name(self) -> str:
        """Texture and shape."""
        return f"{self.texture} {self.shape}"


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is in it."""

    rgb: Pixels  # (H, W, 3)
    ids: NDArray[np.uint8]  # (H, W), or of a smaller picture: 0 is the ground
    things: tuple[Thing, ...]


def draw(seed: str, number: int, kind: str, most: int = 7) -> Scene:
    """Scene `number` of a seed. Kinds: alone, plain, tasks, unseen_shapes, unseen_textures."""
    for attempt in range(100):
        rng = generator("pretraining", seed, kind, number, attempt)
        try:
            return photograph(_tasks(rng) if kind == "tasks" else _random(rng, kind, most))
        except (NoRoomError, SimulatorError):
            continue
    raise SimulatorError(f"{kind} {number}: no scene of 100 fits on the table")


def photograph(bodies: Sequence[Body]) -> Scene:
    """What the front camera sees."""
    shot = scene(bodies, FRONT)
    ids = np.zeros_like(shot.ids)
    things: list[Thing] = []
    for body in bodies:
        mask = shot.ids == body.id
        box = box_of(mask)
        if box is not None and len(things) < MOST:
            number = len(things) + 1
            ids[mask] = number
            things.append(Thing(number, body.texture, body.shape.name, box, int(mask.sum())))
    return Scene(shot.rgb, ids, tuple(things))


def _random(rng: np.random.Generator, kind: str, most: int) -> Sequence[Body]:
    """Things anywhere; some loose ones lie on or in others."""
    textures = UNSEEN_TEXTURES if kind == "unseen_textures" else TEXTURES
    loose, bases = (NOVEL_DRAGGED, NOVEL_BASES) if kind == "unseen_shapes" else (DRAGGED, BASES)
    count = 1 if kind == "alone" else int(rng.integers(1, most + 1))
    layout = Layout(rng)
    for _ in range(count):
        drawn = rng.random()
        names = bases if drawn < 0.25 else loose
        if drawn > 0.95 and kind != "unseen_shapes":
            names = ("small block", "shorter block")
        texture = pick(rng, textures)
        # Alike in one way or the other: what tells things apart must be looked at.
        if layout.bodies and rng.random() < 0.3:
            texture = pick(rng, layout.bodies).texture
        shape = sample(pick(rng, names), rng)
        if names is loose and rng.random() < 0.15:
            shape = scaled(shape, (1.0, 1.0, pick(rng, _TALL)))
        layout.drop(shape, texture)
    bodies = settle(layout.bodies)
    for _ in range(int(rng.integers(0, 3))):
        if rng.random() < 0.5 and len(bodies) > 1:
            one, other = (bodies[int(k)] for k in rng.permutation(len(bodies))[:2])
            bodies = pick_and_place(bodies, one.place, other.place, float(rng.uniform(0, 2 * np.pi)))
    return bodies


def _tasks(rng: np.random.Generator) -> Sequence[Body]:
    """A task's table, perhaps after some of the expert's actions."""
    suite = pick(rng, (PLACEMENT, COMBINATORIAL))
    family = pick(rng, [family for family in FAMILIES if suite in family.suites])
    problem = family.problem(suite, rng)
    problem.rule.begin(problem.bodies)
    bodies = problem.bodies
    for _ in range(int(rng.integers(0, 4))):
        advice = problem.rule.advise(bodies, rng)
        if advice is None:
            break
        bodies, trails = done(problem.tool, bodies, action_of(advice, bodies, rng))
        if problem.rule.judge(bodies, trails).over:
            break
    return bodies
