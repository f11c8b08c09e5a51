"""Stack the blocks of a colour."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.layout import Layout
from instar.simulators.arm.tasks.moves import lift, pick, put, quarter
from instar.simulators.arm.tasks.problem import STILL, Goal, Problem, Verdict
from instar.simulators.arm.things import Thing, block
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

HALF: Final = 0.0225  # metres: half a side of a block of the usual size
OTHERS: Final = 2
HOVER: Final = 0.17
_LEVEL: Final = 0.008  # metres that a block may lie too high or too low on the one below


@dataclass(frozen=True)
class StackBlocks:
    """RLBench's stack_blocks: two or three, among others of another colour."""

    name: str = "stack_blocks"
    allowance: float = 12.0

    def problem(self, palette: Palette) -> Problem:
        """All of one size."""
        layout, half, rng = Layout(palette.rng), HALF * palette.size(), palette.rng
        own, other = palette.colors(2)
        count = int(rng.integers(2, 4))
        colors = [own] * count + [other] * OTHERS
        # Room for the hand beside the tower, which stands on the first.
        spots = [layout.spot(0.085 if k == 0 else 0.05) for k in range(len(colors))]
        blocks = tuple(block(f"block {k}", color, half, spots[k]) for k, color in enumerate(colors))
        text = said("stack_blocks", rng, {"count": ("two", "three")[count - 2], "color": own})
        return Problem(text, blocks, Stacking(blocks[:count], half))


@dataclass(frozen=True)
class Stacking:
    """Blocks are to stand on each other, in any order; the expert begins on the first."""

    blocks: tuple[Thing, ...]
    half: float

    def judge(self, world: World) -> Verdict:
        """Success once all stand on each other, lie still, and nobody holds them."""
        names = [thing.name for thing in self.blocks]
        if world.held in names or max(world.speed(name) for name in names) > STILL:
            return Verdict()
        tower = sorted(names, key=lambda name: float(world.place(name)[2]))
        return Verdict(success=all(self._on(world, above, below) for below, above in pairwise(tower)))

    def advise(self, world: World) -> Goal:
        """The next block onto the tower that stands on the first."""
        tower = [self.blocks[0].name]
        for thing in self.blocks[1:]:
            if world.held != thing.name and self._on(world, thing.name, tower[-1]):
                tower.append(thing.name)
        left = [thing.name for thing in self.blocks if thing.name not in tower]
        if not left:
            return lift(world, HOVER)
        moved, top = left[0], world.place(tower[-1])
        if world.held == moved:
            grip = world.hand.place - world.place(moved)
            place = np.array([*top[:2], top[2] + 2 * self.half + 0.001]) + grip
            return put(world, place, quarter(world.yaw(tower[0])), HOVER)
        return pick(world, world.place(moved), quarter(world.yaw(moved)), HOVER)

    def _on(self, world: World, above: str, below: str) -> bool:
        off = world.place(above) - world.place(below)
        return bool(np.hypot(*off[:2]) < self.half and abs(off[2] - 2 * self.half) < _LEVEL)
