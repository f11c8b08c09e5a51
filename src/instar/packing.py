"""Examples that begin alike as trees: every shared beginning is laid down once, and what differs hangs below it.

Conversations about the same pictures share the system's words, the pictures and often the first words of a question.
Depth first, a token and all that hangs below it are one stretch of a row, so that who may see it is an interval: a
token at q sees the one at k exactly if first[k] <= q <= last[k]. That makes any number of trees fit one row, and is all
that a mask is made of.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from instar.backbone import IGNORE, Example

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Room:
    """What a row may hold, and what decides where a row ends."""

    most: int | None = None  # tokens of a row, unless one example alone has more; None: only the cost decides
    # Tokens at which a row's attention costs as much as all its other work: six times the width of a transformer, if
    # attention is computed for every pair of a row. None: attention skips what is masked, and a row may be long.
    even: int | None = None

    def cost(self, tokens: int) -> int:
        """What a row of so many tokens costs, in no particular unit."""
        return tokens if self.even is None else tokens * (self.even + tokens)


@dataclass(frozen=True, eq=False)
class Row:
    """Trees side by side."""

    places: dict[int, Integers]  # where in the row the tokens of each example are, by the example's number
    first: Integers  # (T,): the first place that sees the token at each place
    last: Integers  # (T,): the last one

    @property
    def length(self) -> int:
        """Tokens."""
        return len(self.last)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What is learned in a row: the token at a place predicts a token, or several where branches begin."""

    places: Integers  # (N,)
    targets: torch.Tensor  # (N,) int64


def identities(examples: Sequence[Example], both_ways: Sequence[int] | None = None) -> list[Integers]:
    """What the tokens of each example are to a trie, (T,): equal beginnings mean equal tokens about equal pictures.

    The first feature of a picture stands for the picture, not for a placeholder. The first `both_ways` tokens of an
    example see each other, so they are shared all or none: the first of them stands for all.
    """
    known: dict[Hashable, int] = {}
    found = []
    for k, example in enumerate(examples):
        keys = example.input_ids.numpy().copy()
        for picture in example.pictures:
            keys[int(picture.places[0])] = _name(known, picture.image.digest)
        if both_ways is not None and both_ways[k]:
            keys[0] = _name(known, keys[: both_ways[k]].tobytes())
        found.append(keys)
    return found


def _name(known: dict[Hashable, int], thing: Hashable) -> int:
    """A number below zero, where no token is."""
    return -1 - known.setdefault(thing, len(known))


def arrange(
    identities: Sequence[Integers], both_ways: Sequence[int] | None = None, room: Room | None = None
) -> list[Row]:
    """Rows for examples of these identities: side by side where sharing does not pay, below each other where it does.

    Sorted, the examples of a trie are in its depth-first order, and neighbours share the most; so the cheapest rows
    are the cheapest cuts of that order. What is much shorter than the longest row then fills up others.
    """
    room = room or Room()
    order = sorted(range(len(identities)), key=lambda k: identities[k].tolist())
    shared = [0, *(_shared(identities[a], identities[b]) for a, b in pairwise(order))]
    new = [len(identities[k]) - common for k, common in zip(order, shared, strict=True)]
    stretches = _cut(new, shared, room)
    sizes = [shared[a] + sum(new[a:b]) for a, b in stretches]
    rows = _filled(sizes, max(*sizes, room.most or 0))
    reach = [0] * len(identities) if both_ways is None else both_ways
    return [_laid([order[slice(*stretches[k])] for k in row], identities, reach) for row in rows]


def _shared(one: Integers, other: Integers) -> int:
    """How many tokens two examples begin with alike."""
    length = min(len(one), len(other))
    differing = np.flatnonzero(one[:length] != other[:length])
    return int(differing[0]) if len(differing) else length


def _cut(new: Sequence[int], shared: Sequence[int], room: Room) -> list[tuple[int, int]]:
    """Where to cut the sorted examples into trees, so that the cost of all is least: stretches (from, to)."""
    best: list[tuple[int, int]] = [(0, 0)]  # cost of the first k examples, and where their last tree begins
    for end in range(1, len(new) + 1):
        choices: list[tuple[int, int]] = []
        added = 0
        for start in reversed(range(end)):
            added += new[start]
            tokens = added + shared[start]
            if choices and room.most is not None and tokens > room.most:
                break
            choices.append((best[start][0] + room.cost(tokens), start))
        best.append(min(choices))
    stretches, end = [], len(new)
    while end:
        stretches.append((best[end][1], end))
        end = best[end][1]
    return stretches[::-1]


def _filled(sizes: Sequence[int], width: int) -> list[list[int]]:
    """Numbers of the sizes that share a row of `width`: the largest first, each where it fits first."""
    rows: list[list[int]] = []
    left: list[int] = []
    for k in sorted(range(len(sizes)), key=lambda k: -sizes[k]):
        row = next((row for row, space in enumerate(left) if sizes[k] <= space), len(rows))
        if row == len(rows):
            rows.append([])
            left.append(width)
        rows[row].append(k)
        left[row] -= sizes[k]
    return rows


def _laid(trees: Sequence[Sequence[int]], identities: Sequence[Integers], both_ways: Sequence[int]) -> Row:
    """One row of trees, each of examples in sorted order."""
    places: dict[int, Integers] = {}
    length = 0
    for tree in trees:
        before = None
        for k in tree:
            common = 0 if before is None else _shared(identities[before], identities[k])
            added = np.arange(length, length + len(identities[k]) - common)
            places[k] = added if before is None else np.concatenate([places[before][:common], added])
            length, before = length + len(added), k
    first, last = np.arange(length), np.arange(length)
    for k, path in places.items():
        last[path] = max(path[-1], 0)  # later examples lie further back: the last one to pass has the last word
        first[path[: both_ways[k]]] = path[0]
    return Row(places, first, last)


def lesson(row: Row, examples: Sequence[Example]) -> Lesson:
    """What the examples of `row` teach, token by token: exactly what each would teach alone."""
    places, targets = [], []
    for k, path in row.places.items():
        learned = np.flatnonzero((examples[k].labels != IGNORE).numpy())
        learned = learned[learned > 0]  # nothing comes before the first token that could predict it
        places.append(path[learned - 1])
        targets.append(examples[k].labels[torch.from_numpy(learned)])
    return Lesson(np.concatenate(places), torch.cat(targets))
