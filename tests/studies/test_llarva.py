"""The study of traces and bins: its trainings and its tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from instar.errors import ConfigError
from instar.plugins import make
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run
from studies.llarva import PLAIN, UNTRAINED, WAYS, WORLDS, Cell, Study, cells, page

TASKS = ("push_buttons", "close_jar")


def records(won: int) -> Iterator[EpisodeRecord]:
    for task in TASKS:
        for seed in range(10):
            outcome = Outcome.SUCCESS if seed < won else Outcome.FAILURE
            yield EpisodeRecord(f"seen/{task}/{seed}", "seen", task, seed, outcome, 1)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A small one, on one world."""
    return Study(tmp_path, worlds=("arm",), seeds=2)


def test_every_way_is_trained_with_every_seed_and_the_untrained_model_played_once(study: Study) -> None:
    found = list(cells(study))
    assert len({cell.folder(study.out) for cell in found}) == len(found) == 1 + 4 * 2


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_a_recipe(world: str, way: str) -> None:
    recipe = make("recipes", f"{WORLDS[world].recipe},{WAYS[way]}")
    assert recipe.horizon >= WORLDS[world].replan


def test_the_table_compares_with_the_plain_way(study: Study) -> None:
    won = {PLAIN: 5, "traces, numbers": 8, UNTRAINED: 0}
    runs = {
        cell: Run(Path(f"run-{k}"), {}, tuple(records(won.get(cell.way, 3))), whole=True)
        for k, cell in enumerate(cells(study))
    }
    text = page(study, runs, "the command")
    assert "| the answer | all tasks | against numbers | push_buttons | close_jar |" in text
    assert "| numbers | 50.0 [35.2, 64.8] (50/50) |  | 50.0 [" in text
    assert "| traces, numbers | 80.0 [65.2, 89.5] (80/80) | +30.0 [" in text
    assert "| untrained | 0.0 [0.0, 16.1] (0) |  |" in text


def test_nothing_is_reported_while_trainings_are_missing(study: Study) -> None:
    assert not page(study, {Cell("arm", PLAIN, 0): Run(study.out, {}, tuple(records(1)), whole=True)}, "the command")


def test_unknown_worlds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no moon; there are arm, metaworld"):
        Study(tmp_path, worlds=("moon",))
