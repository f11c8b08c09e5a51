"""Claiming a folder: ours, nobody's, or somebody else's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from instar.building.plan import claim
from instar.errors import ConfigError

PLAN = {"seed": 0, "recipe": {"name": "llara"}}


def temporary(folder: Path, process: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f".views-00003.parquet.{process}.tmp"
    path.write_bytes(b"half a shard")
    return path


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_a_folder_is_claimed_once_and_found_again(tmp_path: Path) -> None:
    claim(tmp_path / "new", PLAN)
    before = (tmp_path / "new" / "plan.json").read_bytes()
    claim(tmp_path / "new", PLAN)
    assert (tmp_path / "new" / "plan.json").read_bytes() == before


def test_a_plan_of_which_nothing_was_built_may_change(tmp_path: Path) -> None:
    claim(tmp_path, PLAN)
    claim(tmp_path, PLAN | {"seed": 1})
    assert json.loads((tmp_path / "plan.json").read_text())["seed"] == 1


def test_another_plan_is_refused_and_every_difference_named(tmp_path: Path) -> None:
    claim(tmp_path, PLAN)
    (tmp_path / "views-00000.parquet").touch()
    with pytest.raises(ConfigError, match=r'seed 0 there, 1 now; recipe .*"llara".* there, .*"llarva".* now'):
        claim(tmp_path, {"seed": 1, "recipe": {"name": "llarva"}})


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("\\chapter{}")
    with pytest.raises(ConfigError, match="something other than samples"):
        claim(tmp_path, PLAN)
    with pytest.raises(ConfigError, match="is a file"):
        claim(tmp_path / "thesis.tex", PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_what_killed_runs_left_behind_is_removed(tmp_path: Path) -> None:
    left = temporary(tmp_path, dead_process())
    claim(tmp_path, PLAN)
    assert not left.exists()
    left = temporary(tmp_path, dead_process())
    claim(tmp_path, PLAN)
    assert not left.exists()


def test_what_a_living_process_is_writing_stays(tmp_path: Path) -> None:
    theirs = temporary(tmp_path, os.getppid())
    claim(tmp_path, PLAN)
    assert theirs.exists()
