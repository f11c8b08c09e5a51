"""Orders of samples: nothing is lost or shown twice, what belongs together is together, and the seed decides."""

from collections.abc import Callable

import numpy as np
import pytest

from instar.samples import Integers
from instar.training.order import AHEAD, WINDOW, Boxes, by_length, by_views, filled

Order = Callable[[Integers, Integers, Boxes, np.random.Generator], Integers]
VIEWS = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 9, 40))  # 1 to 8 samples of each of 40 views


def arranged(order: Order, told: Integers, boxes: Boxes, seed: int = 0) -> Integers:
    """All samples in that order, after a shuffle."""
    shuffled = np.random.default_rng(seed).permutation(len(told))
    return order(shuffled, told[shuffled], boxes, np.random.default_rng(seed))


def split(ordered: Integers, boxes: Boxes, size: int) -> list[Integers]:
    """What each step, or each forward pass, shows."""
    edges = [place for place in range(1, len(ordered)) if (boxes.begun + place) % size == 0]
    return np.split(ordered, edges)


@pytest.mark.parametrize("order", [by_views, by_length])
@pytest.mark.parametrize("boxes", [Boxes(8, 8), Boxes(16, 4), Boxes(16, 4, begun=13), Boxes(1, 1), Boxes(7, 3)])
def test_every_sample_is_there_once(order: Order, boxes: Boxes) -> None:
    assert sorted(arranged(order, VIEWS, boxes)) == list(range(len(VIEWS)))


@pytest.mark.parametrize("order", [by_views, by_length])
def test_the_seed_decides(order: Order) -> None:
    first, again, other = (arranged(order, VIEWS, Boxes(8, 8), seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("boxes", [Boxes(32, 8), Boxes(32, 8, begun=21)])
def test_few_views_are_torn(boxes: Boxes) -> None:
    ordered = arranged(by_views, VIEWS, boxes)
    for size, share in ((boxes.step, 1.1), (boxes.batch, 1.4)):
        shown = sum(len(np.unique(VIEWS[one])) for one in split(ordered, boxes, size))
        shuffled = arranged(lambda samples, *_: samples, VIEWS, boxes)
        without = sum(len(np.unique(VIEWS[one])) for one in split(shuffled, boxes, size))
        assert shown <= share * len(np.unique(VIEWS)) < without / 2


@pytest.mark.parametrize("batch", [1, 4, 8, 16])
def test_what_a_step_shows_does_not_depend_on_how_it_is_divided(batch: int) -> None:
    whole, divided = (split(arranged(by_views, VIEWS, boxes), boxes, 16) for boxes in (Boxes(16, 16), Boxes(16, batch)))
    assert [sorted(step) for step in whole] == [sorted(step) for step in divided]


def test_large_views_come_no_earlier_than_small_ones() -> None:
    views = np.repeat([0, 1], [9, 1])
    first = [VIEW[0] for seed in range(400) if len(VIEW := views[arranged(by_views, views, Boxes(10, 10), seed)])]
    assert 0.4 < np.mean(first) < 0.6


def test_a_view_larger_than_a_step_goes_on_in_the_next() -> None:
    boxes = [[len(group) for group in box] for box in filled([np.arange(10), np.arange(3)], 4)]
    assert boxes == [[4], [4], [2, 2], [1]]


def test_gaps_are_filled_by_what_fits_best() -> None:
    groups = [np.full(size, size) for size in (5, 4, 2, 3, 5)]
    assert [[int(group[0]) for group in box] for box in filled(groups, 8)] == [[5, 3], [4, 2, 5], [5]]


def test_nobody_waits_forever() -> None:
    groups = [np.full(5, 0), *(np.full(3, 1) for _ in range(10 * AHEAD))]
    assert any(group[0] == 0 for group in next(filled(groups, 8)))


def test_samples_of_one_length_share_a_pass_and_stay_near_their_place() -> None:
    lengths, boxes = np.random.default_rng(0).integers(10, 1000, 4 * WINDOW * 8), Boxes(8, 4)
    shuffled = np.arange(len(lengths))
    ordered = by_length(shuffled, lengths, boxes, np.random.default_rng(0))

    def padding(samples: Integers) -> int:
        return int(sum(len(one) * lengths[one].max() - lengths[one].sum() for one in split(samples, boxes, 4)))

    assert padding(ordered) < padding(shuffled) / 10
    assert np.abs(ordered - shuffled).max() < WINDOW * boxes.step
    starts = [int(lengths[one].mean()) for one in split(ordered, boxes, 4)][: WINDOW * 2]
    assert starts != sorted(starts), "passes of all lengths come in any order"
