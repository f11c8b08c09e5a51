"""Make the table look like the picture, and then as it was."""

from dataclasses import dataclass, replace

import numpy as np

from instar.simulators.tabletop.tasks.placing import Goal, fair
from instar.simulators.tabletop.tasks.problem import Picture, Problem
from instar.simulators.tabletop.tasks.rearrange import arrangement
from instar.simulators.tabletop.tasks.sets import SUITES


@dataclass(frozen=True)
class RearrangeThenRestore:
    """VIMA-Bench's rearrange_then_restore: where things were must be remembered."""

    name: str = "rearrange_then_restore"
    suites: tuple[str, ...] = SUITES
    allowance: int = 8

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """As rearrange sets it; a distractor that had to give way need not go back."""
        found = arrangement(suite, rng)
        begun = {body.id: body for body in found.bodies}
        back = tuple(
            Goal(goal.body, begun[goal.body].x, begun[goal.body].y, begun[goal.body].yaw, stage=1)
            for goal in found.rule.goals
        )
        rule = fair(replace(found.rule, goals=(*found.rule.goals, *back)), found.bodies)
        text = "Rearrange the objects to the setup in {scene}, and then restore how they were."
        return Problem(text, found.bodies, rule, {"scene": Picture("scene", found.scene)})
