"""The rule of tasks that sweep so many blocks into a zone and keep off a line, and the expert's way of sweeping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from instar.robot import Floats
from instar.simulators.tabletop.body import Body, turn
from instar.simulators.tabletop.sweep import sweep
from instar.simulators.tabletop.tasks.problem import WORKSPACE_HIGH, WORKSPACE_LOW, Stroke, Trails, Verdict, lost

# Where a block is tested, in its own frame: VIMA-Bench's points, which are not symmetric about its centre.
TEST_POINTS: Final = np.array(list(product((-0.015, 0.005), repeat=2)))
TRIES: Final = 400  # ways the expert thinks through before it gives up
MARGIN: Final = 0.01  # metres it keeps from the line on the ways it knows
Point = tuple[float, float]


@dataclass(frozen=True)
class Area:
    """An upright rectangle of the table."""

    low: tuple[float, float]
    high: tuple[float, float]

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Which of `points` (..., 2) lie in it."""
        return np.asarray(((points >= self.low) & (points <= self.high)).all(axis=-1))

    def grown(self, by: float) -> "Area":
        """The area and all around it, `by` metres wide."""
        return Area(_point(np.subtract(self.low, by)), _point(np.add(self.high, by)))

    @property
    def middle(self) -> Floats:
        """Its centre (2,)."""
        return (np.array(self.low) + self.high) / 2


@dataclass(frozen=True)
class _Plan:
    """A block swept from place to place."""

    body: int
    places: tuple[Point, ...]
    offset: Point = (0.0, 0.0)  # of the blade from the block's centre, where the first stroke begins
    margin: float = 0.0  # metres kept from the line

    def stroke(self, bodies: Sequence[Body], leg: int) -> Stroke:
        """The stroke of one leg, from where the block is now."""
        x, y = next((body.x, body.y) for body in bodies if body.id == self.body)
        dx, dy = self.offset if leg == 0 else (0.0, 0.0)
        return Stroke((x + dx, y + dy), self.places[leg])


def _point(place: Floats) -> Point:
    return float(place[0]), float(place[1])


def probes(poses: Floats) -> Floats:
    """The test points (N, 4, 2) of a block at poses (N, 3)."""
    yaws = poses[:, 2].tolist()  # few different ones: blocks turn once and ride on
    turned = {yaw: TEST_POINTS @ turn(yaw).T for yaw in set(yaws)}
    return np.stack([turned[yaw] for yaw in yaws]) + poses[:, None, :2]


@dataclass
class Sweeping:
    """Success when exactly the asked number of blocks is in the zone; what was in once counts as in."""

    targets: tuple[int, ...]
    distractors: tuple[int, ...]
    asked: int
    zone: Area
    line: Area
    ways: tuple[tuple[Point, ...], ...] = ((),)  # places on the expert's ways to the middle of the zone, shortest first
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
        gone = [body for body in bodies if body.id in self.targets and body.id not in self.inside and lost(body)]
        return Verdict(failure=f"the {gone[0].name} left the workspace" if gone else "")

    def advise(self, bodies: Sequence[Body], rng: np.random.Generator) -> Stroke | None:
        """The first stroke of the shortest way that brings a block in and does no harm, else one that makes room."""
        best, worth = None, -1.0
        for plan in self._plans(bodies, rng):
            value = self._value(bodies, plan)
            if value > worth:
                best, worth = plan.stroke(bodies, 0), value
            if value >= 1.0:
                break
        return best

    def _plans(self, bodies: Sequence[Body], rng: np.random.Generator) -> "Iterator[_Plan]":
        """Every known way for every open block, from left to right; then others with places shifted at random."""
        open_ones = [body for body in bodies if body.id in self.targets and body.id not in self.inside]
        waiting = sorted(open_ones, key=lambda body: body.y)  # an order that can be seen
        for way in self.ways:
            for body in waiting:
                yield _Plan(body.id, (*way, _point(self.zone.middle)), margin=MARGIN)
        low, high = np.subtract(self.zone.low, (0.0, 0.1)), np.add(self.zone.high, (0.1, 0.1))
        for _ in range(TRIES if waiting else 0):
            body = waiting[int(rng.integers(len(waiting)))]
            way = self.ways[int(rng.integers(len(self.ways)))]
            places = [*(rng.normal(via, 0.03) for via in way), rng.uniform(low, high)]
            yield _Plan(body.id, tuple(_point(place) for place in places), _point(rng.normal(0.0, 0.012, 2)))

    def _value(self, bodies: Sequence[Body], plan: "_Plan") -> float:
        """How good a plan is: -1 where it fails, 1 where it brings a block in, else less, for the room it makes."""
        trial = replace(self, line=self.line.grown(plan.margin))
        trial.inside = set(self.inside)
        room = -1.0
        for leg in range(len(plan.places)):
            stroke = plan.stroke(bodies, leg)
            swept = sweep(bodies, np.clip(stroke.start, WORKSPACE_LOW, WORKSPACE_HIGH), np.array(stroke.end))
            bodies, verdict = swept.bodies, trial.judge(swept.bodies, swept.trails)
            if verdict.failure or not swept.trails:
                return -1.0
            if verdict.success or len(trial.inside) > len(self.inside):
                return 1.0
            if leg == 0:
                room = min(0.9, _elbow_room(bodies, trial))
        return room

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
