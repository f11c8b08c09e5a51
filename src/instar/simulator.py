"""Worlds to act in: what a simulator and a benchmark are to the rest of the house."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from instar.demo import Instruction, Observation
from instar.errors import ConfigError
from instar.policy import Policy
from instar.robot import Floats, Robot


@dataclass(frozen=True)
class Task:
    """One kind of problem a simulator can set; with a seed it is one episode."""

    name: str
    suite: str = ""  # the group it is reported in, e.g. a generalisation level
    max_steps: int = 8  # actions after which an unfinished episode counts as a timeout


@dataclass(frozen=True, eq=False)
class Transition:
    """What followed from one action."""

    observation: Observation
    terminated: bool  # the simulator ended the episode: success or failure for good
    success: bool
    reason: str = ""  # why it failed, in words, where the simulator knows


@runtime_checkable
class Simulator(Protocol):
    """A world that can be reset to a seed. One instance plays one episode at a time."""

    robot: Robot

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene. The same task and seed give the same bytes. Raises SimulatorError."""
        ...

    def step(self, action: Floats) -> Transition:
        """Do one action (dim,) in the units of `robot.actions`. Raises SimulatorError."""
        ...

    def expert(self) -> Policy | None:
        """A scripted policy for the episode in play, or None. It may look behind the scenes."""
        ...

    def close(self) -> None:
        """Release what the simulator holds."""
        ...


@runtime_checkable
class Benchmark(Protocol):
    """Which tasks, which seeds: data, not code."""

    def simulator(self) -> str:
        """The choice of simulator to play on, e.g. "tabletop"."""
        ...

    def episodes(self) -> Sequence["Trial"]:
        """Every episode to play, in order."""
        ...


@dataclass(frozen=True)
class Trial:
    """One episode to play."""

    task: Task
    seed: int
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def id(self) -> str:
        """The episode's name in every record, `<suite>/<task>/<seed>`; comparisons pair episodes by it."""
        return f"{self.task.suite}/{self.task.name}/{self.seed}"


def repeated(choice: str | Sequence[str]) -> dict[str, int]:
    """The tasks of "one+another*3", and how often a round has each. Raises ConfigError where that is no number."""
    found = {}
    for part in choice.split("+") if isinstance(choice, str) else choice:
        name, star, times = (word.strip() for word in part.partition("*"))
        if star and not (times.isdecimal() and int(times) > 0):
            raise ConfigError(
                f"tasks: {part.strip()!r} should be a task, or how often it comes in a round, as {name}*3"
            )
        found[name] = int(times) if star else 1
    return found
