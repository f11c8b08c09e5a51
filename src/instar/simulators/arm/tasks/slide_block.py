"""Slide a block that is too wide to be held onto the target of a colour."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.moves import half, reach, straight
from instar.simulators.arm.tasks.problem import SLOW, STILL, Goal, Problem, Verdict
from instar.simulators.arm.things import Thing, patch, slab
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

TARGETS: Final = 3
SIDE: Final = 0.042  # metres: half a side of the block of the usual size
AWAY: Final = 0.155  # metres from the block to a target
HOVER: Final = 0.11
_DEPTH: Final = 0.024  # metres above the table, of the hand that pushes
_FINGER: Final = 0.012  # metres from the hand to where closed fingers touch
_BEHIND: Final = 0.03  # metres between fingers and block when they come down
_ASIDE: Final = 0.018  # metres beside the middle, from where the hand comes down anew
_THERE: Final = 0.03  # metres from a target


@dataclass(frozen=True)
class SlideBlock:
    """RLBench's slide_block_to_target, with colours."""

    name: str = "slide_block_to_target"
    allowance: float = 9.0

    def problem(self, palette: Palette) -> Problem:
        """The block in the middle, targets before three of its sides."""
        rng, half_side = palette.rng, SIDE * palette.size()
        *colors, own = palette.colors(TARGETS + 1)
        x, y, turn = (float(value) for value in rng.uniform((0.42, -0.05, -0.3), (0.46, 0.05, 0.3)))
        moved = slab("block", own, (half_side, half_side, half_side * 0.55), (x, y, turn))
        sides = rng.permutation(4)[:TARGETS]
        angles = [turn + float(side) * np.pi / 2 for side in sides]
        targets = tuple(
            patch(f"target {k}", color, 0.052, (x + AWAY * float(np.cos(way)), y + AWAY * float(np.sin(way)), turn))
            for k, (color, way) in enumerate(zip(colors, angles, strict=True))
        )
        text = said("slide_block_to_target", rng, {"color": colors[0]})
        return Problem(text, (moved, *targets), Sliding(targets, half_side))


@dataclass(frozen=True)
class Sliding:
    """The block is to lie on the first of the targets."""

    targets: tuple[Thing, ...]
    half_side: float

    def judge(self, world: World) -> Verdict:
        """By the target that the middle of the block lies near to."""
        if world.speed("block") > STILL:
            return Verdict()
        for target in self.targets:
            if np.hypot(*(world.place(target.name) - world.place("block"))[:2]) < _THERE:
                if target is self.targets[0]:
                    return Verdict(success=True)
                return Verdict(failure=f"the block is on the {target.called}, not on the {self.targets[0].called}")
        return Verdict()

    def advise(self, world: World) -> Goal:
        """Down behind the block, and push it; from anew where it slips aside."""
        block, target, hand = (place[:2] for place in (
            world.place("block"), world.place(self.targets[0].name), world.hand.place
        ))  # fmt: skip
        ahead: Floats = (target - block) / max(float(np.linalg.norm(target - block)), 1e-6)
        yaw = half(float(np.arctan2(ahead[1], ahead[0])))
        gap = self.half_side + _FINGER
        behind = float(ahead @ (block - hand))
        aside = abs(float(ahead[0] * (block - hand)[1] - ahead[1] * (block - hand)[0]))
        if world.hand.place[2] < _DEPTH + 0.01 and aside < _ASIDE and behind > gap * 0.8:
            return straight(world, np.array([*(target - ahead * gap), _DEPTH]), yaw, SLOW)
        start = np.array([*(block - ahead * (gap + _BEHIND)), _DEPTH])
        return reach(world, start, yaw, HOVER, opened=False) or straight(world, start, yaw)
