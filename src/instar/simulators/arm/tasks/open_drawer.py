"""Open the top, middle or bottom drawer."""

from dataclasses import dataclass

from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.drawers import OPEN, Drawer, drawn
from instar.simulators.arm.tasks.problem import Goal, Problem, Verdict
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World


@dataclass(frozen=True)
class OpenDrawer:
    """RLBench's open_drawer."""

    name: str = "open_drawer"
    allowance: float = 6.0

    def problem(self, palette: Palette) -> Problem:
        """A cabinet on the left or on the right."""
        cabinet, level, _ = drawn(palette)
        text = said("open_drawer", palette.rng, {"level": level})
        return Problem(text, tuple(cabinet.things(palette.colors(1)[0])), Opening(Drawer(cabinet, level)))


@dataclass(frozen=True)
class Opening:
    """A drawer is to be opened, and no other."""

    drawer: Drawer

    def judge(self, world: World) -> Verdict:
        """By how far the drawers are open."""
        wrong = self.drawer.wrong(world)
        return Verdict(success=not wrong and self.drawer.share(world) > OPEN, failure=wrong)

    def advise(self, world: World) -> Goal:
        """Take its handle and pull."""
        return self.drawer.pull(world)
