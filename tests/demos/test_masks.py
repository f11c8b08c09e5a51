from dataclasses import astuple
from typing import Literal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from instar.demo import Box, Pixels
from instar.demos.masks import boxes

PICTURES = stn.arrays(
    np.uint8, stn.array_shapes(min_dims=3, max_dims=3, max_side=12), elements=st.integers(0, 6) | st.integers(0, 255)
)
IDS = st.sets(st.integers(0, 255) | st.integers(0, 6))


def one_mask_per_object(mask: Pixels, ids: set[int]) -> dict[int, Box]:
    expected = {}
    for id in ids:
        rows, columns = np.nonzero(mask == id)
        if rows.size:
            expected[id] = Box(columns.min(), rows.min(), columns.max(), rows.max())
    return expected


@given(PICTURES, IDS, st.sampled_from(["C", "F"]))
def test_boxes_are_those_of_one_mask_per_object(masks: Pixels, ids: set[int], order: Literal["C", "F"]) -> None:
    laid_out = [np.asarray(mask, order=order) for mask in masks]
    expected = [one_mask_per_object(mask, ids) for mask in laid_out]
    assert boxes(laid_out, sorted(ids)) == expected
    assert boxes([masks], sorted(ids)) == expected
    assert boxes([*laid_out, masks, masks[:1]], sorted(ids)) == expected + expected + expected[:1]


def test_an_object_that_reaches_over_both_borders_is_as_wide_as_the_picture() -> None:
    mask = np.array([[0, 0, 7], [7, 0, 0]], np.uint8)
    assert boxes([mask, mask], [7]) == [{7: Box(0, 0, 2, 1)}] * 2


def test_no_picture_and_no_object_give_no_box() -> None:
    mask = np.ones((2, 3), np.uint8)
    assert boxes([], [1]) == []
    assert boxes([mask], []) == [{}]
    assert boxes([mask], [300, -1]) == [{}]
    assert [type(side) for side in astuple(boxes([mask], [1])[0][1])] == [int] * 4
