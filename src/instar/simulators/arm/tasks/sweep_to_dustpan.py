"""Sweep the dirt into the dustpan of a colour with a broom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.moves import half, pick, reach, straight
from instar.simulators.arm.tasks.problem import SLOW, Goal, Problem, Verdict
from instar.simulators.arm.things import BROOM_GRIP, PAN, Thing, broom, crumb, dustpan
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

CRUMBS: Final = 5
SPREAD: Final = 0.03  # metres around the middle of the dirt
HOVER: Final = 0.16
_SWEEPING: Final = 0.022 + BROOM_GRIP + 0.002  # metres above the table, of the hand that sweeps
_BEHIND: Final = 0.05  # metres from the dirt to where the broom comes down
_INTO: Final = 0.036  # metres that the broom goes into the dustpan
_WIDE: Final = 0.06  # metres beside the broom's middle that it still sweeps


@dataclass(frozen=True)
class SweepToDustpan:
    """RLBench's sweep_to_dustpan, with colours for sizes."""

    name: str = "sweep_to_dustpan"
    allowance: float = 9.0

    def problem(self, palette: Palette) -> Problem:
        """Dirt in the middle, a dustpan on each side, and the broom nearer to the base."""
        rng, colors, size = palette.rng, palette.colors(2), palette.size()
        x, y = (float(value) for value in rng.uniform((0.48, -0.03), (0.54, 0.03)))
        spots = [(x + float(dx), y + float(dy), float(turn)) for dx, dy, turn in _scattered(rng)]
        dirt = tuple(crumb(f"crumb {k}", 0.0085 * size, spot) for k, spot in enumerate(spots))
        side = float(rng.choice([-1.0, 1.0]))
        pans = tuple(
            dustpan(f"dustpan {k}", color, (x + float(rng.uniform(-0.01, 0.01)), way * 0.26, -way * np.pi / 2))
            for k, (color, way) in enumerate(zip(colors, (side, -side), strict=True))
        )
        tool = broom(
            "broom", (float(rng.uniform(0.35, 0.38)), float(rng.uniform(-0.1, 0.1)), float(rng.uniform(-0.5, 0.5)))
        )
        text = said("sweep_to_dustpan", rng, {"color": colors[0]})
        return Problem(text, (*pans, tool, *dirt), Sweeping(pans, dirt))


def _scattered(rng: np.random.Generator) -> Floats:
    """Offsets and turns (n, 3) of crumbs that do not overlap: cells of a grid, somewhat moved."""
    cells = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    chosen = [cells[k] for k in rng.permutation(len(cells))[:CRUMBS]]
    offsets = np.array(chosen) * SPREAD * 0.9 + rng.uniform(-0.003, 0.003, (CRUMBS, 2))
    return np.column_stack([offsets, rng.uniform(-0.7, 0.7, CRUMBS)])


@dataclass(frozen=True)
class Sweeping:
    """All of the dirt is to lie in the first of the dustpans."""

    pans: tuple[Thing, ...]
    dirt: tuple[Thing, ...]

    def judge(self, world: World) -> Verdict:
        """By where each crumb lies."""
        for other in self.pans[1:]:
            if any(_within(world, other.name, crumb.name) for crumb in self.dirt):
                return Verdict(failure=f"dirt is in the {other.called}, not in the {self.pans[0].called}")
        return Verdict(success=not self._left(world))

    def advise(self, world: World) -> Goal:
        """Take the broom, set it down behind what is left, and push that into the dustpan."""
        if world.held != "broom":
            handle = world.place("broom") + world.turn("broom") @ np.array([0.0, 0.0, BROOM_GRIP])
            return pick(world, handle, half(world.yaw("broom")), HOVER)
        pan = self.pans[0].name
        mouth: Floats = world.turn(pan)[:2, 0]  # the way that it opens
        yaw = half(float(np.arctan2(mouth[1], mouth[0])))
        left = np.array([world.place(name)[:2] for name in self._left(world)])
        hand = world.hand.place
        ahead = (left - hand[:2]) @ -mouth
        beside = np.abs((left - hand[:2]) @ np.array([-mouth[1], mouth[0]]))
        end = np.array([*(world.place(pan)[:2] + mouth * (PAN[0] - _INTO)), _SWEEPING])
        if hand[2] < _SWEEPING + 0.01 and (ahead > 0).all() and (beside < _WIDE).all():
            return straight(world, end, yaw, SLOW)
        middle = left.mean(axis=0)
        back = float(((left - middle) @ mouth).max()) + _BEHIND
        start = np.array([*(middle + mouth * back), _SWEEPING])
        return reach(world, start, yaw, HOVER, opened=False) or straight(world, end, yaw, SLOW)

    def _left(self, world: World) -> Sequence[str]:
        """The crumbs that are not yet where they should be."""
        return [crumb.name for crumb in self.dirt if not _within(world, self.pans[0].name, crumb.name)]


def _within(world: World, pan: str, body: str) -> bool:
    x, y, _ = world.turn(pan).T @ (world.place(body) - world.place(pan))
    deep, wide = PAN
    return bool(abs(x) < deep and abs(y) < wide)
