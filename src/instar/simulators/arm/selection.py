"""Which tasks and suites of the arm a user means."""

from collections.abc import Mapping, Sequence
from typing import Final

from instar.simulators.arm.control import Control
from instar.simulators.arm.palette import SUITES
from instar.simulators.arm.tasks import FAMILIES
from instar.simulators.arm.tasks.problem import Family
from instar.simulators.names import chosen

KEYS: Final = 2.0  # key poses that the expert goes through in the time of a second of steps
WORLD = "the arm"
TASKS = tuple(family.name for family in FAMILIES)
BY_NAME: Mapping[str, Family] = {family.name: family for family in FAMILIES}


def tasks_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Task names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return chosen(choice, TASKS, "task", WORLD)


def suites_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Suite names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return chosen(choice, SUITES, "suite", WORLD)


def steps_of(task: str, hz: float, control: Control = "end_effector_delta") -> int:
    """How many steps a policy may take in a task: about twice what the expert needs."""
    return round(BY_NAME[task].allowance * (KEYS if control == "key_pose" else hz))
