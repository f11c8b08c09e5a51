"""Robots by one name each: `registry.yaml`, whatever the files of a data set call them."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from instar.files import read_yaml

TABLE: Final = Path(__file__).with_name("registry.yaml")


@dataclass(frozen=True)
class Embodiment:
    """A robot that is known."""

    name: str  # "panda"
    title: str  # what people call it: "Franka"
    full: str  # maker and model
    joints: int  # of one arm


def embodiment(name: str) -> Embodiment | None:
    """The robot that a file calls `name`; None for one that nobody has entered."""
    return _known().get(_plain(name))


def canonical(name: str) -> str:
    """The one name of the robot that a file calls `name`; of an unknown one, that name in our spelling."""
    found = embodiment(name)
    return found.name if found else _plain(name).replace(" ", "_")


def title(name: str) -> str:
    """What people call the robot; an unknown one is called by its name."""
    found = embodiment(name)
    return found.title if found else name


@functools.cache
def _known() -> Mapping[str, Embodiment]:
    """Every robot by every name of it."""
    found: dict[str, Embodiment] = {}
    for name, told in read_yaml(TABLE).items():
        robot = Embodiment(name, told["title"], told["full"], told["joints"])
        for spelt in map(_plain, (name, *told["aliases"])):
            assert spelt not in found, f"{spelt} is the name of two robots"
            found[spelt] = robot
    return found


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", " ", name.strip().lower())
