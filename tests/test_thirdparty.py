"""A package by somebody else adds a world and a recipe, and the whole road runs on them without a change here."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a scratch environment into which pip installed the package; all else it borrows from ours."""
    scratch = tmp_path_factory.mktemp("scratch")
    venv.create(scratch, with_pip=False)
    python = scratch / "bin" / "python"
    inside = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    borrowed = [sysconfig.get_path("purelib"), str(Path(__file__).parent.parent / "src")]
    Path(inside, "borrowed.pth").write_text("\n".join(borrowed))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    copy = scratch / "package"
    subprocess.run(["cp", "-r", str(PACKAGE), str(copy)], check=True)
    subprocess.run([*pip, "--no-build-isolation", str(copy)], check=True, capture_output=True)
    return python


def instar(python: Path, *arguments: str) -> str:
    """Run a verb in the scratch environment; what it prints."""
    done = subprocess.run(
        [python, "-m", "instar.cli", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_its_plugins_are_listed_beside_ours(python: Path) -> None:
    listed = {(entry["kind"], entry["name"]) for entry in json.loads(instar(python, "list", "--json"))}
    assert {("recipes", "compass"), ("simulators", "pointworld"), ("recipes", "llara")} <= listed


@pytest.mark.parametrize("kind", ["demos", "recipes", "simulators", "benchmarks"])
def test_it_conforms(python: Path, kind: str) -> None:
    name = "compass" if kind == "recipes" else "pointworld"
    assert "error" not in instar(python, "check", kind, name, "--demos", "pointworld")


def test_the_whole_road_runs_on_it(python: Path, tmp_path: Path) -> None:
    samples, checkpoint = str(tmp_path / "samples"), str(tmp_path / "checkpoint")
    instar(python, "build", "--demos", "pointworld", "--recipe", "compass", "--out", samples, "--workers", "1")
    quick = ["--steps", "2", "--batch", "2", "--freeze", "--precision", "float32", "--loader-workers", "0"]
    instar(python, "train", "--samples", samples, "--model", "tiny:llava", "--out", checkpoint, *quick)
    for policy, sure in ((checkpoint, False), ("expert", True)):
        out = str(tmp_path / Path(policy).name) + "-run"
        run = json.loads(
            instar(python, "eval", "--policy", policy, "--benchmark", "pointworld", "--out", out, "--json")
        )
        overall = run["summary"]["overall"]
        assert overall["n"] == 5
        assert not sure or overall["successes"] == 5
