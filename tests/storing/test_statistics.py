"""Statistics are exact: those that numpy finds with everything in its hands."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from instar.storing.statistics import QUANTILES, Heap, Summary, brightness, of_brightness, of_numbers


def by_numpy(values: np.ndarray) -> dict[str, np.ndarray]:
    """The same statistics of rows (N, D) in one call each."""
    values = values.astype(np.float64)
    found = {"min": values.min(0), "max": values.max(0), "mean": values.mean(0), "std": values.std(0)}
    return found | {name: np.quantile(values, share, axis=0) for name, share in QUANTILES.items()}


def assert_same(found: Summary, values: np.ndarray, count: int) -> None:
    assert found["count"] == [count]
    for name, expected in by_numpy(values).items():
        assert_allclose(np.array(found[name]).ravel(), expected, rtol=1e-12, atol=1e-12, err_msg=name)


@given(st.lists(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=2), min_size=1, max_size=40))
def test_of_numbers(rows: list[list[float]]) -> None:
    values = np.array(rows, np.float32)
    assert_same(of_numbers(values), values, len(rows))


def test_bounds_of_whole_numbers_are_whole() -> None:
    found = of_numbers(np.array([[3], [5], [10]]))
    assert (found["min"], found["max"], found["q50"]) == ([3], [10], [5.0])
    assert isinstance(found["min"][0], int)


@given(st.integers(0, 2**32), st.integers(1, 3), st.integers(1, 9))
def test_of_pictures(seed: int, pictures: int, side: int) -> None:
    shown = np.random.default_rng(seed).integers(0, 256, (pictures, side, side + 1, 3), np.uint8)
    counts = sum((brightness(pixels) for pixels in shown), start=np.zeros((3, 256), np.int64))
    found = of_brightness(counts, pictures)
    assert np.array(found["q50"]).shape == (3, 1, 1)
    assert_same(found, shown.reshape(-1, 3) / 255, pictures)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_a_heap_knows_all_that_was_laid_on_it(tmp_path: Path, dtype: type[np.generic]) -> None:
    values = (np.arange(60).reshape(20, 3) ** 2 % 37).astype(dtype)
    heap = Heap(tmp_path / "heap")
    for start in (0, 7, 8):
        heap.add(values[start : {0: 7, 7: 8, 8: 20}[start]])
    assert_same(heap.summary(), values, 20)
