"""The study of demonstrations: its trainings, its tables and its figure."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from instar.errors import ConfigError
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run
from studies.figure import Line, Panel, draw
from studies.llara import ARMS, LEVELS, Cell, Study, cells, mine, panels, report


def _records(won: int) -> Iterator[EpisodeRecord]:
    for suite in LEVELS.values():
        for seed in range(10):
            outcome = Outcome.SUCCESS if seed < won else Outcome.FAILURE
            yield EpisodeRecord(f"{suite}/rotate/{seed}", suite, "rotate", seed, outcome, 1)


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A small one."""
    return Study(tmp_path, sizes=(10, 100), seeds=2)


@pytest.fixture
def runs(study: Study) -> dict[Cell, Run]:
    """What it might have come to: the second arm wins most."""
    won = {arm: 3 + 2 * (k == 1) for k, arm in enumerate(ARMS)}
    return {
        cell: Run(Path(f"run-{k}"), {}, tuple(_records(won[cell.arm] + cell.seed)), whole=True)
        for k, cell in enumerate(cells(study))
    }


def test_every_training_has_a_folder_of_its_own(study: Study) -> None:
    folders = [cell.folder(study.out) for cell in cells(study)]
    assert len(folders) == len(set(folders)) == 5 * 2 * 2 * 2


def test_tables_pool_the_trainings_and_show_each(study: Study, runs: dict[Cell, Run]) -> None:
    text = report(study, runs)
    assert "| D-inBC | L1 | 55.0 [34.2, 74.2] (50/60) |" in text
    assert "### Equal steps: 400 steps of 8 samples" in text
    assert "| inBC | L1 | -20.0 [" in text
    assert text.count("| D-RT-2 |") == 2 * 2 * 3


def test_the_figure_has_a_panel_for_every_level_and_budget(study: Study, runs: dict[Cell, Run]) -> None:
    found = panels(study, runs)
    assert [panel.title for panel in found[:2]] == ["L1, equal steps", "L2, equal steps"]
    svg = draw(found)
    assert svg.count("<g ") == svg.count("</g>") == 6
    assert svg.count("<polyline ") == 6 * len(ARMS)


def test_a_figure_of_one_size_is_drawn_in_the_middle() -> None:
    svg = draw([Panel("one", (Line("a", ((10.0, 50.0, 40.0, 60.0),)),))])
    assert "nan" not in svg
    assert '<circle cx="164.0"' in svg


def test_shares_are_all_trainings_once(study: Study) -> None:
    shares = [mine(replace(study, share=(k, 2))) for k in (1, 2)]
    assert sorted(map(str, shares[0] + shares[1])) == sorted(map(str, cells(study)))
    assert {cell.size for cell in shares[1]} == {cell.size for cell in shares[0]}
    assert mine(study) == list(cells(study))
    with pytest.raises(ConfigError, match="which of how many"):
        Study(study.out, share=(3, 2))
