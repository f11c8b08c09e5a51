"""The rule of tasks that want bodies at places: goals, in any order or one after another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.tasks.problem import WORKSPACE_HIGH, WORKSPACE_LOW, Move, Trails, Verdict

NEAR: Final = 0.10  # metres within which a place counts as reached
SAME_YAW: Final = float(np.radians(15))


@dataclass(frozen=True)
class Goal:
    """A body that should get somewhere."""

    body: int
    x: float
    y: float
    yaw: float  # where the expert turns it; asked for only where `turned`
    turned: bool = False  # the yaw must match, too
    near: float = NEAR

    def reached(self, body: Body) -> bool:
        """Whether `body` is where it should be."""
        return self.close(body) and (not self.turned or same_yaw(body.yaw, self.yaw, body.shape.symmetry))

    def close(self, body: Body) -> bool:
        """Whether `body` is near the place, whichever way it is turned."""
        return float(np.hypot(body.x - self.x, body.y - self.y)) < self.near


def same_yaw(one: float, two: float, symmetry: float) -> bool:
    """Whether two yaws agree up to a symmetry in degrees; 0 is a body of revolution."""
    if symmetry == 0:
        return True
    turn = np.radians(symmetry)
    return bool(abs((one - two + turn / 2) % turn - turn / 2) < SAME_YAW)


@dataclass
class Placing:
    """Success once every goal was reached; a goal once reached stays reached."""

    goals: tuple[Goal, ...]
    distractors: tuple[int, ...] = ()  # bodies that must keep away from the goals
    ordered: bool = False  # each action must reach the next goal
    patient: bool = False  # distractors matter only at the end
    aside: Goal | None = None  # where the expert puts a distractor that stands on a goal
    open: list[Goal] = field(default_factory=list, init=False)

    def begin(self, bodies: Sequence[Body]) -> None:
        """Open every goal that is not reached yet."""
        self.open = list(self.goals)
        self._latch({body.id: body for body in bodies})

    def judge(self, bodies: Sequence[Body], trails: Trails) -> Verdict:
        """Success with the last goal; failure by a distractor, a lost body or, where ordered, a wrong step."""
        del trails
        now = {body.id: body for body in bodies}
        reached = self._latch(now)
        done = not self.open
        confused = self._confused(now) if done or not self.patient else ""
        if done:
            return Verdict(failure=confused) if self.patient and confused else Verdict(success=True)
        if self.ordered and not reached:
            return Verdict(failure="the step did not reach the next goal")
        lost = next((now[goal.body].name for goal in self.open if _lost(now[goal.body])), "")
        return Verdict(failure=confused or (f"the {lost} left the workspace" if lost else ""))

    def advise(self, bodies: Sequence[Body], rng: np.random.Generator) -> Move | None:
        """Clear the way if a distractor blocks it, else the first open goal."""
        del rng
        now = {body.id: body for body in bodies}
        blocked = self.aside is not None and any(goal.close(now[self.aside.body]) for goal in self.goals)
        goal = self.aside if blocked else next(iter(self.open), None)
        return None if goal is None else Move(goal.body, goal.x, goal.y, goal.yaw)

    def _latch(self, now: dict[int, Body]) -> bool:
        before = len(self.open)
        if self.ordered:
            if self.open and self.open[0].reached(now[self.open[0].body]):
                self.open.pop(0)
        else:
            self.open = [goal for goal in self.open if not goal.reached(now[goal.body])]
        return len(self.open) < before

    def _confused(self, now: dict[int, Body]) -> str:
        """Which distractor is in the way of a goal, or has a goal's body put upon it; empty if none."""
        for number in self.distractors:
            other = now[number]
            for goal in self.goals:
                mine = now[goal.body]
                apart = float(np.hypot(mine.x - other.x, mine.y - other.y))
                turned = not goal.turned or same_yaw(mine.yaw, other.yaw, mine.shape.symmetry)
                if goal.close(other) or (apart < goal.near and turned):
                    return f"the {other.name} is where it should not be"
        return ""


def _lost(body: Body) -> bool:
    return bool(np.any(body.place < WORKSPACE_LOW) or np.any(body.place > WORKSPACE_HIGH))
