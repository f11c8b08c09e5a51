"""Who worked when in an evaluation: the share of the time in which the model computed, and the simulators."""

import math
import time
from dataclasses import dataclass


@dataclass
class Timesheet:
    """Seconds of work of both sides."""

    workers: int = 1  # simulator processes, or 1 where everything is in this one
    asking: float = 0.0  # seconds in which the policy was at work
    simulating: float = 0.0  # seconds of work of the simulators, all of them together
    calls: int = 0  # of the policy
    contexts: int = 0  # that it was asked about
    orders: int = 0  # that simulators obeyed
    _first: float = math.inf  # when the first work began, by time.monotonic
    _last: float = -math.inf  # when the last ended

    def asked(self, seconds: float, contexts: int) -> None:
        """The policy has just worked for so long on so many contexts."""
        self.asking += seconds
        self.calls += 1
        self.contexts += contexts
        self._cover(seconds)

    def simulated(self, seconds: float) -> None:
        """A simulator has just worked for so long on one order."""
        self.simulating += seconds
        self.orders += 1
        self._cover(seconds)

    def _cover(self, seconds: float) -> None:
        self._last = time.monotonic()
        self._first = min(self._first, self._last - seconds)

    @property
    def seconds(self) -> float:
        """From the beginning of the first work to the end of the last."""
        return max(0.0, self._last - self._first)

    @property
    def model(self) -> float:
        """The share of the time in which the model computed, 0 to 1."""
        return self.asking / self.seconds if self.seconds else 0.0

    @property
    def simulators(self) -> float:
        """The share of the time in which a simulator process worked, 0 to 1, on average."""
        return self.simulating / (self.seconds * self.workers) if self.seconds else 0.0

    def to_json(self) -> dict[str, object]:
        """For the manifest of a run."""
        return {
            "seconds": round(self.seconds, 3),
            "workers": self.workers,
            "model": {"share": round(self.model, 3), "calls": self.calls, "contexts": self.contexts},
            "simulators": {"share": round(self.simulators, 3), "orders": self.orders},
        }
