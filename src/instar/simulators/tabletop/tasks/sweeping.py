"""The rule of tasks that sweep so many blocks into a zone and keep off a line, and the expert's way of sweeping."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.robot import Floats
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.sweep import sweep
from instar.simulators.tabletop.tasks.problem import WORKSPACE_HIGH, WORKSPACE_LOW, Stroke, Trails, Verdict

# Where a block is tested, in its own frame: VIMA-Bench's points, which are not symmetric about its centre.
TEST_POINTS: Final = np.array(list(product((-0.015, 0.005), repeat=2)))
TRIES: Final = 400  # strokes the expert thinks through before it gives up


@dataclass(frozen=True)
class Area:
    """An upright rectangle of the table."""

    low: tuple[float, float]
    high: tuple[float, float]

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Which of `points` (..., 2) lie in it."""
        return np.asarray(((points >= self.low) & (points <= self.high)).all(axis=-1))

    @property
    def middle(self) -> Floats:
        """Its centre (2,)."""
        return (np.array(self.low) + self.high) / 2


def probes(poses: Floats) -> Floats:
    """The test points (N, 4, 2) of a block at poses (N, 3)."""
    return np.stack([TEST_POINTS @ turn(float(yaw)).T + (x, y) for x, y, yaw in poses])


@dataclass
class Sweeping:
    """Success when exactly the asked number of blocks is in the zone; what was in once counts as in."""

    targets: tuple[int, ...]
    distractors: tuple[int, ...]
    asked: int
    zone: Area
    line: Area
    inside: set[int] = field(default_factory=set, init=False)
    touched: bool = field(default=False, init=False)

    def begin(self, bodies: Sequence[Body]) -> None:
        """Count what is in the zone already."""
        self.inside, self.touched = set(), False
        self._latch(bodies, {})

    def judge(self, bodies: Sequence[Body], trails: Trails) -> Verdict:
        """Success by number; failure by the line, by too many, by a wrong block or a lost one."""
        self._latch(bodies, trails)
        if self.touched:
            return Verdict(failure="a block touched the line")
        for body in bodies:
            if body.id in self.distractors and self.zone.holds(_points(body)).any():
                return Verdict(failure=f"a {body.name} is in the area")
        if len(self.inside) > self.asked:
            return Verdict(failure=f"{len(self.inside)} blocks are in the area; {self.asked} were asked for")
        if len(self.inside) == self.asked:
            return Verdict(success=True)
        lost = [body for body in bodies if body.id in self.targets and body.id not in self.inside and _lost(body)]
        return Verdict(failure=f"the {lost[0].name} left the workspace" if lost else "")

    def advise(self, bodies: Sequence[Body], rng: np.random.Generator) -> Stroke | None:
        """VIMA-Bench's stroke, from an open block to the middle of the zone, where that does no harm; else another."""
        best, worth = None, -1.0
        for stroke in self._strokes(bodies, rng):
            value = self._value(bodies, stroke)
            if value > worth:
                best, worth = stroke, value
            if value >= 1.0:
                break
        return best

    def _strokes(self, bodies: Sequence[Body], rng: np.random.Generator) -> "list[Stroke]":
        waiting = [body for body in bodies if body.id in self.targets and body.id not in self.inside]
        middle = self.zone.middle
        strokes = [Stroke((body.x, body.y), (float(middle[0]), float(middle[1]))) for body in waiting]
        low, high = np.subtract(self.zone.low, (0.0, 0.1)), np.add(self.zone.high, (0.1, 0.1))
        for _ in range(TRIES if waiting else 0):
            body = waiting[int(rng.integers(len(waiting)))]
            end = rng.uniform(low, high)
            start = body.place + rng.normal(0.0, 0.012, 2)
            strokes.append(Stroke((float(start[0]), float(start[1])), (float(end[0]), float(end[1]))))
        return strokes

    def _value(self, bodies: Sequence[Body], stroke: Stroke) -> float:
        """How good a stroke is: -1 where it fails, 1 where it brings a block in, less for making room."""
        trial = replace(self)
        trial.inside = set(self.inside)
        swept = sweep(bodies, np.clip(stroke.start, WORKSPACE_LOW, WORKSPACE_HIGH), np.array(stroke.end))
        verdict = trial.judge(swept.bodies, swept.trails)
        if verdict.failure or not swept.trails:
            return -1.0
        if verdict.success or len(trial.inside) > len(self.inside):
            return 1.0
        return min(0.9, _elbow_room(swept.bodies, trial))

    def _latch(self, bodies: Sequence[Body], trails: Trails) -> None:
        for body in bodies:
            if body.id in self.targets:
                if self.zone.holds(_points(body)).all():
                    self.inside.add(body.id)
                way = trails.get(body.id, np.array([[body.x, body.y, body.yaw]]))
                self.touched = self.touched or bool(self.line.holds(probes(way)).any())


def _elbow_room(bodies: Sequence[Body], rule: Sweeping) -> float:
    """How far the loneliest waiting block is from all others, in metres."""
    loose = [body for body in bodies if body.shape.loose]
    rooms = [
        min((float(np.hypot(*(body.place - other.place))) for other in loose if other.id != body.id), default=1.0)
        for body in loose
        if body.id in rule.targets and body.id not in rule.inside
    ]
    return max(rooms, default=0.0)


def _points(body: Body) -> Floats:
    return np.asarray(probes(np.array([[body.x, body.y, body.yaw]]))[0])


def _lost(body: Body) -> bool:
    return bool(np.any(body.place < WORKSPACE_LOW) or np.any(body.place > WORKSPACE_HIGH))
