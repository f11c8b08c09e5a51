"""Which tasks and levels of the tabletop a user means."""

from collections.abc import Sequence

from instar.simulators.names import chosen
from instar.simulators.tabletop.tasks import FAMILIES
from instar.simulators.tabletop.tasks.sets import EVERY_SUITE

WORLD = "the tabletop"
TASKS = tuple(family.name for family in FAMILIES)


def tasks_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Task names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return chosen(choice, TASKS, "task", WORLD)


def suites_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Suite names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return chosen(choice, EVERY_SUITE, "suite", WORLD)


def set_at(suite: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """Those of `tasks` that the level `suite` has: it may lack the pictured things, or be a level of other tasks."""
    return tuple(family.name for family in FAMILIES if family.name in tasks and suite in family.suites)
