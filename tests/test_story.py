"""The whole road by the real command line: demonstrations, samples, a checkpoint, runs, a comparison, a report."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUICK = ("--steps", "2", "--batch", "2", "--freeze", "--precision", "float32", "--loader-workers", "0")
WORLD = "tabletop:tasks=rotate+visual_manipulation,suites=placement,per_task=2"
DEMOS = "tabletop:tasks=rotate+visual_manipulation,episodes=4"


def instar(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a verb as a user would."""
    done = subprocess.run(
        [sys.executable, "-m", "instar.cli", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    return done


def said(*arguments: str | Path) -> Any:
    """What a verb says as JSON."""
    return json.loads(instar(*arguments, "--json").stdout)


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything from demonstrations to two runs."""
    road = tmp_path_factory.mktemp("road")
    instar("collect", "--demos", DEMOS, "--out", road / "demos")
    instar(
        "build", "--demos", f"vima:{road / 'demos'}", "--auxiliary", "all", "--out", road / "samples", "--workers", "1"
    )
    instar("train", "--samples", road / "samples", "--model", "tiny:llava", "--out", road / "checkpoint", *QUICK)
    for policy in (road / "checkpoint", "expert", "random"):
        out = road / "runs" / Path(policy).name
        instar("eval", "--policy", policy, "--benchmark", WORLD, "--out", out, "--workers", "1")
    return road


def test_samples_hold_every_kind(road: Path) -> None:
    described = said("inspect", road / "samples")
    text = json.dumps(described)
    for kind in ("llara", "obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel"):
        assert kind in text


def test_the_expert_solves_what_the_untrained_does_not(road: Path) -> None:
    expert = said("inspect", road / "runs" / "expert")
    assert "4" in json.dumps(expert)
    compared = said("compare", road / "runs" / "expert", road / "runs" / "random")["comparison"]
    assert compared["n"] == 4
    assert compared["rate_a"] == 1.0


def test_a_constrained_model_is_always_readable(road: Path) -> None:
    rows = [json.loads(line) for line in (road / "runs" / "checkpoint" / "episodes.jsonl").read_text().splitlines()]
    assert len(rows) == 4
    assert not [row for row in rows if row["outcome"] in ("unreadable", "crashed")]


def test_the_report_is_one_page(road: Path) -> None:
    page = road / "report.html"
    instar("report", "--runs", *sorted((road / "runs").iterdir()), "--out", page)
    text = page.read_text()
    assert "expert" in text
    assert "random" in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_a_model_can_be_asked(road: Path) -> None:
    picture = next((road / "demos").rglob("rgb_front/0.jpg"))
    asked = ("ask", "--checkpoint", road / "checkpoint", "--image", picture, "--out", road / "answer.png")
    assert said(*asked, "What is here?").keys() == {"question", "reply", "found", "out"}
    assert (road / "answer.png").exists()


def test_the_same_again_changes_nothing(road: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (road / "samples").iterdir()}
    instar(
        "build", "--demos", f"vima:{road / 'demos'}", "--auxiliary", "all", "--out", road / "samples", "--workers", "2"
    )
    assert {path: path.stat().st_mtime_ns for path in (road / "samples").iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("bild",), "did you mean 'build'"),
        (("build", "--demos", "vima:nowhere.zip", "--out", "x"), "nowhere.zip"),
        (("build", "--demos", "tabletop:episode=3", "--out", "x"), "did you mean 'episodes'"),
        (("eval", "--policy", "nowhere", "--out", "x"), "nowhere"),
        (("inspect", "nowhere"), "nowhere"),
        (("compare", "a", "b"), "no run here"),
        (("check", "recipes", "lara"), "did you mean 'llara'"),
        (("list", "recipe"), "did you mean 'recipes'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = instar(*(str(tmp_path / "x") if word == "x" else word for word in arguments), code=2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_help_is_there_without_torch() -> None:
    script = "import sys; from instar import cli; cli.run(['--help']); cli.run(['list']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.endswith("False\n")
