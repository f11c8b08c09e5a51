"""Put the lid on the jar of a colour."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.simulators.arm.palette import Palette
from instar.simulators.arm.tasks.layout import Layout
from instar.simulators.arm.tasks.moves import pick, put, quarter
from instar.simulators.arm.tasks.problem import STILL, Goal, Problem, Verdict
from instar.simulators.arm.things import JAR, KNOB, LID, Thing, jar, lid
from instar.simulators.arm.words import said
from instar.simulators.arm.world import World

JARS: Final = 2
HOVER: Final = 0.18
_BESIDE: Final = 0.014  # metres that a lid may lie beside the middle of its jar
_LEVEL: Final = 0.006


@dataclass(frozen=True)
class CloseJar:
    """RLBench's close_jar, without the screwing."""

    name: str = "close_jar"
    allowance: float = 8.0

    def problem(self, palette: Palette) -> Problem:
        """Two jars and one lid that fits both."""
        layout, size = Layout(palette.rng), palette.size()
        colors = palette.colors(JARS)
        jars = tuple(jar(f"jar {k}", color, size, layout.spot(0.08)) for k, color in enumerate(colors))
        cover = lid("lid", size, layout.spot(0.08))
        text = said("close_jar", palette.rng, {"color": colors[0]})
        return Problem(text, (*jars, cover), Closing(jars))


@dataclass(frozen=True)
class Closing:
    """The lid is to lie on the first of the jars."""

    jars: tuple[Thing, ...]

    def judge(self, world: World) -> Verdict:
        """Once the lid lies on a jar and nobody holds it."""
        if world.held or world.speed("lid") > STILL:
            return Verdict()
        for thing in self.jars:
            off = world.place("lid") - world.place(thing.name)
            if np.hypot(*off[:2]) < _BESIDE and abs(off[2] - JAR - LID) < _LEVEL:
                if thing is self.jars[0]:
                    return Verdict(success=True)
                return Verdict(failure=f"the lid is on the {thing.called}, not on the {self.jars[0].called}")
        return Verdict()

    def advise(self, world: World) -> Goal:
        """Take the lid by its knob, and put it down on the jar."""
        if world.held == "lid":
            grip = world.hand.place - world.place("lid")
            place = world.place(self.jars[0].name) + np.array([0.0, 0.0, JAR + LID + 0.001]) + grip
            return put(world, place, world.hand.yaw, HOVER)
        return pick(world, world.place("lid") + np.array([0.0, 0.0, KNOB]), quarter(world.yaw("lid")), HOVER)
