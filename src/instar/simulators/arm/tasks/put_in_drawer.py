"""Open a drawer and put the block of a colour into it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.drawers import OPEN, WIDE, Drawer, drawn
from instar.simulators.arm.tasks.layout import Layout
from instar.simulators.arm.tasks.moves import half, pick, put, quarter
from instar.simulators.arm.tasks.problem import STILL, Goal, Problem, Verdict
from instar.simulators.arm.things import Thing, block
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

HALF: Final = 0.021  # metres: half a side of a block of the usual size
HOVER: Final = 0.12


@dataclass(frozen=True)
class PutInDrawer:
    """RLBench's put_item_in_drawer: the drawer is closed at first."""

    name: str = "put_in_drawer"
    allowance: float = 12.0

    def problem(self, palette: Palette) -> Problem:
        """A cabinet on one side, and two blocks on the other."""
        cabinet, level, side = drawn(palette)
        layout, half_side = Layout(palette.rng), HALF * palette.size()
        for x, y in cabinet.outline:  # the hand is wide, and takes the blocks when the drawer is open
            layout.take(x, y, 0.07)
        *colors, own = palette.colors(3)
        low, high = ((0.40, -0.25), (0.58, -0.11)) if side > 0 else ((0.40, 0.11), (0.58, 0.25))
        blocks = tuple(
            block(f"block {k}", color, half_side, layout.spot(0.055, low, high)) for k, color in enumerate(colors)
        )
        text = said("put_in_drawer", palette.rng, {"color": colors[0], "level": level})
        return Problem(text, (*cabinet.things(own), *blocks), Stowing(Drawer(cabinet, level), blocks))


@dataclass(frozen=True)
class Stowing:
    """The first of the blocks is to lie in the drawer."""

    drawer: Drawer
    blocks: tuple[Thing, ...]

    def judge(self, world: World) -> Verdict:
        """Once something that nobody holds lies in the drawer; other drawers stay closed."""
        wrong = self.drawer.wrong(world)
        for thing in self.blocks[1:]:
            if world.held != thing.name and self.drawer.inside(world, thing.name):
                wrong = f"the {thing.called} is in the drawer, not the {self.blocks[0].called}"
        wanted = self.blocks[0].name
        there = world.held != wanted and world.speed(wanted) < STILL and self.drawer.inside(world, wanted)
        return Verdict(success=there and not wrong, failure=wrong)

    def advise(self, world: World) -> Goal:
        """Open the drawer, let go, take the block, and let it go above the drawer's floor."""
        wanted, drawer = self.blocks[0].name, self.drawer
        enough = WIDE if world.held == drawer.body else OPEN
        if world.held != wanted and drawer.share(world) < enough:
            return drawer.pull(world)
        if world.held == drawer.body:
            return Goal(world.hand, opened=True)
        height = float(world.place(drawer.body)[2]) + drawer.cabinet.level + 0.055
        if world.held == wanted:
            return put(world, drawer.over(world, 0.04), half(world.yaw(drawer.body)), height)
        return pick(world, np.array(world.place(wanted)), quarter(world.yaw(wanted)), max(HOVER, height))
