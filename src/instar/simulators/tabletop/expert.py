"""The scripted expert: it knows where everything is, and picks things up at a pixel that shows them.

It has two hands. The oracle's is that of VIMA-Bench: any such pixel, and things are turned as they lie where they go,
whether the task asks for it or not. A steady one picks near the middle, away from the edge, and turns nothing that need
not be turned: the same scene gives the same action, so fewer demonstrations show what matters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.demo import Context
from instar.embodiments.vima import VIMA, canonical
from instar.errors import SimulatorError
from instar.policy import PolicySpec
from instar.robot import ActionChunk, Floats
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.render import around, scene
from instar.simulators.tabletop.tasks.problem import Move, Stroke
from instar.simulators.tabletop.views import TOP
from instar.simulators.tabletop.world import grasped

Hand = Literal["oracle", "steady"]
TRIES: Final = 20  # pixels the expert looks at before it takes what it has
INSIDE: Final = 3.0  # pixels from the edge that are enough for a steady hand


@dataclass(frozen=True)
class Expert:
    """A policy for the episode in play: every context gets the next action for the table as it stands."""

    advise: Callable[[], Floats]  # the action (6,) that is next

    @property
    def spec(self) -> PolicySpec:
        """It acts on the table's robot, one action at a time, and looks at no past."""
        return PolicySpec("expert", (VIMA,), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """The same next action for each context: there is one episode in play. Raises SimulatorError if it is over."""
        return [ActionChunk(self.advise()[None, :]) for _ in contexts]


def action_of(advice: Move | Stroke, bodies: Sequence[Body], rng: np.random.Generator, hand: Hand = "oracle") -> Floats:
    """Advice as an action (6,), exactly as VIMA's float32 files would keep it."""
    if isinstance(advice, Stroke):
        return canonical(np.array([*advice.start, 0.0, *advice.end, 0.0]))
    body = next(body for body in bodies if body.id == advice.body)
    start = visible_point(body, bodies, rng, hand)
    spin = float((advice.yaw - body.yaw + np.pi) % (2 * np.pi) - np.pi) if advice.turned or hand == "oracle" else 0.0
    end = np.array([advice.x, advice.y]) + turn(spin) @ (start - body.place)
    return canonical(VIMA.actions.clip(np.array([*start, 0.0, *end, spin])))


def visible_point(body: Body, bodies: Sequence[Body], rng: np.random.Generator, hand: Hand = "oracle") -> Floats:
    """A point of the table (2,) under a pixel of the top view that shows `body`, where the cup would lift it.

    What leans in a bowl shows pixels beside the part that can be lifted; after a few of those any visible one will do.
    """
    shown = scene(around(body, bodies, TOP), TOP).ids == body.id
    if not shown.any():
        raise SimulatorError(f"the {body.name} is hidden from above; the expert cannot pick it up")
    for pixel in _anywhere(shown, rng) if hand == "oracle" else _from_the_middle(shown):
        row, column = pixel[:1], pixel[1:]
        point = np.concatenate([TOP.rows_to_x(row), TOP.columns_to_y(column)])
        if grasped(bodies, point) is body:
            break
    return point


def _anywhere(shown: NDArray[np.bool_], rng: np.random.Generator) -> Iterator[Floats]:
    """Random pixels (row, column) of those that are `shown` (H, W)."""
    pixels = np.argwhere(shown).astype(np.float64)
    for _ in range(TRIES):
        yield pixels[int(rng.integers(len(pixels)))]


def _from_the_middle(shown: NDArray[np.bool_]) -> Iterator[Floats]:
    """Pixels (row, column) of those that are `shown` (H, W): well inside, then near the middle of them all."""
    inside = np.minimum(cv2.distanceTransform(np.pad(shown, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1], INSIDE)
    pixels = np.argwhere(shown).astype(np.float64)
    middle = (pixels.min(0) + pixels.max(0)) / 2
    order = np.lexsort((np.hypot(*(pixels - middle).T), -inside[shown]))
    yield from pixels[order[:TRIES]]
