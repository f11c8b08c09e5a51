"""An arm to act with: tasks in the manner of RLBench's, in MuJoCo."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Doc

from instar.demo import Instruction, Observation
from instar.embodiments.panda import JOINTS
from instar.errors import ConfigError, SimulatorError
from instar.findings import Finding
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Task, Transition
from instar.simulators.arm.cameras import CAMERAS, HEIGHT, WIDTH, camera
from instar.simulators.arm.control import OPEN, USUAL_HZ, Control, Controller, posed
from instar.simulators.arm.examination import examine
from instar.simulators.arm.expert import Expert, action_of, approach
from instar.simulators.arm.kinematics import kinematics
from instar.simulators.arm.palette import SUITES, Palette
from instar.simulators.arm.seeing import Seen, Studio
from instar.simulators.arm.selection import BY_NAME, TASKS, WORLD
from instar.simulators.arm.tasks.problem import NoRoomError, Problem, Verdict, fallen
from instar.simulators.arm.world import World
from instar.simulators.names import chosen, meant
from instar.tracing import PLACE

WORLD_VERSION: Final = 1  # rises when a seed no longer gives the same episode
STATE: Final = (*JOINTS, "gripper", *PLACE)
SIDES: Final = (16, 1024)  # pixels: the least and the most that a picture's side may have
RATES: Final = (1.0, 50.0)  # steps a second
_DRAWS: Final = 100  # scenes drawn for a seed until one fits on the table


@dataclass
class Arm:
    """A Panda at a table. The camera in front of it is calibrated, and pictures are drawn when somebody looks."""

    control: Annotated[Control, Doc("what one action is")] = "end_effector_delta"
    hz: Annotated[float, Doc("steps a second")] = USUAL_HZ
    height: Annotated[int, Doc("pixels of a picture from top to bottom")] = HEIGHT
    width: Annotated[int, Doc("pixels of a picture from left to right")] = WIDTH
    cameras: Annotated[str, Doc("which cameras there are: front, wrist, or both as front+wrist")] = "front+wrist"
    objects: Annotated[bool, Doc("observations tell what is where in the pictures")] = True
    robot: Robot = field(init=False, repr=False)
    _controller: Controller = field(init=False, repr=False)
    _problem: Problem | None = field(default=None, init=False, repr=False, compare=False)
    _world: World | None = field(default=None, init=False, repr=False, compare=False)
    _studio: Studio | None = field(default=None, init=False, repr=False, compare=False)
    _verdict: Verdict = field(default=Verdict(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._controller = Controller(self.control, self.hz)
        self.robot = robot_of(self.control, self.hz, (self.height, self.width), self.cameras)

    def __deepcopy__(self, _: dict[int, Any]) -> "Arm":
        """Another simulator with these options; an episode in play stays here."""
        return Arm(self.control, self.hz, self.height, self.width, self.cameras, self.objects)

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene, which depends on the task's suite and name and on the seed alone."""
        self._problem = draw_problem(task, seed)
        self._world = World(self._problem.things)
        self._studio = Studio(self._world, self.robot.cameras)
        self._verdict = self._problem.rule.judge(self._world)
        return Instruction(self._problem.text), self._look(self._world, self._studio)

    def step(self, action: Floats) -> Transition:
        """One period of control, or the way to a key pose; what is beyond the bounds of actions is moved to them."""
        _, world, studio = self._playing()
        if self._verdict.over:
            raise SimulatorError("the episode is over; reset the arm before the next step")
        action = np.asarray(action, dtype=np.float64)
        if action.shape != (self.robot.actions.dim,) or not np.isfinite(action).all():
            raise SimulatorError(f"an action is {self.robot.actions.dim} finite numbers; got {action.tolist()}")
        verdict = self._verdict
        for part, opened in self._parts(world, action):
            verdict = self._move(part, opened=opened)
            if verdict.over:
                break
        return Transition(self._look(world, studio), verdict.over, verdict.success, verdict.failure)

    def expert(self) -> Policy:
        """The scripted expert for the episode in play."""
        return Expert(self.robot, self._advice)

    def prepare(self) -> None:
        """Make sure that episodes can be played. Raises PluginError that says what is missing."""
        kinematics()

    def examine(self) -> list[Finding]:
        """What is there of MuJoCo and of what it draws with, for `instar doctor arm`."""
        return list(examine())

    def close(self) -> None:
        """Forget the episode in play."""
        self._problem = self._world = self._studio = None

    def geoms(self, camera: str, group: int) -> NDArray[np.int64]:
        """Which geom of a group each pixel would show now if nothing else were there (H, W), -1 where there is none."""
        _, world, studio = self._playing()
        return studio.geoms(world.look, camera, group)

    def _parts(self, world: World, action: Floats) -> Iterator[tuple[Floats, bool]]:
        """What a step is made of, and whether the hand is open then: itself, or the way to a pose, then the fingers."""
        opened, controller = bool(action[-1] > OPEN), self._controller
        if self.control != "key_pose":
            yield action, opened
            return
        for pose in approach(world, posed(controller.space.clip(action)), controller.seconds):
            yield controller.action(world.joints, pose, opened=opened), world.opened
        yield controller.action(world.joints, world.hand, opened=opened), opened

    def _move(self, action: Floats, *, opened: bool) -> Verdict:
        """Do one part of a step; how things stand after it."""
        problem, world, _ = self._playing()
        world.move(self._controller.joints(world.joints, action), opened=opened, seconds=self._controller.seconds)
        lost = fallen(world, problem.things)
        self._verdict = Verdict(failure=lost) if lost else problem.rule.judge(world)
        return self._verdict

    def _advice(self) -> Floats:
        problem, world, _ = self._playing()
        if self._verdict.over:
            raise SimulatorError("the episode is over; the expert has nothing left to do")
        return action_of(problem.rule.advise(world), world, self._controller)

    def _playing(self) -> tuple[Problem, World, Studio]:
        if self._problem is None or self._world is None or self._studio is None:
            raise SimulatorError("no episode in play; reset the arm to a task and a seed first")
        return self._problem, self._world, self._studio

    def _look(self, world: World, studio: Studio) -> Observation:
        seen = Seen(studio, world.look)
        state = np.array([*world.joints, float(world.opened), *world.hand.place])
        if not self.objects:
            return Observation(seen.images, state)
        return Observation(seen.images, state, seen.objects, seen.segmentation)


def robot_of(control: Control, hz: float, size: tuple[int, int], cameras: str) -> Robot:
    """The robot that these options make. Raises ConfigError for options that cannot be."""
    if not RATES[0] <= hz <= RATES[1]:
        raise ConfigError(f"arm: hz={hz} must be from {RATES[0]:g} to {RATES[1]:g}")
    if not all(SIDES[0] <= side <= SIDES[1] for side in size):
        raise ConfigError(f"arm: height={size[0]}, width={size[1]}: sides must be from {SIDES[0]} to {SIDES[1]} pixels")
    names = chosen(cameras, CAMERAS, "camera", WORLD)
    controller = Controller(control, hz)
    return Robot("panda", controller.words, controller.space, tuple(camera(name, *size) for name in names), STATE)


def generator(*parts: str | int) -> np.random.Generator:
    """Random numbers that depend on nothing but `parts`, the same in every process."""
    name = "/".join(str(part) for part in parts)
    seed = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "big")
    return np.random.Generator(np.random.PCG64(seed))


def draw_problem(task: Task, seed: int) -> Problem:
    """The problem of a seed. Raises SimulatorError for a task or a suite that does not exist."""
    if task.name not in BY_NAME:
        raise SimulatorError(f"{WORLD} has no task {task.name!r}{meant(task.name, TASKS)}")
    if task.suite not in SUITES:
        raise SimulatorError(f"{WORLD} has no suite {task.suite!r}{meant(task.suite, SUITES)}")
    for draw in range(_DRAWS):
        rng = generator("arm", task.suite, task.name, seed, draw)
        try:
            return BY_NAME[task.name].problem(Palette(task.suite, rng))
        except NoRoomError:
            continue
    raise SimulatorError(f"{task.suite}/{task.name}/{seed}: no scene of {_DRAWS} fits on the table; use another seed")
