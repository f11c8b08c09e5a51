"""Examples that begin alike as trees: every shared beginning is laid down once, and what differs hangs below it.

Conversations about the same pictures share the system's words, the pictures and often the first words of a question.
Depth first, a token and all that hangs below it are one stretch of a sequence, so that who may see it is an interval:
a token at q sees the one at k exactly if first[k] <= q <= last[k]. That is all that a mask is made of, and any number
of trees lie side by side in one sequence, without a token of padding.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from instar.backbone import IGNORE, Example

# Legend: T tokens of a sequence, N tokens that are learned.

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Packed:
    """Where the tokens of examples are in one sequence."""

    places: tuple[Integers, ...]  # of each example's tokens
    first: Integers  # (T,): the first place that sees the token at each place
    last: Integers  # (T,): the last one

    @property
    def length(self) -> int:
        """Tokens."""
        return len(self.last)


class Lesson(NamedTuple):
    """What is learned in a sequence; where branches begin, one place predicts several tokens."""

    places: torch.Tensor  # (N,) int64
    targets: torch.Tensor  # (N,) int64


@dataclass(frozen=True, eq=False)
class Stretch:
    """A branch in one piece: neighbours in the sequence that all see the same places before them."""

    start: int
    stop: int
    before: tuple[tuple[int, int], ...]  # stretches (start, stop) of what they all see, further up the tree


def identities(examples: Sequence[Example], both_ways: Sequence[int]) -> list[Integers]:
    """What the tokens of each example are to a trie, (T,): equal beginnings mean equal tokens about equal pictures.

    The first feature of a picture stands for the picture, not for a placeholder. The first `both_ways` tokens of an
    example see each other, so they are shared all or none: the first of them stands for all.
    """
    known: dict[Hashable, int] = {}
    found = []
    for example, block in zip(examples, both_ways, strict=True):
        keys = example.input_ids.numpy().copy()
        for picture in example.pictures:
            keys[int(picture.places[0])] = _name(known, picture.image.digest)
        if block:
            keys[0] = _name(known, keys[:block].tobytes())
        found.append(keys)
    return found


def _name(known: dict[Hashable, int], thing: Hashable) -> int:
    """A number below zero, where no token is."""
    return -1 - known.setdefault(thing, len(known))


def pack(identities: Sequence[Integers], both_ways: Sequence[int]) -> Packed:
    """One sequence of examples with these identities; the first `both_ways` tokens of each see each other."""
    # Sorted, the examples of a trie are in its depth-first order, and neighbours share the most.
    order = sorted(range(len(identities)), key=lambda k: identities[k].tolist())
    places = {order[0]: np.arange(len(identities[order[0]]))}
    length = len(identities[order[0]])
    for before, k in pairwise(order):
        common = shared(identities[before], identities[k])
        added = np.arange(length, length + len(identities[k]) - common)
        places[k] = np.concatenate([places[before][:common], added])
        length += len(added)
    first, last = np.arange(length), np.arange(length)
    for k in order:
        last[places[k]] = places[k][-1]  # of those that pass a place, the last one in order lies furthest back
        first[places[k][: both_ways[k]]] = places[k][0]
    return Packed(tuple(places[k] for k in range(len(identities))), first, last)


def shared(one: Integers, other: Integers) -> int:
    """How many tokens two examples begin with alike, by their identities."""
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if len(differing) else length


def lesson(packed: Packed, examples: Sequence[Example]) -> Lesson:
    """What the examples teach, token by token: exactly what each would teach alone."""
    places, targets = [], []
    for path, example in zip(packed.places, examples, strict=True):
        learned = torch.nonzero(example.labels[1:] != IGNORE).flatten()  # nothing predicts the first token
        places.append(torch.from_numpy(path)[learned])
        targets.append(example.labels[learned + 1])
    return Lesson(torch.cat(places), torch.cat(targets))


def stretches(last: Integers) -> list[Stretch]:
    """The branches of a sequence, each up to where nothing hangs below; `last` is Packed's."""
    stops = np.flatnonzero(last == np.arange(len(last))) + 1
    starts = np.concatenate([[0], stops[:-1]])
    return [_stretch(int(start), int(stop), last) for start, stop in zip(starts, stops, strict=True)]


def _stretch(start: int, stop: int, last: Integers) -> Stretch:
    above = np.flatnonzero(last[:start] >= start)
    runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1) if len(above) else []
    return Stretch(start, stop, tuple((int(run[0]), int(run[-1]) + 1) for run in runs))
