"""LLaRA's evaluation protocol by the real verbs: every way to ask a small model, and its result file."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from instar.build import BuildConfig, build
from instar.checkpoint import read_card
from instar.compare import CompareConfig, compare
from instar.errors import ConfigError
from instar.evaluate import EvaluateConfig, evaluate
from instar.inspection import InspectConfig, inspect
from instar.reporting.entries import command
from instar.results import ExportConfig, export, read_results
from instar.rollout import Outcome
from instar.run import Run, read_run
from instar.seeing.describe import Naming
from instar.seeing.teach_detector import DetectorMeasureConfig, DetectorTrainConfig, measure_detector, train_detector
from instar.train import TrainConfig, train

DEMOS = "tabletop:tasks=rotate+rearrange,episodes=8"
BENCHMARK = "tabletop:tasks=rotate+rearrange,suites=placement,per_task=1,max_steps=2"
TOY_DETECTOR = "tiny:rt_detr,height=64,width=128,hidden=32,channels=8"


@dataclass(frozen=True)
class Taught:
    """A model that learned a mixture, and a detector, both for a few steps only."""

    policy: Path
    detector: Path


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    folder = tmp_path_factory.mktemp("taught")
    kinds = ("obj_det", "obj_loc", "act_pred", "fut_pred")
    # One step an answer: what an untrained model says is as long as it may be.
    build(BuildConfig(DEMOS, folder / "samples", "llara:multi=false", auxiliary=kinds, workers=1))
    options: dict[str, Any] = {"steps": 3, "batch": 2, "device": "cpu", "loader_workers": 0, "mixture": "B"}
    policy = train(TrainConfig((folder / "samples",), "tiny:llava", folder / "policy", **options)).checkpoint
    detector = train_detector(
        DetectorTrainConfig(folder / "detector", TOY_DETECTOR, DEMOS, steps=3, batch=4, device="cpu", workers=1)
    )
    return Taught(policy, detector.detector)


def asked(taught: Taught, out: Path, **options: Any) -> Run:
    plain = EvaluateConfig(str(taught.policy), out, BENCHMARK, videos="none", device="cpu")
    return evaluate(replace(plain, **options))


def tasks(run: Run) -> dict[str, str]:
    """What stood in the task of the first question, by task."""
    return {record.task: record.trace[0].question.split("<task>")[1].split("</task>")[0] for record in run.records}


def seen_by(taught: Taught) -> str:
    # Three steps teach next to nothing: nearly everything it says is below any sensible threshold.
    return f"detr:{taught.detector},threshold=0.001,most=2,device=cpu"


def test_every_mode_of_the_protocol_runs_and_is_told_apart_in_the_result_file(taught: Taught, tmp_path: Path) -> None:
    modes: Mapping[str, dict[str, Any]] = {
        "hs": {"references": "nobody"},
        "hso": {"references": "truth"},
        "hsd": {"references": "model"},
        "hse": {"references": seen_by(taught)},
        "hsov": {"prompt": "visual=true"},
        "ho": {"replan": 8},
        "so": {"prompt": "past=0"},
    }
    for letters, options in modes.items():
        run = asked(taught, tmp_path / letters, **options)
        assert not {record.outcome for record in run.records} & {Outcome.UNREADABLE, Outcome.CRASHED}
        summary = export(ExportConfig(tmp_path / letters, tmp_path / "results", name="tiny"))
        assert summary.path.name == f"(placement_generalization)[{letters}_no]tiny.json"
        results = read_results(summary.path)
        assert results.settings.prompt_mode == letters
        assert results.recipe == run.recipe == str(read_card(taught.policy).recipe)
        assert [episode.answers for episode in results.episodes] == [
            tuple(step.reply for step in record.trace if step.reply) for record in run.records
        ]
    assert len(list((tmp_path / "results").iterdir())) == len(modes)


def test_the_words_in_the_task_are_those_of_whoever_describes(taught: Taught, tmp_path: Path) -> None:
    nobody = tasks(asked(taught, tmp_path / "nobody", references="nobody"))
    truth = tasks(asked(taught, tmp_path / "truth"))
    assert nobody["rearrange"].endswith("this scene.")
    assert "</p> at <b>" not in nobody["rotate"]
    assert "</p> at <b>(0.500," in truth["rotate"], "an object alone stands in the middle"
    for who in ("model", seen_by(taught)):
        found = tasks(asked(taught, tmp_path / f"found {who[:4]}", references=who))
        assert found["rearrange"] not in (nobody["rearrange"], truth["rearrange"])
        assert "<scene><p>" in found["rearrange"]
        name = truth["rotate"].split("<p>")[1].split("</p>")[0]
        given = tasks(asked(taught, tmp_path / f"given {who[:4]}", references=who, naming="given"))
        assert f"<p>{name}</p>" in given["rotate"] or who == "model", "a detector's sighting must bear the given name"


def test_a_detector_that_finds_nothing_leaves_bare_words(taught: Taught, tmp_path: Path) -> None:
    blind = f"detr:{taught.detector},threshold=1.0,device=cpu"
    found = tasks(asked(taught, tmp_path / "found", references=blind))
    assert found["rearrange"].endswith("this scene.")
    assert "<p>object</p>" in found["rotate"]
    given = tasks(asked(taught, tmp_path / "given", references=blind, naming="given"))
    assert given == tasks(asked(taught, tmp_path / "nobody", references="nobody"))


@pytest.mark.parametrize("sentence", ["7", "random", "none"])
def test_the_users_sentence_can_be_chosen(taught: Taught, tmp_path: Path, sentence: str) -> None:
    run = asked(taught, tmp_path / "run", prompt=f"sentence={sentence}")
    assert run.settings["prompt"]["sentence"] == (7 if sentence == "7" else sentence)
    summary = export(ExportConfig(tmp_path / "run", tmp_path / "results"))
    assert f"[hso{ {'7': '07', 'random': '', 'none': '_no'}[sentence] }]" in summary.path.name


def test_a_run_is_not_gone_on_with_when_it_is_asked_otherwise(taught: Taught, tmp_path: Path) -> None:
    asked(taught, tmp_path)
    assert asked(taught, tmp_path, references="truth").whole, "the same by another word"
    for options in ({"references": "nobody"}, {"references": "model"}, {"prompt": "past=3"}):
        with pytest.raises(ConfigError, match="holds a run with other settings"):
            asked(taught, tmp_path, **options)
    asked(taught, tmp_path / "model", references="model")
    with pytest.raises(ConfigError, match="naming: 'found' there, 'given' now"):
        asked(taught, tmp_path / "model", references="model", naming="given")


def test_the_folder_of_a_detector_is_not_on_record_but_what_it_is(taught: Taught, tmp_path: Path) -> None:
    run = asked(taught, tmp_path, references=seen_by(taught))
    assert run.settings["references"]["detector"] == "detr"
    assert run.settings["references"]["threshold"] == 0.001
    assert str(taught.detector) not in (tmp_path / "run.json").read_text()
    assert dict(inspect(InspectConfig(str(tmp_path))).facts)["naming"] == "found"


def test_the_command_of_a_run_says_how_it_was_asked(taught: Taught, tmp_path: Path) -> None:
    said = command(asked(taught, tmp_path / "run", references="nobody", prompt="past=2"))
    prompt = "describe=false,evaluator=false,past=2,sentence=none,spaces=1,visual=false"
    assert f"--references nobody --prompt {prompt}" in said
    again = asked(taught, tmp_path / "again", references="nobody", prompt=prompt)
    assert again.settings == read_run(tmp_path / "run").settings
    seen = command(asked(taught, tmp_path / "seen", references=seen_by(taught), naming="given"))
    assert "--references detr:FOLDER,threshold=0.001 --naming given" in seen


@pytest.mark.parametrize("policy", ["random", "expert"])
def test_policies_that_are_not_asked_in_words_have_no_such_options(tmp_path: Path, policy: str) -> None:
    plain = EvaluateConfig(policy, tmp_path / "plain", BENCHMARK, videos="none")
    assert not {"references", "naming", "prompt"} & set(evaluate(plain).settings)
    with pytest.raises(ConfigError, match="are for checkpoints"):
        evaluate(replace(plain, out=tmp_path / "asked", references="nobody"))


@pytest.mark.parametrize("naming", ["found", "given"])
def test_the_models_own_eyes_are_measured_like_a_detector(taught: Taught, naming: Naming) -> None:
    found = measure_detector(
        DetectorMeasureConfig(DEMOS, policy=taught.policy, naming=naming, device="cpu", episodes=2)
    )
    assert found.episodes == 2
    by_kind = {score.kind: score for score in found.scores}
    assert set(by_kind) == {"frame", "object", "scene", "all"}
    assert by_kind["object"].precision.n <= by_kind["object"].pictures
    assert by_kind["all"].recall.n > 0


@pytest.mark.skipif(
    not os.environ.get("INSTAR_VIMA_PYTHON"), reason="INSTAR_VIMA_PYTHON is not set: there is no VIMA-Bench to play on"
)
@pytest.mark.parametrize("references", ["nobody", "truth", "model", "detector"])
def test_the_protocol_runs_on_the_real_simulator(taught: Taught, tmp_path: Path, references: str) -> None:
    benchmark = "vima:tasks=rotate+rearrange,suites=placement,per_task=1,max_steps=2"
    who = seen_by(taught) if references == "detector" else references
    run = asked(taught, tmp_path / "run", references=who, benchmark=benchmark)
    assert not {record.outcome for record in run.records} & {Outcome.UNREADABLE, Outcome.CRASHED}
    assert len(read_results(export(ExportConfig(tmp_path / "run", tmp_path / "results")).path).episodes) == 2


def test_comparing_two_ways_to_ask_says_that_they_are_two(taught: Taught, tmp_path: Path) -> None:
    asked(taught, tmp_path / "truth")
    asked(taught, tmp_path / "nobody", references="nobody", prompt="past=0")
    found = compare(CompareConfig(tmp_path / "truth", tmp_path / "nobody"))
    assert found.differing == ("prompt", "references")
    assert found.comparison.n == 2
