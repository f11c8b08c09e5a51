"""Which dataset means what: the table of standards, and an episode of any of them in one meaning."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from instar.demos.rlds.columns import Term, side_by_side
from instar.demos.rlds.folder import Columns
from instar.demos.rlds.layout import Layout
from instar.files import read_yaml
from instar.robot import Floats

TABLE: Final = Path(__file__).with_name("standards.yaml")
PLAIN: Final = "plain"  # in place of a name: by the usual names, whatever the dataset
MOTION: Final = ("x", "y", "z", "roll", "pitch", "yaw", "gripper")
UNITS: Final = ("m", "m", "m", "rad", "rad", "rad", "1")


@dataclass(frozen=True)
class Standard:
    """How the episodes of one dataset are read."""

    cameras: Mapping[str, str]  # ours: theirs
    instruction: str = ""  # the feature that holds it; empty where nothing does
    action: tuple[Term, ...] = ()
    state: tuple[Term, ...] = ()
    skip: int = 0  # so many first steps are left out
    moved: Term | None = None  # motions are how this moved; the last step is left out
    robot: str = ""  # who acts; empty where nobody says
    names: tuple[str, ...] = ()  # of the dimensions of an action
    units: tuple[str, ...] = ()

    def kept(self, episode: Columns) -> Columns:
        """The episode from the first step on that counts."""
        return replace(episode, skip=self.skip)

    def actions(self, episode: Columns) -> Floats:
        """The actions of what was kept of an episode, (T, D)."""
        actions = side_by_side(self.action, episode)
        if self.moved is None:
            return actions
        motion = np.diff(self.moved.of(episode), axis=0)
        return np.concatenate([motion, actions[:-1, motion.shape[1] :]], axis=1)

    def states(self, episode: Columns) -> Floats:
        """The states of what was kept of an episode, (T, S); where actions are motions, one more than of those."""
        return side_by_side(self.state, episode)


def standard(dataset: str, layout: Layout) -> Standard:
    """The standard of the dataset by this name; of one that is not in the table, what its layout suggests."""
    return known().get(dataset) or suggested(layout)


@functools.cache
def known() -> Mapping[str, Standard]:
    """The table, by name of the dataset."""
    return {name: _entry(told) for name, told in read_yaml(TABLE)["datasets"].items()}


def suggested(layout: Layout) -> Standard:
    """Every camera, and `action`, `observation/state` and the instruction by their usual names, as far as there are."""
    cameras = {name.rpartition("/")[2]: name for name, column in layout.steps.items() if column.kind == "image"}
    spoken = ("language_instruction", "observation/natural_language_instruction")
    instruction = next((name for name in spoken if name in layout.steps), "")
    named = [(name, layout.steps.get(name)) for name in ("action", "observation/state")]
    action, state = (
        (Term.parse(name),) if column is not None and column.kind == "numbers" else () for name, column in named
    )
    return Standard(cameras, instruction, action, state)


def _entry(told: Mapping[str, Any]) -> Standard:
    action = _terms(told["action"])
    return Standard(
        cameras=told["cameras"],
        instruction=told["instruction"],
        action=action,
        state=_terms(told.get("state", ())),
        skip=told.get("skip", 0),
        moved=Term.parse(told["moved"]) if "moved" in told else None,
        robot=told["robot"],
        names=MOTION,
        units=tuple(told.get("units", UNITS)),
    )


def _terms(texts: Sequence[str]) -> tuple[Term, ...]:
    return tuple(map(Term.parse, texts))
