"""Meta-World's tasks: fifty, in four groups by how hard they are, and what they are called in words."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import numpy as np

from instar.files import read_yaml

WORLD: Final = "Meta-World"
WORDS: Final = Path(__file__).with_name("instructions.yaml")
Wordings = Literal["first", "all"]

# The groups of Seo et al., "Masked World Models for Visual Control" (CoRL 2022), which LeRobot reports by, too.
SUITES: Final[Mapping[str, tuple[str, ...]]] = {
    "easy": (
        "button-press-v3",
        "button-press-topdown-v3",
        "button-press-topdown-wall-v3",
        "button-press-wall-v3",
        "coffee-button-v3",
        "dial-turn-v3",
        "door-close-v3",
        "door-lock-v3",
        "door-open-v3",
        "door-unlock-v3",
        "drawer-close-v3",
        "drawer-open-v3",
        "faucet-close-v3",
        "faucet-open-v3",
        "handle-press-v3",
        "handle-press-side-v3",
        "handle-pull-v3",
        "handle-pull-side-v3",
        "lever-pull-v3",
        "peg-unplug-side-v3",
        "plate-slide-v3",
        "plate-slide-back-v3",
        "plate-slide-back-side-v3",
        "plate-slide-side-v3",
        "reach-v3",
        "reach-wall-v3",
        "window-close-v3",
        "window-open-v3",
    ),
    "medium": (
        "basketball-v3",
        "bin-picking-v3",
        "box-close-v3",
        "coffee-pull-v3",
        "coffee-push-v3",
        "hammer-v3",
        "peg-insert-side-v3",
        "push-wall-v3",
        "soccer-v3",
        "sweep-v3",
        "sweep-into-v3",
    ),
    "hard": ("assembly-v3", "hand-insert-v3", "pick-out-of-hole-v3", "pick-place-v3", "push-v3", "push-back-v3"),
    "very_hard": ("disassemble-v3", "pick-place-wall-v3", "shelf-place-v3", "stick-pull-v3", "stick-push-v3"),
}
TASKS: Final = tuple(task for tasks in SUITES.values() for task in tasks)


def suite_of(task: str) -> str:
    """The group of a task that there is."""
    return next(suite for suite, tasks in SUITES.items() if task in tasks)


def instruction(task: str, seed: int, wordings: Wordings) -> str:
    """What is to be done, in the first wording of a task, or in one of all that the seed draws."""
    known = _words()[task]
    drawn = np.random.default_rng([seed, TASKS.index(task)]).integers(len(known)) if wordings == "all" else 0
    return known[int(drawn)]


@functools.cache
def _words() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = read_yaml(WORDS)
    return found
