"""Rows of different lengths side by side, and what an example holds."""

import pytest
import torch

from instar.backbone import IGNORE, Example, padded, stacked


@pytest.mark.parametrize("left", [False, True])
def test_rows_are_filled_up_to_the_longest(*, left: bool) -> None:
    rows = [torch.tensor([1, 2, 3]), torch.tensor([4]), torch.tensor([], dtype=torch.long)]
    expected = [[1, 2, 3], [9, 9, 4], [9, 9, 9]] if left else [[1, 2, 3], [4, 9, 9], [9, 9, 9]]
    assert padded(rows, 9, left=left).tolist() == expected


def test_pictures_of_different_sizes_are_filled_up_with_zeros() -> None:
    out = stacked([torch.ones(1, 2, 3), torch.ones(2, 1, 4)])
    assert out.shape == (3, 2, 4)
    assert out.sum() == 6 + 8
    assert out[0, :, 3].tolist() == [0, 0]


def test_pictures_of_one_size_stay_as_they_are() -> None:
    assert stacked([torch.zeros(2, 3), torch.ones(1, 3)]).tolist() == [[0] * 3, [0] * 3, [1] * 3]


def test_an_example_counts_what_it_holds_and_what_it_teaches() -> None:
    example = Example("x", torch.tensor([7, 8, 9]), torch.tensor([IGNORE, 8, 9]))
    assert (example.length, example.learned) == (3, 2)
