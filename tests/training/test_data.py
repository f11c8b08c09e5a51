"""The order of the samples: everything comes as often as it should, in an order that the seed decides."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from instar.errors import ConfigError, DataError, MismatchError
from instar.plugins import Choice
from instar.training.data import WORTH, Course, Pool, helpers, unwrapped
from tests.training.lessons import lessons


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Pool:
    """Two folders as one."""
    folder = tmp_path_factory.mktemp("samples")
    return Pool.open([lessons(folder / "a", episodes=2), lessons(folder / "b", episodes=3)])


def test_every_sample_comes_once_an_epoch(pool: Pool) -> None:
    plan = Course(pool, {}, seed=1).take(3 * len(pool))
    for epoch in range(3):
        assert sorted(plan[epoch * len(pool) : (epoch + 1) * len(pool)]) == list(range(len(pool)))


def test_the_order_is_the_seed_s_and_another_every_epoch(pool: Pool) -> None:
    course = Course(pool, {}, seed=1)
    assert np.array_equal(course.take(20), Course(pool, {}, seed=1).take(20))
    assert np.array_equal(course.take(20), course.take(2 * len(pool))[:20])
    assert not np.array_equal(course.epoch(0), course.epoch(1))
    assert not np.array_equal(course.epoch(0), Course(pool, {}, seed=2).epoch(0))


def test_kinds_come_as_often_as_their_weight_says(pool: Pool) -> None:
    plan = Course(pool, {"obj_det": 0.0, "llara": 2.0}, seed=0).epoch(0)
    kinds = Counter(pool.sample(int(index)).kind for index in plan)
    ids = Counter(pool.sample(int(index)).id for index in plan)
    assert set(kinds) == {"llara"}
    assert kinds["llara"] == 2 * 2 * 5  # twice, two actions in each of five episodes
    assert max(ids.values()) == 4  # both folders have toy/0
    assert set(pool.wanted({"obj_det": 0.0})) == set(plan)


def test_a_folder_s_samples_keep_their_place_in_the_pool(pool: Pool) -> None:
    first, second = pool.folders
    start = len(first.index)
    together = [pool.sample(index).id for index in range(len(pool))]
    assert together[start:] == [second.sample(index).id for index in range(len(second.index))]


def test_refuses_a_kind_that_nobody_built(pool: Pool) -> None:
    with pytest.raises(ConfigError, match=r"no sample is of kind obj_dex; there are: llara, obj_det"):
        Course(pool, {"obj_dex": 1.0}, seed=0).epoch(0)


def test_refuses_an_epoch_without_samples(pool: Pool) -> None:
    with pytest.raises(ConfigError, match="no samples"):
        Course(pool, {"obj_det": 0.0, "llara": 0.0}, seed=0).take(1)


def test_refuses_samples_of_two_recipes_in_one_run(pool: Pool, tmp_path: Path) -> None:
    other = lessons(tmp_path / "other", episodes=1, recipe="llara:past=0")
    with pytest.raises(MismatchError, match="one policy has one recipe"):
        Pool.open([pool.folders[0].folder, other])
    assert isinstance(pool.folders[0].recipe_choice, Choice)


def test_an_error_in_a_loader_s_process_reads_as_it_was_raised() -> None:
    wrapped = (
        "Caught DataError in DataLoader worker process 0.\nOriginal Traceback:\ninstar.errors.DataError: e/1: bad\n"
    )
    with pytest.raises(DataError, match=r"^e/1: bad$"), unwrapped():
        raise DataError(wrapped)


def test_few_samples_are_encoded_without_processes_that_would_first_have_to_start() -> None:
    assert [helpers(2, WORTH * times) for times in (0, 1, 2, 9)] == [0, 1, 2, 2]
    assert helpers(0, WORTH * 9) == 0
