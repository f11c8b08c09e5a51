"""Training on a mixture: only what was drawn is learned from, and the run knows what it was."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from instar.checkpoint import load_policy, load_speaker, read_card
from instar.embodiments.vima import FRONT, VIMA
from instar.errors import ConfigError, MismatchError
from instar.exchange.intake import ImportConfig, import_json
from instar.files import write_json
from instar.mixture import Mixture, draw
from instar.train import train
from instar.training.data import Course, Pool
from tests.exchange.folders import toy_samples
from tests.training.lessons import run_of

VIMA_FRONT = replace(VIMA, cameras=(FRONT,))
FEW = "obj_loc=1,spa_rel=0.5"  # of 2 actions: 2 of 11 and 1 of 24


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is said about one toy episode."""
    return toy_samples(tmp_path_factory.mktemp("samples")).folder


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Imported conversations that nobody acts on."""
    folder = tmp_path_factory.mktemp("talk")
    said = [{"from": "human", "value": "What is a bowl?"}, {"from": "gpt", "value": "A round thing to put others in."}]
    write_json(folder / "talk.json", [{"id": str(k), "conversations": said} for k in range(4)])
    import_json(ImportConfig((str(folder / "talk.json"),), folder / "samples", workers=1))
    return folder / "samples"


def course(samples: Path, mixture: str, seed: int = 0, **weights: float) -> Course:
    pool = Pool.open([samples])
    return Course(pool, weights, seed=0, drawn=draw(Mixture.parse(mixture), pool.folders, seed))


def test_every_epoch_shows_what_was_drawn_and_nothing_else(samples: Path) -> None:
    lessons = course(samples, FEW)
    assert lessons.drawn is not None
    drawn = np.flatnonzero(lessons.drawn.chosen)
    assert len(drawn) == 2 + 2 + 1
    for number in range(3):
        assert sorted(lessons.epoch(number)) == drawn.tolist()
    assert not np.array_equal(lessons.epoch(0), lessons.epoch(1))
    assert np.array_equal(lessons.wanted(), drawn)


def test_weights_count_within_a_mixture(samples: Path) -> None:
    plain, weighted = course(samples, FEW), course(samples, FEW, obj_loc=3.0, spa_rel=0.0)
    kinds = [weighted.pool.sample(int(number)).kind for number in weighted.epoch(0)]
    assert sorted(kinds) == ["llara"] * 2 + ["obj_loc"] * 6
    assert set(weighted.epoch(0)) < set(plain.epoch(0))
    assert set(weighted.wanted()) == set(weighted.epoch(0))


def test_the_order_depends_on_the_seeds_alone(samples: Path) -> None:
    assert np.array_equal(course(samples, FEW).take(20), course(samples, FEW).take(20))
    assert set(course(samples, FEW).take(20)) != set(course(samples, FEW, seed=1).take(20))


def test_a_run_on_a_mixture_is_that_run_and_no_other(
    samples: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"steps": None, "epochs": 1.0, "batch": 1, "save_every": 100, "mixture": "act_pred=2,obj_det=0.5"}
    with caplog.at_level(logging.WARNING):
        summary = train(run_of(samples, tmp_path / "out", **options))
    assert summary.steps == 2 + 2 + 1, "all actions, all 2 of 4 wanted predictions, 1 detection"
    assert "wants 4 samples of act_pred (ratio 2), there are 2" in caplog.text
    assert train(run_of(samples, tmp_path / "out", **{**options, "mixture": "act_pred=2.0, obj_det=0.50"})).resumed
    with pytest.raises(ConfigError, match=r"config.mixture_seed: was 0, is 1"):
        train(run_of(samples, tmp_path / "out", **options, mixture_seed=1))
    with pytest.raises(ConfigError, match=r"config.mixture: was act_pred=2,obj_det=0.5, is None"):
        train(run_of(samples, tmp_path / "out", **{**options, "mixture": None}))


def test_runs_without_a_mixture_are_what_they_were(samples: Path, tmp_path: Path) -> None:
    meaning = run_of(samples, tmp_path).meaning()
    assert not {"mixture", "mixture_seed"} & set(meaning)


@pytest.mark.parametrize(("option", "value"), [("mixture", "E"), ("mixture_seed", -1)])
def test_refuses_a_mixture_that_is_none(samples: Path, tmp_path: Path, option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=option):
        run_of(samples, tmp_path, **{option: value})


def test_what_was_taught_to_talk_answers_and_cannot_act(talk: Path, tmp_path: Path) -> None:
    train(run_of(talk, tmp_path / "out", steps=1))
    card = read_card(tmp_path / "out")
    assert (card.recipe, card.robot, card.statistics, card.wording) == (None, None, None, "")
    with pytest.raises(MismatchError, match=r"cannot act. Import with a recipe and a robot"):
        load_policy(tmp_path / "out", device="cpu")
    assert load_speaker(tmp_path / "out", device="cpu").parts()["language"]


def test_talk_beside_actions_makes_a_policy(samples: Path, talk: Path, tmp_path: Path) -> None:
    train(replace(run_of(talk, tmp_path / "out", steps=1, mixture="obj_det=1"), samples=(talk, samples)))
    assert load_policy(tmp_path / "out", device="cpu").spec.robots == (VIMA_FRONT,)


def test_samples_without_a_recipe_are_in_a_mixture_whole(samples: Path, talk: Path) -> None:
    pool = Pool.open([talk, samples])
    found = draw(Mixture.parse("obj_det=1"), pool.folders, 0)
    kinds = [pool.sample(int(number)).kind for number in found.main]
    assert sorted(kinds) == ["llara"] * 2 + ["talk"] * 4
    assert found.parts[0].wanted == 2, "ratios are to the samples of the recipe"
