"""A table on which a test moves things about by hand, and the expert at play."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from instar.demo import Context, Instruction, Observation
from instar.simulator import Task, Transition
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.body import Body

SEEDS = range(900_000, 900_050)  # far from those of demonstrations and benchmarks


@dataclass
class Table:
    """A problem in play."""

    name: str
    suite: str
    seed: int
    simulator: Tabletop = field(default_factory=Tabletop)
    instruction: Instruction = field(init=False)
    observation: Observation = field(init=False)

    def __post_init__(self) -> None:
        self.instruction, self.observation = self.simulator.reset(Task(self.name, self.suite), self.seed)

    @property
    def bodies(self) -> dict[int, Body]:
        """What stands on the table now, by id."""
        return {body.id: body for body in self.simulator.bodies}

    def pictured(self, slot: str) -> Body:
        """The body that an object picture shows."""
        (wanted,) = self.instruction.references[slot].objects
        (body,) = [body for body in self.simulator.bodies if body.name == wanted.name]
        return body

    def carry(self, body: Body, x: float, y: float, *, spin: float = 0.0) -> Transition:
        """Pick the body up at its origin and put it at a place, turned by so many degrees counter-clockwise."""
        now = self.bodies[body.id]
        return self.simulator.step(np.array([now.x, now.y, 0.0, x, y, np.radians(spin)]))

    def sweep(self, body: Body, x: float, y: float) -> Transition:
        """Sweep the body towards a place, as far as the spatula's blade goes."""
        return self.carry(body, x, y)

    def expert(self) -> Transition:
        """The end of the expert's episode."""
        for t in range(12):
            context = Context(self.simulator.robot, self.instruction, self.observation, t=t)
            transition = self.simulator.step(self.simulator.expert().act([context])[0].actions[0])
            if transition.terminated:
                return transition
        raise AssertionError(f"{self.name}/{self.suite}/{self.seed}: the expert does not come to an end")


def tables(name: str, suite: str = "placement", seeds: Iterable[int] = SEEDS) -> Iterable[Table]:
    """One problem after another."""
    return (Table(name, suite, seed) for seed in seeds)


@cache
def looks(name: str, suite: str = "placement") -> tuple[Table, ...]:
    """Thirty problems to look at; whoever plays them spoils them for the next."""
    return tuple(tables(name, suite, SEEDS[:30]))
