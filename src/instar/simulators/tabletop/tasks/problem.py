"""What a task family makes of a seed: a scene, an instruction, and a rule that knows the end and the next action."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from instar.robot import Floats
from instar.simulators.tabletop.body import Body

Tool = Literal["suction", "spatula"]
FIRST_ID = {"suction": 5, "spatula": 4}  # ids below belong to the floor, the table and the unseen robot
FIRST_SCENE_ID = 2  # in scene pictures; object pictures show id 0
WORKSPACE_LOW, WORKSPACE_HIGH = np.array([0.25, -0.5]), np.array([0.75, 0.5])


@dataclass(frozen=True)
class Picture:
    """A reference picture: one object alone on white, or a scene on the table."""

    kind: Literal["object", "scene"]
    bodies: tuple[Body, ...]


@dataclass(frozen=True)
class Move:
    """Advice: pick up this body and put its origin there."""

    body: int
    x: float
    y: float
    yaw: float
    turned: bool = True  # whether the task asks for the yaw


@dataclass(frozen=True)
class Stroke:
    """Advice: sweep from one place to another."""

    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True)
class Verdict:
    """How things stand after an action."""

    success: bool = False
    failure: str = ""  # why it failed, in words; empty while it has not

    @property
    def over(self) -> bool:
        """Whether the episode has ended."""
        return self.success or bool(self.failure)


def lost(body: Body) -> bool:
    """Whether a body is off the table that the robot reaches."""
    return bool(np.any(body.place < WORKSPACE_LOW) or np.any(body.place > WORKSPACE_HIGH))


Trails = Mapping[int, Floats]  # by body that was swept: (N, 3) of x, y, yaw along its way


class Rule(Protocol):
    """Success and failure of one episode; remembers what was reached."""

    def begin(self, bodies: Sequence[Body]) -> None:
        """Take note of goals that are met before the first action."""
        ...

    def judge(self, bodies: Sequence[Body], trails: Trails) -> Verdict:
        """How things stand now that everything is at rest."""
        ...

    def advise(self, bodies: Sequence[Body], rng: np.random.Generator) -> Move | Stroke | None:
        """What the scripted expert does next; None when there is nothing left to do."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """One episode before its first action."""

    text: str
    bodies: tuple[Body, ...]
    rule: Rule
    pictures: Mapping[str, Picture] = field(default_factory=dict)  # by slot of the text
    tool: Tool = "suction"


class Family(Protocol):
    """One kind of problem, at every level it exists at."""

    @property
    def name(self) -> str:
        """VIMA-Bench's name of the task."""
        ...

    @property
    def suites(self) -> tuple[str, ...]:
        """The levels at which it can be set."""
        ...

    @property
    def allowance(self) -> int:
        """Actions the scripted expert of VIMA-Bench may take."""
        ...

    def problem(self, suite: str, rng: np.random.Generator) -> Problem:
        """A fresh problem. Raises NoRoomError where the draw does not fit on the table."""
        ...


class NoRoomError(Exception):
    """The draw does not fit on the table; draw again."""
