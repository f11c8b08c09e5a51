"""A tabletop to act on: VIMA-Bench's tasks on a kinematic table, drawn with numpy and OpenCV alone."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Final

import numpy as np
from typing_extensions import Doc

from instar.demo import Instruction, Observation, Reference
from instar.embodiments.vima import VIMA
from instar.errors import SimulatorError
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.names import meant
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.expert import Expert, Hand, action_of
from instar.simulators.tabletop.look import Conditions, Look
from instar.simulators.tabletop.render import Shot, portrait, scene
from instar.simulators.tabletop.seeing import Seen
from instar.simulators.tabletop.sweep import sweep
from instar.simulators.tabletop.tasks import FAMILIES
from instar.simulators.tabletop.tasks.problem import Family, NoRoomError, Picture, Problem, Tool, Trails, Verdict
from instar.simulators.tabletop.tasks.sets import EVERY_SUITE
from instar.simulators.tabletop.views import View
from instar.simulators.tabletop.world import pick_and_place

WORLD_VERSION: Final = 2  # rises when a seed no longer gives the same episode
_DRAWS: Final = 100  # scenes drawn for a seed until one fits on the table


@dataclass
class Tabletop:
    """The table, the cup and the spatula of VIMA-Bench without physics: things go where the measured rules say."""

    look: Annotated[Look, Doc("sim, or real: another table, light and noise, and a camera that has moved")] = "sim"
    hand: Annotated[Hand, Doc("of the expert: the oracle's, as in VIMA-Bench, or a steady one")] = "oracle"
    robot: Robot = field(default=VIMA, init=False, repr=False)
    _conditions: Conditions | None = field(default=None, init=False, repr=False)
    _task: Task | None = field(default=None, init=False, repr=False)
    _seed: int = field(default=0, init=False, repr=False)
    _problem: Problem | None = field(default=None, init=False, repr=False)
    _bodies: tuple[Body, ...] = field(default=(), init=False, repr=False)
    _verdict: Verdict = field(default=Verdict(), init=False, repr=False)
    _steps: int = field(default=0, init=False, repr=False)

    @property
    def bodies(self) -> tuple[Body, ...]:
        """What stands on the table now."""
        return self._bodies

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene, which depends on the task's suite and name and on the seed alone."""
        return self.enter(draw_problem(task, seed), task, seed)

    def enter(self, problem: Problem, task: Task, seed: int = 0) -> tuple[Instruction, Observation]:
        """Set a problem that came from elsewhere; `task` and `seed` name it to the expert's random numbers."""
        problem.rule.begin(problem.bodies)
        self._task, self._seed, self._problem = task, seed, problem
        self._bodies, self._verdict, self._steps = problem.bodies, Verdict(), 0
        self._conditions = Conditions.drawn(self._random("look")) if self.look == "real" else None
        references = {slot: self._reference(slot, picture) for slot, picture in problem.pictures.items()}
        return Instruction(problem.text, references), self._look()

    def step(self, action: Floats) -> Transition:
        """Pick and place, or sweep; places outside the workspace are moved to its edge."""
        problem = self._playing()
        if self._verdict.over:
            raise SimulatorError("the episode is over; reset the tabletop before the next step")
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (VIMA.actions.dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {VIMA.actions.dim} finite numbers; got {action.tolist()}")
        self._bodies, trails = done(problem.tool, self._bodies, action)
        self._steps += 1
        self._verdict = problem.rule.judge(self._bodies, trails)
        return Transition(self._look(), self._verdict.over, self._verdict.success, self._verdict.failure)

    def expert(self) -> Policy:
        """The scripted expert for the episode in play."""
        return Expert(self._advice)

    def close(self) -> None:
        """Forget the episode in play."""
        self._problem, self._bodies = None, ()

    def _advice(self) -> Floats:
        problem, rng = self._playing(), self._random("expert", self._steps)
        advice = None if self._verdict.over else problem.rule.advise(self._bodies, rng)
        if advice is None:
            raise SimulatorError("the episode is over; the expert has nothing left to do")
        return action_of(advice, self._bodies, rng, self.hand)

    def _playing(self) -> Problem:
        if self._problem is None:
            raise SimulatorError("no episode in play; reset the tabletop to a task and a seed first")
        return self._problem

    def _random(self, what: str, *where: str | int) -> np.random.Generator:
        """Random numbers of this episode for one use."""
        assert self._task is not None
        return generator(what, self._task.suite, self._task.name, self._seed, *where)

    def _look(self) -> Observation:
        bodies = self._bodies
        seen = Seen(bodies, self._camera(partial(scene, bodies), self._steps))
        state = np.array([float(self._playing().tool == "spatula")])
        return Observation(seen.images, state, seen.objects, seen.segmentation)

    def _reference(self, slot: str, picture: Picture) -> Reference:
        draw = portrait if picture.kind == "object" else scene
        seen = Seen(picture.bodies, self._camera(partial(draw, picture.bodies), slot))
        return Reference(picture.kind, seen.images, seen.objects, seen.segmentation)

    def _camera(self, draw: Callable[[View], Shot], where: str | int) -> Callable[[View], Shot]:
        """How this look takes pictures of what `draw` draws; `where` tells those of one episode apart."""
        conditions, task, seed = self._conditions, self._task, self._seed  # as they are now, whenever somebody looks
        if conditions is None or task is None:
            return draw
        noise = partial(generator, "noise", task.suite, task.name, seed, where)
        return lambda view: conditions.photograph(draw(view), view, noise(view.name))


def generator(*parts: str | int) -> np.random.Generator:
    """Random numbers that depend on nothing but `parts`, the same in every process."""
    name = "/".join(str(part) for part in parts)
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "big")
    return np.random.Generator(np.random.PCG64(seed))


def draw_problem(task: Task, seed: int) -> Problem:
    """The problem of a seed. Raises SimulatorError for a task or a suite that does not exist."""
    family = family_of(task)
    for draw in range(_DRAWS):
        try:
            return family.problem(task.suite, generator("scene", task.suite, task.name, seed, draw))
        except NoRoomError:
            continue
    raise SimulatorError(f"{task.suite}/{task.name}/{seed}: no scene of {_DRAWS} fits on the table; use another seed")


def family_of(task: Task) -> Family:
    """The family that sets `task`. Raises SimulatorError that says what was probably meant."""
    families = {family.name: family for family in FAMILIES}
    if task.name not in families:
        raise SimulatorError(f"the tabletop has no task {task.name!r}{meant(task.name, list(families))}")
    suites = families[task.name].suites
    if task.suite not in suites:
        where = f"task {task.name!r} has no suite" if task.suite in EVERY_SUITE else "the tabletop has no suite"
        raise SimulatorError(f"{where} {task.suite!r}{meant(task.suite, suites)}")
    return families[task.name]


def done(tool: Tool, bodies: Sequence[Body], action: Floats) -> tuple[tuple[Body, ...], Trails]:
    """The bodies once `tool` has done `action` (6,), and the ways of those that were swept."""
    # Places are moved into the workspace; turns go round, so they need no limit.
    start_x, start_y, _, end_x, end_y, _ = VIMA.actions.clip(action)
    start, end = np.array([start_x, start_y]), np.array([end_x, end_y])
    if tool == "spatula":
        swept = sweep(bodies, start, end)
        return swept.bodies, swept.trails
    return pick_and_place(bodies, start, end, float(action[5] - action[2])), {}
