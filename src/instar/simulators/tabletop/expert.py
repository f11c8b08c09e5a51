"""The scripted expert: it knows where everything is, and picks things up at a random pixel that shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

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

TRIES: Final = 20  # pixels the expert looks at before it takes what it has


@dataclass(frozen=True)
class Expert:
    """A policy for the episode in play: every context gets the next action for the table as it stands."""

    advise: Callable[[], Floats]  # the action (6,) that is next

    @property
    def spec(self) -> PolicySpec:
        """It acts on the table's robot, one action at a time, and looks at no past."""
        return PolicySpec("expert", VIMA, past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """The same next action for each context: there is one episode in play. Raises SimulatorError if it is over."""
        return [ActionChunk(self.advise()[None, :]) for _ in contexts]


def action_of(advice: Move | Stroke, bodies: Sequence[Body], rng: np.random.Generator) -> Floats:
    """Advice as an action (6,), exactly as VIMA's float32 files would keep it."""
    if isinstance(advice, Stroke):
        return canonical(np.array([*advice.start, 0.0, *advice.end, 0.0]))
    body = next(body for body in bodies if body.id == advice.body)
    start = visible_point(body, bodies, rng)
    spin = float((advice.yaw - body.yaw + np.pi) % (2 * np.pi) - np.pi)
    end = np.array([advice.x, advice.y]) + turn(spin) @ (start - body.place)
    return canonical(VIMA.actions.clip(np.array([*start, 0.0, *end, spin])))


def visible_point(body: Body, bodies: Sequence[Body], rng: np.random.Generator) -> Floats:
    """A point of the table (2,) under a random pixel of the top view that shows `body`, where the cup would lift it.

    What leans in a bowl shows pixels beside the part that can be lifted; after a few of those any visible one will do.
    """
    rows, columns = np.nonzero(scene(around(body, bodies, TOP), TOP).ids == body.id)
    if len(rows) == 0:
        raise SimulatorError(f"the {body.name} is hidden from above; the expert cannot pick it up")
    for _ in range(TRIES):
        k = int(rng.integers(len(rows)))
        row, column = rows[k : k + 1].astype(np.float64), columns[k : k + 1].astype(np.float64)
        point = np.concatenate([TOP.rows_to_x(row), TOP.columns_to_y(column)])
        if grasped(bodies, point) is body:
            break
    return point
