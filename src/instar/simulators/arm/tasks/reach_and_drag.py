"""Drag a block onto the target of a colour with a hook."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.moves import half, pick, reach, straight
from instar.simulators.arm.tasks.problem import SLOW, STILL, Goal, Problem, Verdict
from instar.simulators.arm.things import HOOK, HOOK_HALF, Thing, hook, patch, slab
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

SIDE: Final = 0.025  # metres: half a side of the block of the usual size
HOVER: Final = 0.12
_LOW: Final = 0.014  # metres above the table, of the hand that drags
_GAP: Final = (-0.02, 0.012)  # metres, of the block from its place in the hook when that comes down
_CAUGHT: Final = 0.03  # metres that the block may lie beside its place in the hook
_THERE: Final = 0.03  # metres from a target


@dataclass(frozen=True)
class ReachAndDrag:
    """RLBench's reach_and_drag; its stick has a bar here."""

    name: str = "reach_and_drag"
    allowance: float = 9.0

    def problem(self, palette: Palette) -> Problem:
        """The block far out, two targets nearer, and the hook on one side."""
        rng, half_side = palette.rng, SIDE * palette.size()
        *colors, own = palette.colors(3)
        x, y, turn = (float(value) for value in rng.uniform((0.60, -0.04, -0.4), (0.64, 0.04, 0.4)))
        moved = slab("block", own, (half_side,) * 3, (x, y, turn))
        side = float(rng.choice([-1.0, 1.0]))
        targets = tuple(
            patch(
                f"target {k}", color, 0.045, (float(rng.uniform(0.44, 0.48)), way * float(rng.uniform(0.08, 0.12)), 0.0)
            )
            for k, (color, way) in enumerate(zip(colors, (side, -side), strict=True))
        )
        where = float(rng.choice([-1.0, 1.0])) * float(rng.uniform(0.22, 0.25))
        tool = hook("hook", (float(rng.uniform(0.36, 0.40)), where, float(rng.uniform(-0.2, 0.2))))
        text = said("reach_and_drag", rng, {"color": colors[0]})
        return Problem(text, (moved, *targets, tool), Dragging(targets, half_side))


@dataclass(frozen=True)
class Dragging:
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
        """Take the hook, lay it around the block, and pull."""
        if world.held != "hook":
            return pick(world, np.array([*world.place("hook")[:2], _LOW]), half(world.yaw("hook")), HOVER)
        block, target = world.place("block")[:2], world.place(self.targets[0].name)[:2]
        lies = world.yaw("hook")
        ahead, beside = _turned(lies).T @ (block - world.hand.place[:2])  # where the block is, as the hook sees it
        pocket = np.array([HOOK - HOOK_HALF - self.half_side, HOOK_HALF + self.half_side])
        caught = abs(beside - pocket[1]) < _CAUGHT and 0 < ahead < pocket[0] + 0.005
        if world.hand.place[2] < _LOW + 0.01 and caught:  # the bar takes it along, as far beside the stick as it is
            place = target - _turned(lies) @ np.array([pocket[0], max(beside, pocket[1])])
            return straight(world, np.array([*place, _LOW]), world.hand.yaw, SLOW)
        way = block - target
        turn = float(np.arctan2(way[1], way[0]))
        # The hand is turned as the hook, or half a turn further: as it took it.
        yaw = turn + np.round((world.hand.yaw - lies) / np.pi) * np.pi
        start = block - _turned(turn) @ (pocket + np.array(_GAP))
        place = np.array([*start, _LOW])
        return reach(world, place, yaw, HOVER, opened=False) or straight(world, place, yaw)


def _turned(yaw: float) -> Floats:
    return np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
