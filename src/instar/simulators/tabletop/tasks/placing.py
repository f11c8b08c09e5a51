"""The rule of tasks that want bodies at places: goals, in any order or one after another."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.tasks.problem import Move, NoRoomError, Trails, Verdict, lost

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
    stage: int = 0  # it is looked at once every goal of the stages before was reached ...
    in_turn: bool = False  # ... and to be there before that is a failure
    aim: tuple[float, float] | None = None  # where the expert puts the body, if not right at the place

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

    goals: tuple[Goal, ...]  # those of earlier stages first
    distractors: tuple[int, ...] = ()  # bodies that must keep away from the goals
    ordered: bool = False  # one goal after another, and each action must reach the next
    patient: bool = False  # distractors matter only at the end
    aside: Goal | None = None  # where the expert puts a distractor that stands on a goal
    open: list[Goal] = field(default_factory=list, init=False)

    def begin(self, bodies: Sequence[Body]) -> None:
        """Open every goal that is not reached yet."""
        self.open = list(self.goals)
        self._latch({body.id: body for body in bodies})

    def judge(self, bodies: Sequence[Body], trails: Trails) -> Verdict:
        """Success with the last goal; failure by a distractor, a lost body, or a step out of turn."""
        del trails
        now = {body.id: body for body in bodies}
        reached = self._latch(now)
        done = not self.open
        confused = self.confusion(bodies) if done or not self.patient else ""
        if done and not confused:
            return Verdict(success=True)
        if self.ordered and not reached:
            return Verdict(failure="the step did not reach the next goal")
        gone = next((now[goal.body].name for goal in self.open if lost(now[goal.body])), "")
        return Verdict(failure=self._early(now) or confused or (f"the {gone} left the workspace" if gone else ""))

    def advise(self, bodies: Sequence[Body], rng: np.random.Generator) -> Move | None:
        """Clear the way if a distractor blocks it, else the first open goal."""
        del rng
        now = {body.id: body for body in bodies}
        blocked = self.aside is not None and any(goal.close(now[self.aside.body]) for goal in self.goals)
        goal = self.aside if blocked else next(iter(self.open), None)
        if goal is None:
            return None
        return Move(goal.body, *(goal.aim or (goal.x, goal.y)), goal.yaw, goal.turned)

    def confusion(self, bodies: Sequence[Body]) -> str:
        """Which distractor is in the way of a goal, or has a goal's body put upon it; empty if none."""
        now = {body.id: body for body in bodies}
        for number in self.distractors:
            other = now[number]
            for goal in self.goals:
                mine = now[goal.body]
                apart = float(np.hypot(mine.x - other.x, mine.y - other.y))
                turned = not goal.turned or same_yaw(mine.yaw, other.yaw, mine.shape.symmetry)
                if goal.close(other) or (apart < goal.near and turned):
                    return f"the {other.name} is where it should not be"
        return ""

    def _due(self) -> list[Goal]:
        """The open goals that the next action may reach."""
        return self.open[:1] if self.ordered else [goal for goal in self.open if goal.stage == self.open[0].stage]

    def _latch(self, now: dict[int, Body]) -> bool:
        reached = [goal for goal in self._due() if goal.reached(now[goal.body])]
        self.open = [goal for goal in self.open if goal not in reached]
        return bool(reached)

    def _early(self, now: dict[int, Body]) -> str:
        """Which body is already where it should get only later; empty if none."""
        for goal in self.open:
            if goal.in_turn and goal.stage > self.open[0].stage and goal.reached(now[goal.body]):
                return f"the {now[goal.body].name} is where it should get only later"
        return ""


def fair(rule: Placing, bodies: Sequence[Body]) -> Placing:
    """`rule`, if there is something to do from `bodies` on and no distractor bars the expert's way.

    Raises NoRoomError where everything is done already, or a distractor will be at a goal at the end, or it is by one
    of several things to move.
    """
    now = {body.id: body for body in bodies}
    if all(goal.reached(now[goal.body]) for goal in rule.goals if goal.stage == 0):
        raise NoRoomError("nothing to do")
    for number in rule.distractors:
        other = now[number]
        if rule.aside is not None and rule.aside.body == number and any(goal.close(other) for goal in rule.goals):
            other = replace(other, x=rule.aside.x, y=rule.aside.y)
        if any(goal.close(other) for goal in rule.goals):
            raise NoRoomError(other.name)
    if len({goal.body for goal in rule.goals}) > 1 and not rule.patient and rule.confusion(bodies):
        raise NoRoomError(rule.confusion(bodies))
    return rule
