"""Pick the block of a colour up and lift it to a ball in the air."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.layout import Layout
from instar.simulators.arm.tasks.moves import pick, quarter, straight
from instar.simulators.arm.tasks.problem import Goal, Problem, Verdict
from instar.simulators.arm.things import Thing, ball, block
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

BLOCKS: Final = 3
HALF: Final = 0.0225  # metres: half a side of a block of the usual size
HOVER: Final = 0.12
_THERE: Final = 0.03  # metres from the ball
_LIFTED: Final = 0.08  # metres from where a block counts as lifted


@dataclass(frozen=True)
class PickAndLift:
    """RLBench's pick_and_lift."""

    name: str = "pick_and_lift"
    allowance: float = 6.0

    def problem(self, palette: Palette) -> Problem:
        """Three blocks of one size, and a ball."""
        layout, half, rng = Layout(palette.rng), HALF * palette.size(), palette.rng
        colors = palette.colors(BLOCKS)
        blocks = tuple(block(f"block {k}", color, half, layout.spot(0.055)) for k, color in enumerate(colors))
        x, y, z = (float(value) for value in rng.uniform((0.42, -0.16, 0.15), (0.54, 0.16, 0.22)))
        text = said("pick_and_lift", rng, {"color": colors[0]})
        return Problem(text, (*blocks, ball("ball", (x, y, z), 0.025)), Lifting(blocks))


@dataclass(frozen=True)
class Lifting:
    """The first of the blocks is to be lifted to the ball."""

    blocks: tuple[Thing, ...]

    def judge(self, world: World) -> Verdict:
        """Success while it is held there; another block in the air is a failure."""
        for other in self.blocks[1:]:
            if world.held == other.name and world.place(other.name)[2] > _LIFTED:
                return Verdict(failure=f"the {other.called} was lifted where the {self.blocks[0].called} was asked for")
        wanted = self.blocks[0].name
        there = np.linalg.norm(world.place(wanted) - world.place("ball")) < _THERE
        return Verdict(success=bool(there) and world.held == wanted)

    def advise(self, world: World) -> Goal:
        """Take it, and straight to the ball."""
        wanted = self.blocks[0].name
        if world.held == wanted:
            offset: Floats = world.hand.place - world.place(wanted)
            return straight(world, world.place("ball") + offset, world.hand.yaw)
        return pick(world, world.place(wanted), quarter(world.yaw(wanted)), HOVER)
