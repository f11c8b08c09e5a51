"""Episodes that begin as stored demonstrations did, in both layouts."""

import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from instar.errors import ConfigError, DataError, SimulatorError
from instar.simulator import Task
from instar.simulators.rlbench import RLBench
from instar.simulators.rlbench.stored import beginning, beginnings
from instar.testing import assert_same_context
from tests.demos.rlbench.made import Demo, write_demo
from tests.simulators.rlbench.stand_in import SIZE, TASK, begun, stand_in, state_after, store, write_interpreter


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the stand-in lies."""
    return write_interpreter(tmp_path_factory.mktemp("interpreter")).parent


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eleven demonstrations in PerAct's layout, number k of variation k % 3 from the seed 100 + k."""
    root = tmp_path_factory.mktemp("dataset")
    for k in range(11):
        store(root / f"open_drawer/all_variations/episodes/episode{k}", state_after(100 + k), k % 3)
    return root


@pytest.fixture(scope="module")
def simulator(folder: Path, dataset: Path) -> Iterator[RLBench]:
    made = RLBench(str(folder / "python"), starts="demos", dataset=str(dataset), size=128, patience=30.0)
    yield made
    made.close()


def test_an_episode_begins_in_the_random_state_of_the_demonstration(folder: Path) -> None:
    seeded = stand_in(folder)
    draws = import_module("numpy.random").RandomState
    # A seed whose first draw is the variation 1; the demonstration holds the state after that draw.
    seed = next(k for k in range(99) if draws(k).randint(0, 3) == 1)
    generator = draws(seed)
    generator.randint(0, 3)
    store(folder / "one" / "open_drawer/all_variations/episodes/episode0", generator.get_state(), 1)
    stored = RLBench(str(folder / "python"), starts="demos", dataset=str(folder / "one"), size=SIZE, patience=30.0)
    alone, again = begun(seeded, seed=seed), begun(stored, seed=0)
    seeded.close()
    stored.close()
    assert again.instruction.text == "open the drawer number 1"
    assert_same_context(again, alone)


def test_every_demonstration_begins_otherwise_and_always_alike(simulator: RLBench) -> None:
    first = [begun(simulator, seed=k) for k in range(11)]
    assert [context.instruction.text[-1] for context in first] == [str(k % 3) for k in range(11)]
    assert len({context.observation.images["front"].digest for context in first}) == 11
    for k in (10, 2):
        assert_same_context(begun(simulator, seed=k), first[k])


def test_as_many_attempts_are_made_as_when_it_was_recorded(folder: Path, tmp_path: Path) -> None:
    for k, attempts in enumerate((1, 2)):
        path = tmp_path / f"open_drawer/all_variations/episodes/episode{k}"
        store(path, state_after(2), 0, attempts)  # the first try of this state fits, and so does the second
    stored = RLBench(str(folder / "python"), starts="demos", dataset=str(tmp_path), size=SIZE, patience=30.0)
    one, two = (begun(stored, seed=k).observation.images["front"].digest for k in range(2))
    stored.close()
    assert one != two


def test_there_is_no_demonstration_beyond_the_last(simulator: RLBench) -> None:
    with pytest.raises(SimulatorError, match="has 11 demonstrations of open_drawer, of numbers 0 to 10; not 11"):
        simulator.reset(TASK, 11)
    with pytest.raises(ConfigError, match="no task close_jar in it"):
        simulator.reset(Task("close_jar", "rlbench"), 0)


def test_variations_in_folders_of_their_own_take_turns(tmp_path: Path) -> None:
    for variation, episode in ((0, 0), (0, 1), (0, 10), (1, 0), (1, 1)):
        path = tmp_path / f"val/close_jar/variation{variation}/episodes/episode{episode}"
        store(path, state_after(episode), variation)
        (path / "variation_number.pkl").unlink()
    ids = beginnings(tmp_path, "close_jar")
    assert [id.removeprefix("val/close_jar/") for id in ids] == [
        "variation0/episodes/episode0",
        "variation1/episodes/episode0",
        "variation0/episodes/episode1",
        "variation1/episodes/episode1",
        "variation0/episodes/episode10",
    ]


@pytest.mark.parametrize("layout", ["all_variations", "variation2"])
def test_the_variation_is_found_where_the_pickle_does_not_say_it(tmp_path: Path, layout: str) -> None:
    id = f"open_drawer/{layout}/episodes/episode0"
    store(tmp_path / id, state_after(5), 2)
    old = Demo([])
    old.__dict__.update(random_seed=state_after(5))
    write_demo(tmp_path / id, old)
    if layout == "variation2":
        (tmp_path / id / "variation_number.pkl").unlink()
    found = beginning(tmp_path, id)
    assert found.order["variation"] == 2
    np.testing.assert_array_equal(found.keys, np.asarray(state_after(5)[1], np.uint32))
    assert found.order["attempts"] is None


def test_a_zip_does_as_well_as_a_folder(dataset: Path, tmp_path: Path) -> None:
    zipped = Path(shutil.make_archive(str(tmp_path / "dataset"), "zip", dataset))
    id = beginnings(dataset, "open_drawer")[7]
    assert beginnings(zipped, "open_drawer")[7] == id
    np.testing.assert_array_equal(beginning(zipped, id).keys, beginning(dataset, id).keys)


def test_a_demonstration_without_a_random_state_is_refused(tmp_path: Path) -> None:
    id = "open_drawer/all_variations/episodes/episode0"
    (tmp_path / id).mkdir(parents=True)
    write_demo(tmp_path / id, Demo([]))
    with pytest.raises(DataError, match="does not say in which random state it began; use starts=seeds"):
        beginning(tmp_path, id)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    id = "open_drawer/all_variations/episodes/episode0"
    (tmp_path / id).mkdir(parents=True)
    (tmp_path / id / "low_dim_obs.pkl").write_bytes(b"cposix\nsystem\n(S'true'\ntR.")
    with pytest.raises(DataError, match=r"refused: the pickle asks for posix\.system"):
        beginning(tmp_path, id)
