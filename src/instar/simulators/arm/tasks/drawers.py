"""Cabinets with drawers: where they stand, which drawer is open, and how one is opened."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.robot import Floats
from instar.simulators.arm.kinematics import Pose, down
from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.moves import grasp, half
from instar.simulators.arm.tasks.problem import SLOW, Goal
from instar.simulators.arm.things import DRAWERS, Cabinet
from instar.simulators.arm.world import World

OPEN: Final = 0.8  # of its way, from where a drawer counts as open
TOUCHED: Final = 0.4  # ... and from where one that nobody asked for counts as opened
WIDE: Final = 0.92  # ... and from where the expert lets go of it, so that other handles are out of the hand's way
BEHIND: Final = 0.042  # metres from a drawer's front to where things are put into it
TILT: Final = 0.85  # radians by which the hand leans back when it takes a handle
BACK: Final = 0.09  # metres that it comes from, along its fingers


@dataclass(frozen=True)
class Drawer:
    """One drawer of a cabinet."""

    cabinet: Cabinet
    level: str  # "top"

    @property
    def body(self) -> str:
        """Its name in the world, and its joint's."""
        return f"{self.level} drawer"

    def share(self, world: World) -> float:
        """How far it is open: 0 to 1."""
        return world.shift(self.body) / self.cabinet.travel

    def wrong(self, world: World) -> str:
        """Which other drawer was opened, in words; empty if none was."""
        for level in DRAWERS:
            if level != self.level and Drawer(self.cabinet, level).share(world) > TOUCHED:
                return f"the {level} drawer was opened where the {self.level} one was asked for"
        return ""

    def inside(self, world: World, body: str) -> bool:
        """Whether a body lies in it."""
        x, y, z = world.turn(self.body).T @ (world.place(body) - world.place(self.body))
        cabinet = self.cabinet
        return bool(-2 * cabinet.depth < x < 0 and abs(y) < cabinet.width and -0.005 < z < cabinet.level)

    def over(self, world: World, height: float) -> Floats:
        """A place above its floor (3,), in the part that can be reached from above when it is open."""
        return np.asarray(world.place(self.body) + world.turn(self.body) @ np.array([-BEHIND, 0.0, height]))

    def pull(self, world: World) -> Goal:
        """What the expert does to open it."""
        reach, high = self.cabinet.handle
        outward = world.turn(self.body)[:, 0]
        handle = world.place(self.body) + world.turn(self.body) @ np.array([reach, 0.0, high])
        upright = down(handle, half(world.yaw(self.body)))
        # Upright, the hand would run into the handles of the drawers above.
        grip = upright.moved(np.array([0.0, 0.0, 0.0, *(TILT * np.cross([0.0, 0.0, 1.0], outward))]))
        if world.held == self.body:
            rest = (0.97 - self.share(world)) * self.cabinet.travel
            return Goal(Pose(world.hand.place + rest * outward, grip.turn), opened=False, pace=SLOW)
        return grasp(world, grip, BACK)


def drawn(palette: Palette) -> tuple[Cabinet, str, float]:
    """A cabinet on one side of the table, turned toward the viewer, the drawer that is asked for, and the side."""
    rng = palette.rng
    side = float(rng.choice([-1.0, 1.0]))
    x, y = float(rng.uniform(0.38, 0.43)), side * float(rng.uniform(0.22, 0.25))
    turn = -side * float(rng.uniform(0.75, 1.05))
    level = DRAWERS[int(rng.integers(len(DRAWERS)))]
    return Cabinet((x, y, turn), float(np.sqrt(palette.size()))), level, side
