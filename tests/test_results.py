"""Result files in LLaRA's layout."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from instar.cli import run
from instar.compare import CompareConfig, compare
from instar.errors import ConfigError, DataError, MismatchError
from instar.files import write_json
from instar.inspection import InspectConfig, inspect
from instar.results import (
    BINS_READ_BY,
    GLOBAL,
    SENTENCES_READ_BY,
    ExportConfig,
    ResultEpisode,
    ResultSettings,
    export,
    level_of,
    read_results,
    write_results,
)
from instar.rollout import EpisodeRecord, Outcome, TraceStep
from instar.run import RUN
from tests import recorded

PUBLISHED = "INSTAR_LLARA_RESULTS"  # names a folder with the published result files

ASKED = TraceStep("What now?", "Step 1: thus.\nStep 2: so.", recorded.ACTION)
QUEUED = TraceStep("", "", recorded.ACTION)
LOST = TraceStep("What now?", "", (), "reply unreadable at character 0")


def played() -> list[EpisodeRecord]:
    """An episode of every outcome, of one that asked twice, and of a policy that does not speak."""
    return [
        recorded.record("rotate", 200_000, Outcome.SUCCESS, (ASKED, QUEUED, ASKED)),
        recorded.record("rotate", 200_001, Outcome.FAILURE, (ASKED,)),
        recorded.record("rotate", 200_002, Outcome.TIMEOUT, (ASKED,) * 8),
        recorded.record("rotate", 200_003, Outcome.UNREADABLE, (ASKED, LOST), "reply unreadable"),
        recorded.record("rotate", 200_004, Outcome.CRASHED, (), "the arm fell off"),
        recorded.record("twist", 200_000, Outcome.SUCCESS, (QUEUED,)),
    ]


def run_of(folder: Path, records: list[EpisodeRecord], **settings: Any) -> Path:
    recorded.run(folder, records)
    description = json.loads((folder / RUN).read_text())
    description["settings"].update(settings)
    write_json(folder / RUN, description)
    return folder


def test_an_exported_run_reads_back_with_the_same_flags_and_answers(tmp_path: Path) -> None:
    summary = export(ExportConfig(run_of(tmp_path / "mine", played()), tmp_path))
    assert summary.path.name == "(placement_generalization)[hso_no]mine.json"
    assert (summary.episodes, summary.crashed, summary.unreadable, summary.wordless) == (5, 1, 1, 1)
    back = {episode.id: episode for episode in read_results(summary.path).episodes}
    key = "placement_generalization/rotate/20000"
    flags = {name[-1]: (one.success, one.failure, one.steps) for name, one in back.items() if "rotate" in name}
    assert flags == {"0": (True, False, 3), "1": (False, True, 1), "2": (False, False, 8), "3": (False, False, 1)}
    assert back[f"{key}0"].answers == (ASKED.reply, ASKED.reply)
    assert back[f"{key}0"].prompts == (ASKED.question, ASKED.question)
    assert back[f"{key}3"].answers == (ASKED.reply, "")
    assert back[f"{key}0"].prompt == "Do rotate number 200000."
    assert back["placement_generalization/twist/200000"].answers == ()
    rate = summary.success["placement_generalization"]
    assert (rate.successes, rate.n) == (2, 5)


def test_the_command_line_tells_the_success_of_what_it_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = run_of(tmp_path / "mine", played())
    assert run(["export", "results", "--run", str(mine), "--out", str(tmp_path)]) == 0
    assert "40.0 % [11.8, 76.9] n=5" in capsys.readouterr().out


def test_the_layout_is_that_of_the_original(tmp_path: Path) -> None:
    path = export(ExportConfig(run_of(tmp_path / "mine", played()[:1]), tmp_path)).path
    text = path.read_text()
    entries = json.loads(text)
    assert text == json.dumps(entries, indent=2)
    assert list(entries) == ["global", "placement_generalization/rotate/200000"]
    assert set(entries["global"]) == {
        *("filename", "model_path", "output_path", "prompt_mode", "prompt_id", "seed", "num_env", "max_length"),
        *("partition", "detector", "detector_thre"),
    }
    assert list(entries["placement_generalization/rotate/200000"]) == [
        *("tid", "level", "task", "seed", "prompt", "lm_prompt_hist", "lm_answer_hist", "step", "success", "failure")
    ]


@pytest.mark.parametrize(
    ("settings", "mode", "prompt_id"),
    [
        ({}, "hso", 100),
        ({"replan": 8}, "ho", 100),
        ({"references": "nobody", "prompt": {"past": 0, "sentence": "random"}}, "s", -1),
        ({"references": "model", "prompt": {"past": 8, "sentence": 7, "visual": True}}, "hsdv", 7),
        ({"references": {"detector": "detr", "threshold": 0.4}, "prompt": {"past": 8}}, "hse", 100),
    ],
)
def test_the_letters_of_the_mode_say_how_the_run_was_asked(
    tmp_path: Path, settings: dict[str, Any], mode: str, prompt_id: int
) -> None:
    path = export(ExportConfig(run_of(tmp_path / "mine", played(), **settings), tmp_path)).path
    written = read_results(path).settings
    assert (written.prompt_mode, written.prompt_id) == (mode, prompt_id)
    assert (written.detector, written.detector_thre) == (("detr", 0.4) if "e" in mode else ("", 0.6))


def test_another_run_does_not_overwrite_results(tmp_path: Path) -> None:
    config = ExportConfig(run_of(tmp_path / "mine", played()), tmp_path)
    assert export(config) == export(config)
    with pytest.raises(ConfigError, match="holds other results"):
        export(replace(config, run=run_of(tmp_path / "yours", played()[:1]), name="mine"))


def test_a_run_without_an_ending_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no episode of this run was played to an end"):
        export(ExportConfig(run_of(tmp_path / "mine", [played()[4]]), tmp_path))


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "[hso]m.json"),
        ({"prompt_id": 7}, "[hso07]m.json"),
        ({"prompt_id": 15}, "[hso_no]m.json"),
        ({"prompt_mode": "hs", "partition": "novel_task_generalization"}, "(novel_task_generalization)[hs]m.json"),
    ],
)
def test_file_names_tell_mode_sentence_and_level(settings: dict[str, Any], name: str) -> None:
    assert replace(ResultSettings("m"), **settings).file_name() == name


def episodes() -> list[ResultEpisode]:
    """Twenty of one task, eighteen of them solved, and two at another level."""
    one = ResultEpisode(
        level_of("placement"), "rotate", 0, "Turn {it}.", ("?",), ("!",), 1, success=True, failure=False
    )
    solved = [replace(one, seed=seed, success=seed < 18, failure=seed == 19) for seed in range(20)]
    return [*solved, *(replace(one, level=level_of("novel_task"), seed=seed, success=False) for seed in range(2))]


def test_results_are_summed_up_by_level_and_task(tmp_path: Path) -> None:
    summary = read_results(write_results(tmp_path, ResultSettings("m"), episodes())).summary
    level = summary.suites["placement_generalization"]
    assert (level.successes, level.n) == (18, 20)
    # Wilson, 95 %, of 18 of 20: from the formula by hand.
    assert (round(level.interval.low, 4), round(level.interval.high, 4)) == (0.699, 0.9721)
    assert summary.tasks["novel_task_generalization/rotate"].successes == 0
    assert summary.outcomes == {"success": 18, "failure": 1, "timeout": 3, "unreadable": 0, "crashed": 0}


def test_a_result_file_can_be_inspected(tmp_path: Path) -> None:
    path = write_results(tmp_path, ResultSettings("m"), episodes())
    shown = inspect(InspectConfig(str(path))).to_json()
    assert (shown["kind"], shown["name"]) == ("results", "[hso]m.json")
    assert (shown["facts"]["episodes"], shown["facts"]["successes"], shown["facts"]["failures"]) == (22, 18, 1)
    levels = {row["task"]: (row["successes"], row["episodes"]) for row in shown["tables"]["success_by_level"]}
    assert levels == {"placement_generalization": (18, 20), "novel_task_generalization": (0, 2)}
    assert shown["facts"]["sentence"] == "random"
    assert shown["facts"]["recipe"] == BINS_READ_BY, "its answers mark no position"


@pytest.mark.parametrize(
    ("answer", "recipe"),
    [
        ("Step 1: Pick up the thing at <b>(0.500, 0.594)</b>, ...", SENTENCES_READ_BY),
        ("Step 1: 128 40 127 200 101 127", BINS_READ_BY),
    ],
)
def test_a_file_that_names_no_recipe_is_read_as_its_answers_look(tmp_path: Path, answer: str, recipe: str) -> None:
    spoken = [replace(one, answers=(answer,)) for one in episodes()]
    assert read_results(write_results(tmp_path, ResultSettings("m"), spoken)).recipe == recipe
    assert read_results(write_results(tmp_path, ResultSettings("mine", recipe="llara:past=3"), spoken)).recipe == (
        "llara:past=3"
    )


def test_two_result_files_are_compared_episode_by_episode(tmp_path: Path) -> None:
    better = [replace(one, success=True, failure=False) for one in episodes()[:-1]]
    a = write_results(tmp_path, ResultSettings("a"), episodes())
    b = write_results(tmp_path, ResultSettings("b"), better)
    compared = compare(CompareConfig(a, b))
    assert (compared.a, compared.b) == ("[hso]a", "[hso]b")
    found = compared.comparison
    assert (found.n, found.both, found.only_a, found.only_b, len(found.unpaired_a)) == (21, 18, 0, 3, 1)
    with pytest.raises(ConfigError, match="instar export results"):
        compare(CompareConfig(a, tmp_path))


def test_result_files_of_different_worlds_are_not_compared(tmp_path: Path) -> None:
    a = write_results(tmp_path, ResultSettings("a"), episodes())
    b = write_results(tmp_path, ResultSettings("b"), [replace(one, prompt="Put {it} away.") for one in episodes()])
    with pytest.raises(MismatchError, match=r"rotate/0 is 'Turn \{it\}\.' and 'Put \{it\} away\.'"):
        compare(CompareConfig(a, b))


def test_older_files_without_a_prompt_id_drew_sentences_at_random(tmp_path: Path) -> None:
    path = write_results(tmp_path, ResultSettings("m", prompt_id=3), episodes())
    entries = json.loads(path.read_text())
    del entries[GLOBAL]["prompt_id"]
    path.write_text(json.dumps(entries))
    assert read_results(path).settings.prompt_id == -1
    assert read_results(path).settings.one_step


KEY = "placement_generalization/rotate/0"


def misplaced(entries: dict[str, Any]) -> None:
    entries["placement_generalization/rotate/77"] = entries.pop(KEY)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda entries: entries.pop(GLOBAL), "no entry 'global'"),
        (lambda entries: entries[GLOBAL].update(seed="x"), "entry 'global': seed is 'x'; expected int"),
        (lambda entries: entries.update({KEY: 3}), f"entry '{KEY}' is no episode"),
        (lambda entries: entries[KEY].pop("success"), f"entry '{KEY}' has no field 'success'"),
        (lambda entries: entries[KEY].update(success=1), f"entry '{KEY}': success is 1; expected bool"),
        (lambda entries: entries[KEY].update(step=True), f"entry '{KEY}': step is True; expected int"),
        (lambda entries: entries[KEY].update(lm_answer_hist="Step"), "lm_answer_hist is 'Step'; expected list"),
        (lambda entries: entries[KEY].update(lm_answer_hist=[None]), "lm_answer_hist holds None; expected texts"),
        (lambda entries: entries[KEY].update(lm_answer_hist=["a", "b"]), "1 prompts and 2 answers"),
        (misplaced, "rotate/77' holds level, task and seed of 'placement_generalization/rotate/0'"),
    ],
)
def test_a_malformed_entry_is_named(tmp_path: Path, damage: Callable[[dict[str, Any]], None], message: str) -> None:
    path = write_results(tmp_path, ResultSettings("m"), episodes())
    entries = json.loads(path.read_text())
    damage(entries)
    path.write_text(json.dumps(entries))
    with pytest.raises(DataError) as caught:
        read_results(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_torn_file_is_named(tmp_path: Path) -> None:
    path = write_results(tmp_path, ResultSettings("m"), episodes())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"\[hso\]m\.json: not JSON at line .*stopped in the middle"):
        read_results(path)
    with pytest.raises(DataError, match="no such file"):
        read_results(tmp_path / "nowhere.json")
    path.write_bytes(b'{"global": {"filename": "\xe9"}}')
    with pytest.raises(DataError, match="not UTF-8 text"):
        read_results(path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "a/b"}, "name 'a/b' is a part of a file's name; it cannot have a /"),
        ({"mode": "x/y"}, "mode 'x/y': LLaRA's letters are h, s, o, d, e, v"),
        ({"prompt_id": -2}, "prompt_id is -2"),
    ],
)
def test_refuses_names_that_no_file_could_have(options: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        ExportConfig(tmp_path, tmp_path, **options)


# Successes per level, of 260, 260, 240 and 80 episodes: LLaRA's published evaluation with described references.
LEVELS = ("placement", "combinatorial", "novel_object", "novel_task")


@pytest.mark.parametrize(
    ("method", "successes"), [("D-inBC-AuxB-VIMA-80k", (234, 229, 190, 27)), ("D-inBC-VIMA-80k", (227, 222, 197, 20))]
)
def test_published_results_are_summed_up_to_the_published_figures(method: str, successes: tuple[int, ...]) -> None:
    folder = os.environ.get(PUBLISHED)
    if not folder:
        pytest.skip(f"{PUBLISHED} names no folder with LLaRA's published result files")
    suites = read_results(Path(folder) / f"[hso]{method}.json").summary.suites
    assert tuple(suites[level_of(level)].successes for level in LEVELS) == successes
    assert tuple(suites[level_of(level)].n for level in LEVELS) == (260, 260, 240, 80)
