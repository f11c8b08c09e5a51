"""Push buttons in the order in which their colours are told."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from instar.simulators.arm.palette import Palette
from instar.simulators.arm.skeleton import TIP
from instar.simulators.arm.tasks.layout import Layout
from instar.simulators.arm.tasks.moves import lift, reach
from instar.simulators.arm.tasks.problem import Goal, Problem, Verdict
from instar.simulators.arm.things import BUTTON_TOP, LIT, PRESS, Thing, button
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

BUTTONS: Final = 3
HOVER: Final = 0.10
_DOWN: Final = 0.75  # of a button's way, from where it counts as pushed
_DEPTH: Final = BUTTON_TOP - PRESS - 0.002 + TIP  # metres above the table, of the hand that pushes


@dataclass(frozen=True)
class PushButtons:
    """RLBench's push_buttons: one, two or three of three."""

    name: str = "push_buttons"
    allowance: float = 10.0

    def problem(self, palette: Palette) -> Problem:
        """Three buttons; a pushed one stays down, and its lamp goes on."""
        layout, size = Layout(palette.rng), palette.size()
        colors = palette.colors(BUTTONS)
        buttons = tuple(button(f"button {k}", color, size, layout.spot(0.075)) for k, color in enumerate(colors))
        count = int(palette.rng.integers(1, BUTTONS + 1))
        text = said(f"push_buttons_{count}", palette.rng, dict(zip(("first", "second", "third"), colors, strict=True)))
        return Problem(text, buttons, Pushing(buttons, count))


@dataclass
class Pushing:
    """The first `count` of the buttons are to be pushed, in their order."""

    buttons: tuple[Thing, ...]
    count: int
    _pushed: list[Thing] = field(default_factory=list)

    def judge(self, world: World) -> Verdict:
        """A button that is down stays there; the first wrong one is a failure."""
        for thing in self.buttons:
            if thing not in self._pushed and world.shift(thing.name) < -_DOWN * PRESS:
                world.latch(f"latch {thing.name}")
                world.paint(f"{thing.name} lamp", LIT)
                self._pushed.append(thing)
        for wanted, done in zip(self.buttons[: self.count], self._pushed, strict=False):
            if wanted is not done:
                return Verdict(failure=f"the {done.called} was pushed where the {wanted.called} was next")
        return Verdict(success=len(self._pushed) == self.count)

    def advise(self, world: World) -> Goal:
        """Down on the next one with closed fingers."""
        thing = self.buttons[len(self._pushed)]
        place = np.array([*world.place(thing.name)[:2], _DEPTH])
        return reach(world, place, 0.0, HOVER, opened=False) or lift(world, HOVER)
