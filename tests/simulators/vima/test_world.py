"""What VIMA-Bench's own interpreter runs: a clock of steps, empty modules, and sums in the benchmark's order."""

import numpy as np
import pytest

from instar.simulators.vima import world


def test_the_clock_of_the_arm_passes_by_looks_and_not_by_seconds() -> None:
    clock = world.Steps()
    begun, looks = clock.time(), 0
    while clock.time() - begun < 5:
        looks += 1
    assert looks == pytest.approx(25_000, abs=2)


def test_a_module_that_is_only_imported_says_so_when_it_is_used_after_all() -> None:
    with pytest.raises(RuntimeError, match=r"VIMA-Bench calls torch\.ones"):
        world.Unused("torch").ones(3)


def test_points_are_moved_bit_for_bit_as_by_a_sum_over_each_point() -> None:
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(48, 64, 3)) * [1, 1, 1000]).astype(np.float32)
    transform = np.vstack([rng.normal(size=(3, 4)), [0, 0, 0, 1]])
    ones = np.pad(points.copy(), ((0, 0), (0, 0), (0, 1)), "constant", constant_values=1)
    expected = points.copy()
    for k in range(3):
        expected[..., k] = np.sum(transform[k, :] * ones, axis=-1)
    np.testing.assert_array_equal(world.moved(points, transform), expected)
