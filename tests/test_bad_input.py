"""Bad input is one line that says what, where and what to do, exit code 2, and nothing already written is lost."""

import hashlib
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from instar import cli
from tests.vima_layout import Contents, write_vima


@dataclass(frozen=True)
class Said:
    """How a verb ended and what it printed."""

    code: int
    out: str
    err: str


Instar = Callable[..., Said]


@pytest.fixture
def instar(capsys: pytest.CaptureFixture[str]) -> Instar:
    """Run a verb in this process."""

    def run(*arguments: str | Path) -> Said:
        code = cli.run(["--quiet" if word == "-q" else str(word) for word in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


def assert_refused(said: Said, *words: str) -> None:
    """Check that a verb ended with one line that holds `words`."""
    assert said.code == 2, said
    assert said.err.count("\n") == 1, said.err
    assert said.err.startswith("instar: ")
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err


def shards(folder: Path) -> dict[str, str]:
    """Every shard and the hash of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.parquet")}


def test_a_truncated_zip(instar: Instar, tmp_path: Path) -> None:
    whole = write_vima(tmp_path / "vima.zip", zipped=True)
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-100])
    assert_refused(instar("build", "--demos", f"vima:{cut}", "--out", tmp_path / "samples"), "cut.zip", "cut short")


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


def test_a_pickle_that_calls_the_system(instar: Instar, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"

    def set_trap(contents: Contents) -> None:
        contents["trajectory.pkl"] = pickle.dumps(_Trap(sprung))

    demos = write_vima(tmp_path / "demos", episodes=1, change=set_trap)
    assert_refused(
        instar("build", "--demos", f"vima:{demos}", "--out", tmp_path / "samples", "--strict"), "system", "rotate"
    )
    assert not sprung.exists()


def test_an_episode_with_a_missing_frame(instar: Instar, tmp_path: Path) -> None:
    demos = write_vima(tmp_path / "demos", episodes=6)
    next(demos.rglob("000001/rgb_front/1.jpg")).unlink()
    build = ("build", "--demos", f"vima:{demos}", "--workers", "1", "--episodes-per-shard", "2", "--out")
    assert_refused(instar(*build, tmp_path / "strict", "--strict"), "000001", "1.jpg")
    lenient = instar(*build, tmp_path / "samples", "--json")
    assert lenient.code == 0
    left_out = json.loads(lenient.out)["left_out"]
    assert len(left_out) == 1
    assert "1.jpg" in json.dumps(left_out)


def test_a_full_disk_keeps_what_is_written(instar: Instar, tmp_path: Path) -> None:
    out = tmp_path / "samples"
    build = ["build", "--demos", "tabletop:tasks=rotate,episodes=12", "--episodes-per-shard", "4", "--workers", "1"]
    small = 8_000  # bytes a file may have: less than a shard of these episodes

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (small, small))

    assert instar(*build, "--out", tmp_path / "whole").code == 0
    full = subprocess.run(
        [sys.executable, "-m", "instar.cli", *build, "--out", str(out)],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=limit,
    )
    assert_refused(Said(full.returncode, full.stdout, full.stderr), "too large")
    assert instar(*build, "--out", out).code == 0
    assert shards(out) == shards(tmp_path / "whole")


def test_an_unknown_plugin_option(instar: Instar, tmp_path: Path) -> None:
    out = tmp_path / "samples"
    assert_refused(instar("build", "--demos", "tabletop:epsodes=2", "--out", out), "epsodes", "did you mean 'episodes'")
    assert_refused(instar("build", "--demos", "tabletop:episodes=few", "--out", out), "episodes", "few")
    assert_refused(instar("eval", "--policy", "random:seeds=1", "--out", out), "seeds", "did you mean 'seed'")
    assert not out.exists()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model with a card."""
    folder = tmp_path_factory.mktemp("checkpoint")
    demos = "tabletop:tasks=rotate,episodes=2"
    assert cli.run(["build", "--demos", demos, "--workers", "1", "--out", str(folder / "samples")]) == 0
    train = ["train", "--samples", str(folder / "samples"), "--model", "tiny:llava", "--steps", "0", "--freeze"]
    assert cli.run([*train, "--out", str(folder / "model")]) == 0
    return folder / "model"


def test_a_checkpoint_without_a_card(instar: Instar, checkpoint: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for path in checkpoint.iterdir():
        if path.name != "card.json":
            (bare / path.name).symlink_to(path)
    assert_refused(instar("eval", "--policy", bare, "--out", tmp_path / "run"), "card.json", str(bare))


def test_a_policy_whose_robot_disagrees(instar: Instar, checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in checkpoint.iterdir():
        (other / path.name).symlink_to(path)
    card = json.loads((checkpoint / "card.json").read_text())
    card["robot"]["actions"]["units"][0] = "mm"
    card["robot"]["cameras"][0]["world_to_pixel"][0][1] += 10
    (other / "card.json").unlink()
    (other / "card.json").write_text(json.dumps(card))
    bench = "tabletop:tasks=rotate,per_task=1"
    assert_refused(
        instar("eval", "--policy", other, "--benchmark", bench, "--out", tmp_path / "run"),
        "units",
        "mm",
        "world_to_pixel",
    )
