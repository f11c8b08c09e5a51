import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from instar.demo import Box, Pixels
from instar.demos.masks import boxes


@given(
    stn.arrays(np.uint8, stn.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 6)),
    st.sets(st.integers(0, 255) | st.integers(0, 6)),
)
def test_boxes_are_those_of_one_mask_per_object(mask: Pixels, ids: set[int]) -> None:
    expected = {}
    for id in ids:
        rows, columns = np.nonzero(mask == id)
        if rows.size:
            expected[id] = Box(columns.min(), rows.min(), columns.max(), rows.max())
    assert boxes(mask, sorted(ids)) == expected
