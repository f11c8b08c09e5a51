"""Tasks in words: templates of a table, one drawn for each episode."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from instar.files import read_yaml
from instar.wording import fill

WORDS: Final = Path(__file__).with_name("words.yaml")


def said(task: str, rng: np.random.Generator, values: Mapping[str, str]) -> str:
    """One of the sentences for `task`, filled in; they begin with a small letter and have no full stop."""
    templates = templates_of(task)
    return fill(templates[int(rng.integers(len(templates)))], values)


def templates_of(task: str) -> Sequence[str]:
    """Every way to tell a task."""
    return _table()[task]


@functools.cache
def _table() -> Mapping[str, Sequence[str]]:
    table: Mapping[str, Sequence[str]] = read_yaml(WORDS)
    return table
