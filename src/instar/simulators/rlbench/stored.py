"""How stored demonstrations began: what `reset_to_demo` needs of them, read from their pickles, which are not run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from instar.demos.archive import Archive
from instar.demos.rlbench import RLBench
from instar.demos.rlbench.episode import DEMO
from instar.demos.unpickle import Stranger, loads
from instar.errors import DataError

VARIATION: Final = "variation_number.pkl"  # beside a demonstration, in PerAct's layout
WORDS: Final = 624  # of the state of numpy's old generator


@dataclass(frozen=True, eq=False)
class Beginning:
    """The random state in which a demonstration's scene was set, and of which variation it is."""

    order: Mapping[str, Any]
    keys: NDArray[np.uint32]  # (624,)


def beginnings(dataset: Path, task: str) -> list[str]:
    """The ids of a task's demonstrations, in the order of their numbers; variations in folders of their own take turns.

    Raises ConfigError or DataError where there are none.
    """
    return sorted(RLBench(dataset, tasks=task).ids(), key=_number)


def _number(id: str) -> int:
    return int((re.findall(r"\d+", id) or ["-1"])[-1])


def beginning(dataset: Path, id: str) -> Beginning:
    """How the demonstration `id` began. Raises DataError where it does not say."""
    archive, where = Archive(dataset), f"{dataset}: {id}/{DEMO}"
    demo = _attributes(loads(archive.read(f"{id}/{DEMO}"), where, ("rlbench", "pyrep")))
    state = demo.get("random_seed")
    if not (isinstance(state, tuple) and len(state) == 5 and np.shape(state[1]) == (WORDS,)):
        raise DataError(f"{where}: the demonstration does not say in which random state it began; use starts=seeds")
    name, keys, *rest = state
    attempts = demo.get("num_reset_attempts")
    order = {
        "variation": _variation(archive, id, demo, where),
        "generator": str(name),
        "rest": [int(rest[0]), int(rest[1]), float(rest[2])],
        "attempts": attempts if isinstance(attempts, int) else None,
    }
    return Beginning(order, np.asarray(keys, dtype=np.uint32))


def _variation(archive: Archive, id: str, demo: Mapping[str, object], where: str) -> int:
    """From the first observation, from the file beside it, or from the name of the folder."""
    listed = demo.get("_observations")
    told = _attributes(listed[0]).get("misc") if isinstance(listed, list) and listed else None
    number = told.get("variation_index") if isinstance(told, dict) else None
    if number is None and not archive.missing(id, [VARIATION]):
        number = loads(archive.read(f"{id}/{VARIATION}"), where)
    named = re.search(r"(?:^|/)variation(\d+)/", id)
    if number is None and named:
        number = int(named[1])
    if not isinstance(number, int | np.integer):
        raise DataError(f"{where}: nothing says which variation it is, neither the pickle nor a {VARIATION}")
    return int(number)


def _attributes(value: object) -> Mapping[str, object]:
    state = value.state if isinstance(value, Stranger) else None
    return state if isinstance(state, dict) else {}
