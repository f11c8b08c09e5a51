"""The scripted policy that a simulator has of its own, as a policy of the house."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from instar.demo import Context
from instar.policy import PolicySpec
from instar.robot import ActionChunk, Floats, Robot


class Advising(Protocol):
    """A simulator that can say what to do next in the episode in play."""

    @property
    def robot(self) -> Robot: ...

    def advice(self) -> Floats:
        """The next action, (dim,). Raises SimulatorError when there is none."""
        ...


@dataclass(frozen=True)
class Expert:
    """A policy for the episode in play: every context gets the advice for the world as it stands."""

    simulator: Advising

    @property
    def spec(self) -> PolicySpec:
        """It acts on the simulator's robot, one action at a time, and looks at no past."""
        return PolicySpec("expert", (self.simulator.robot,), past=0, horizon=1)

    def act(self, contexts: Sequence[Context]) -> list[ActionChunk]:
        """The same next action for each context: there is one episode in play."""
        return [ActionChunk(self.simulator.advice()[None, :]) for _ in contexts]
