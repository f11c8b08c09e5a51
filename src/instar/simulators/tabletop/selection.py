"""Which tasks and levels of the tabletop a user means."""

from collections.abc import Sequence

from instar.errors import ConfigError
from instar.simulators.names import meant
from instar.simulators.tabletop.tasks import FAMILIES
from instar.simulators.tabletop.tasks.sets import EVERY_SUITE

TASKS = tuple(family.name for family in FAMILIES)


def tasks_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Task names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return _chosen(choice, TASKS, "task")


def suites_of(choice: str | Sequence[str]) -> tuple[str, ...]:
    """Suite names from a tuple or from "one+another". Raises ConfigError for unknown ones."""
    return _chosen(choice, EVERY_SUITE, "suite")


def set_at(suite: str, tasks: Sequence[str]) -> tuple[str, ...]:
    """Those of `tasks` that the level `suite` has: it may lack the pictured things, or be a level of other tasks."""
    return tuple(family.name for family in FAMILIES if family.name in tasks and suite in family.suites)


def _chosen(choice: str | Sequence[str], known: Sequence[str], what: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in choice.split("+")) if isinstance(choice, str) else tuple(choice)
    for name in names:
        if name not in known:
            raise ConfigError(f"the tabletop has no {what} {name!r}{meant(name, known)}")
    if not names:
        raise ConfigError(f"no {what} of the tabletop is chosen; there are: {', '.join(known)}")
    return tuple(dict.fromkeys(names))
