"""`instar detector train` and `instar detector measure`, from demonstrations to precision and recall."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from instar import plugins
from instar.demo import held_out
from instar.errors import ConfigError, DataError, MismatchError
from instar.inspection import InspectConfig, inspect
from instar.metrics import wilson
from instar.seeing.teach_detector import (
    Detection,
    DetectorMeasureConfig,
    DetectorSummary,
    DetectorTrainConfig,
    measure_detector,
    train_detector,
)

DEMOS = "tabletop:tasks=visual_manipulation+rearrange,episodes=12"
TOY = "tiny:rt_detr,height=64,width=128,hidden=32,channels=8"


def config(out: Path, **options: Any) -> DetectorTrainConfig:
    plain = DetectorTrainConfig(out, TOY, DEMOS, steps=6, batch=2, device="cpu", held_out=0.3, log_every=1, workers=1)
    return replace(plain, **options)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> DetectorSummary:
    return train_detector(config(tmp_path_factory.mktemp("taught") / "detector"))


def test_a_detector_says_what_it_was_taught(taught: DetectorSummary) -> None:
    ids = plugins.make("demos", DEMOS).ids()
    kept = [id for id in ids if held_out(id, 0.3)]
    assert 0 < len(kept) < 12
    assert taught.held_out == len(kept)
    assert taught.episodes == 12 - len(kept)
    assert (taught.steps, taught.resumed, taught.left_out) == (6, 0, 0)
    manifest = json.loads((taught.detector / "manifest.json").read_text())
    assert (manifest["kind"], manifest["camera"], manifest["share"]) == ("detector", "front", 0.3)
    config = json.loads((taught.detector / "config.json").read_text())
    assert len(config["id2label"]) == taught.names
    assert sorted(path.name for path in taught.detector.iterdir()) == [
        "config.json", "manifest.json", "metrics.jsonl", "model.safetensors", "preprocessor_config.json"
    ]  # fmt: skip


def test_the_same_command_again_changes_nothing(taught: DetectorSummary) -> None:
    before = (taught.detector / "model.safetensors").stat()
    again = train_detector(config(taught.detector))
    assert again == replace(taught, resumed=6)
    assert (taught.detector / "model.safetensors").stat() == before


def test_another_command_is_refused(taught: DetectorSummary) -> None:
    with pytest.raises(ConfigError, match=r"holds another run: config\.lr"):
        train_detector(config(taught.detector, lr=1.0))


def test_an_interrupted_run_goes_on_to_the_same_weights(taught: DetectorSummary, tmp_path: Path) -> None:
    def interrupted(done: int, _total: int, note: str) -> None:
        if note.startswith("loss") and done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_detector(config(tmp_path / "out", save_every=2), interrupted)
    assert not (tmp_path / "out" / "manifest.json").exists()
    summary = train_detector(config(tmp_path / "out", save_every=2))
    assert summary == replace(taught, detector=tmp_path / "out", resumed=4)
    whole, resumed = (load_file(folder / "model.safetensors") for folder in (taught.detector, tmp_path / "out"))
    assert all((whole[name] == resumed[name]).all() for name in whole)
    metrics = [(folder / "metrics.jsonl").read_text() for folder in (taught.detector, tmp_path / "out")]
    assert metrics[0] == metrics[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"held_out": 1.0}, "held_out is 1.0"),
        ({"pictures": ()}, "nothing to learn"),
        ({"steps": 0}, "nothing to learn"),
        ({"brightness": 2.0}, "brightness 2.0"),
        ({"batch": 0}, "batch is 0"),
        ({"lr": 0.0}, "lr is 0.0"),
    ],
)
def test_options_that_cannot_work_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        config(tmp_path, **options)


def test_a_model_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent is no folder; name a downloaded detector"):
        train_detector(config(tmp_path / "out", model=str(tmp_path / "absent")))


def measure(detector: str, **options: Any) -> Detection:
    plain = DetectorMeasureConfig(DEMOS, detector, workers=1)
    return measure_detector(replace(plain, **options))


def test_it_is_measured_on_the_episodes_that_it_did_not_learn_from(taught: DetectorSummary) -> None:
    found = measure(f"detr:{taught.detector},threshold=0.01,device=cpu")
    assert found.episodes == taught.held_out
    by_kind = {score.kind: score for score in found.scores}
    assert list(by_kind) == ["frame", "object", "scene", "all"]
    whole = by_kind["all"]
    for name in ("precision", "recall", "precision_unnamed", "recall_unnamed"):
        parts = [getattr(by_kind[kind], name) for kind in ("frame", "object", "scene")]
        total = getattr(whole, name)
        assert (total.successes, total.n) == (sum(p.successes for p in parts), sum(p.n for p in parts))
        assert total.interval == wilson(total.successes, total.n)
    assert whole.precision.successes == whole.recall.successes <= whole.recall_unnamed.successes
    assert by_kind["object"].precision.n <= by_kind["object"].pictures, "of an object alone one sighting counts"


def test_all_episodes_can_be_measured_on(taught: DetectorSummary) -> None:
    assert measure(f"detr:{taught.detector},device=cpu", held_out=1.0, pictures=("object",)).episodes == 12


def test_another_camera_is_refused(taught: DetectorSummary) -> None:
    with pytest.raises(MismatchError, match="taught on pictures of camera 'front', these are of 'top'"):
        measure(f"detr:{taught.detector}", camera="top")


def test_nothing_to_measure_on_is_an_error(taught: DetectorSummary) -> None:
    with pytest.raises(DataError, match="none of its episodes is held out"):
        measure(f"detr:{taught.detector}", held_out=1e-9)


def test_one_thing_is_measured(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="one of them"):
        DetectorMeasureConfig(DEMOS)
    with pytest.raises(ConfigError, match="one of them"):
        DetectorMeasureConfig(DEMOS, "detr:somewhere", tmp_path)


def test_inspect_shows_a_detector(taught: DetectorSummary) -> None:
    shown = inspect(InspectConfig(str(taught.detector)))
    assert (shown.kind, shown.whole) == ("detector", True)
    assert dict(shown.facts)["names"] == taught.names
    assert ("lr", 1e-4) in next(table for table in shown.tables if table.title == "training").rows
