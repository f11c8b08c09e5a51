"""Which samples share a step and a forward pass: orders that only move samples, so an epoch shows what it would."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np

from instar.samples import Integers

AHEAD: Final = 64  # groups that may come before their turn, to fill up a step
WINDOW: Final = 16  # steps within which samples are moved to others of their length


@dataclass(frozen=True)
class Boxes:
    """Steps of so many samples, each of forward passes of so many; of the first step, `begun` are there already."""

    step: int = 1
    batch: int = 1
    begun: int = 0


def by_views(shuffled: Integers, views: Integers, boxes: Boxes, rng: np.random.Generator) -> Integers:
    """The samples with those of one view together, (n,); `views` tells of each in `shuffled` what it is a look at.

    Views come in random order. A step shows whole ones where that is possible, and so does each of its forward passes;
    what a step shows does not depend on how it is divided into passes.
    """
    turn = rng.permutation(len(shuffled))[np.unique(views, return_inverse=True)[1]]
    order = np.argsort(turn, kind="stable")
    groups = np.split(shuffled[order], np.flatnonzero(np.diff(turn[order])) + 1)
    taken, begun = [np.empty(0, np.int64)], boxes.begun
    for step in filled(groups, boxes.step, begun):
        for one in filled(step, boxes.batch, begun):
            taken += one
        begun += sum(map(len, step))
    return np.concatenate(taken)


def filled(groups: Sequence[Integers], size: int, begun: int = 0) -> Iterator[list[Integers]]:
    """The groups in boxes of `size`; the first box has only the room that `begun` samples leave.

    A box begins with the next group. It goes on with the next, or else with the largest of those after it that fits;
    where none does, the next is cut.
    """
    coming = iter(groups)
    waiting = list(islice(coming, AHEAD))
    box: list[Integers] = []
    room = size - begun % size
    while waiting:
        fitting = [k for k, group in enumerate(waiting) if len(group) <= room]
        first = not box or not fitting or fitting[0] == 0
        pick = 0 if first else max(fitting, key=lambda k: len(waiting[k]))
        group = waiting.pop(pick)
        box.append(group[:room])
        if len(group) > room:
            waiting.insert(0, group[room:])
        else:
            waiting += islice(coming, 1)
        room -= len(box[-1])
        if room == 0 or not waiting:
            yield box
            box, room = [], size


def by_length(shuffled: Integers, lengths: Integers, boxes: Boxes, rng: np.random.Generator) -> Integers:
    """The samples with those of similar length in one forward pass, (n,); nothing moves further than WINDOW steps."""
    taken, begun = [np.empty(0, np.int64)], boxes.begun
    for start in range(0, len(shuffled), WINDOW * boxes.step):
        window = slice(start, start + WINDOW * boxes.step)
        ranked = shuffled[window][np.argsort(lengths[window], kind="stable")]
        places = begun + np.arange(len(ranked))
        passes = np.split(np.arange(len(ranked)), np.flatnonzero(places[1:] % boxes.batch == 0) + 1)
        out = np.empty_like(ranked)
        out[np.concatenate([passes[k] for k in rng.permutation(len(passes))])] = ranked
        taken.append(out)
        begun += len(ranked)
    return np.concatenate(taken)
