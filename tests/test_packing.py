"""Examples as trees: what is shared lies once, everybody sees its own past and nothing else, nothing is lost."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from instar.backbone import IGNORE, Example, Picture
from instar.demo import Image
from instar.packing import identities, lesson, pack, stretches

WORDS = st.lists(st.integers(0, 2), min_size=1, max_size=7)  # few words, so that much is shared
RED, BLUE = (Image.of(np.full((2, 2, 3), value, dtype=np.uint8)) for value in (200, 20))


def example(words: Sequence[int], learned: int = 1, *pictures: tuple[Image, int]) -> Example:
    """These words, of which the last `learned` are learned; pictures by their place."""
    ids = torch.tensor(words)
    labels = ids.clone()
    labels[: len(words) - learned] = IGNORE
    shown = tuple(Picture(image, torch.tensor([place]), {}) for image, place in pictures)
    return Example("x", ids, labels, pictures=shown)


def packed(examples: Sequence[Example], block: int = 0) -> tuple[np.ndarray, ...]:
    """Places of each example, then who sees whom, (queries, keys)."""
    blocks = [block] * len(examples)
    found = pack(identities(examples, blocks), blocks)
    q, k = np.ogrid[: found.length, : found.length]
    sees: np.ndarray = (found.first[k] <= q) & (q <= found.last[k])
    return (*found.places, sees)


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_every_shared_beginning_lies_once(texts: list[list[int]]) -> None:
    *places, sees = packed([example(text) for text in texts])
    beginnings = {tuple(text[:end]) for text in texts for end in range(1, len(text) + 1)}
    assert len(sees) == len(beginnings)
    for text, path in zip(texts, places, strict=True):
        assert len(path) == len(text)
        for other, its in zip(texts, places, strict=True):
            alike = [text[:end] == other[:end] for end in range(1, min(len(text), len(other)) + 1)]
            assert list(path[: len(alike)] == its[: len(alike)]) == alike


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_everybody_sees_its_own_past_and_nothing_else(texts: list[list[int]]) -> None:
    *places, sees = packed([example(text) for text in texts])
    for path in places:
        for depth, place in enumerate(path):
            assert np.flatnonzero(sees[place]).tolist() == sorted(path[: depth + 1])


@given(st.lists(WORDS, min_size=1, max_size=8), st.integers(1, 3))
def test_what_sees_itself_both_ways_is_shared_whole_or_not_at_all(texts: list[list[int]], block: int) -> None:
    texts = [[*text, *[1] * block] for text in texts]
    *places, sees = packed([example(text) for text in texts], block)
    for text, path in zip(texts, places, strict=True):
        for depth, place in enumerate(path):
            assert np.flatnonzero(sees[place]).tolist() == sorted(path[: max(depth + 1, block)])
        for other, its in zip(texts, places, strict=True):
            assert (path[0] == its[0]) == (text[:block] == other[:block])


@given(st.lists(WORDS, min_size=1, max_size=8))
def test_branches_and_what_they_see_make_up_everything_seen(texts: list[list[int]]) -> None:
    examples = [example(text) for text in texts]
    *_, sees = packed(examples)
    rebuilt = np.zeros_like(sees)
    for stretch in stretches(pack(identities(examples, [0] * len(texts)), [0] * len(texts)).last):
        for a, b in stretch.before:
            rebuilt[stretch.start : stretch.stop, a:b] = True
        span = np.arange(stretch.start, stretch.stop)
        rebuilt[np.ix_(span, span)] = span[:, None] >= span
    assert np.array_equal(rebuilt, sees)


@given(st.lists(st.tuples(WORDS, st.integers(0, 7)), min_size=1, max_size=8))
def test_everything_learned_alone_is_learned_together(told: list[tuple[list[int], int]]) -> None:
    examples = [example(text, min(learned, len(text))) for text, learned in told]
    found = pack(identities(examples, [0] * len(told)), [0] * len(told))
    places, targets = lesson(found, examples)
    expected = [
        (int(path[t - 1]), int(one.labels[t]))
        for path, one in zip(found.places, examples, strict=True)
        for t in range(1, one.length)
        if one.labels[t] != IGNORE
    ]
    assert sorted(zip(places.tolist(), targets.tolist(), strict=True)) == sorted(expected)


def test_a_place_where_branches_begin_predicts_all_of_them() -> None:
    found = lesson(pack(identities(pair := [example([1, 2]), example([1, 3])], [0, 0]), [0, 0]), pair)
    assert (found.places.tolist(), found.targets.tolist()) == ([0, 0], [2, 3])


@pytest.mark.parametrize(("second", "common"), [((RED, 1), 3), ((BLUE, 1), 1)])
def test_placeholders_are_alike_only_if_the_pictures_are(second: tuple[Image, int], common: int) -> None:
    one, other, sees = packed([example([5, 9, 6], 1, (RED, 1)), example([5, 9, 6], 1, second)])
    assert (one == other).sum() == common
    assert len(sees) == 6 - common


def test_equal_pictures_count_as_one_wherever_they_come_from() -> None:
    again = Image.encoded(RED.data)
    one, other, _ = packed([example([9], 1, (RED, 0)), example([9], 1, (again, 0))])
    assert np.array_equal(one, other)
