"""A run on disk: which state is the last whole one, and what is a different run."""

from pathlib import Path

import pytest

from instar.errors import ConfigError
from instar.files import read_jsonl
from instar.training.run import METRICS, Run


def _state(run: Run, step: int) -> Path:
    folder = run.states / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "learned.safetensors").write_bytes(b"weights")
    return folder


def test_goes_on_from_the_newest_state_that_is_whole(tmp_path: Path) -> None:
    run = Run(tmp_path)
    assert run.latest() is None
    whole = _state(run, 90)
    run.seal(90, keep=1)
    _state(run, 100)  # torn: nobody declared it whole
    assert run.latest() == whole


def test_keeps_as_many_states_as_it_is_told(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for step in (8, 9, 10, 11):
        _state(run, step)
        run.seal(step, keep=2)
    assert sorted(path.name for path in run.states.iterdir()) == ["checkpoint-10", "checkpoint-11"]


def test_forgets_what_came_after_the_state_it_goes_on_from(tmp_path: Path) -> None:
    run = Run(tmp_path)
    _state(run, 2)
    run.seal(2, keep=1)
    _state(run, 4)
    for step in (1, 2, 3):
        run.record(step, {"loss": 1.0 / step})
    run.rewind(2)
    assert [row["step"] for row in read_jsonl(tmp_path / METRICS)] == [1, 2]
    assert not (run.states / "checkpoint-4").exists()
    assert run.last_loss() == 0.5


def test_names_everything_in_which_another_run_differs(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.claim({"config": {"lr": 1e-4, "batch": 8}, "processes": 1})
    run.claim({"config": {"lr": 1e-4, "batch": 8}, "processes": 1})
    with pytest.raises(ConfigError, match=r"config\.lr: was 0\.0001, is 0\.001; processes: was 1, is 2"):
        run.claim({"config": {"lr": 1e-3, "batch": 8}, "processes": 2})


def test_leaves_a_folder_with_other_things_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious", encoding="utf-8")
    with pytest.raises(ConfigError, match="not empty"):
        Run(tmp_path).claim({})


def test_a_run_killed_before_it_said_what_it_is_can_begin_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.states.mkdir()
    (run.states / ".run.json.1.tmp").write_text("{", encoding="utf-8")
    run.claim({"processes": 1})
    with pytest.raises(ConfigError, match="processes"):
        run.claim({"processes": 2})
