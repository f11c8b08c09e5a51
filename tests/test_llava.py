"""Out to LLaVA's files and back in: the same conversations about the same bytes, by the command line."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from instar.build import BuildConfig, build
from instar.cli import run
from instar.llava import ExportConfig, ImportConfig, export, import_json
from instar.samples import Samples
from tests.vima_layout import write_vima

REAL = Path(__file__).parents[2] / "shared" / "data" / "vima_sample.zip"

needs_sample = pytest.mark.skipif(not REAL.exists(), reason="the sample of VIMA-Data is not here")

Told = tuple[str, tuple[tuple[str, str, bool], ...], tuple[tuple[str, int, str], ...]]


def told(folder: Path) -> Counter[Told]:
    """Kind, turns and pictures of every sample, as often as they come."""
    return Counter(
        (
            sample.kind,
            tuple((turn.role, turn.text, turn.learn) for turn in sample.conversation.turns),
            tuple(
                (shown.name, shown.number, image.digest)
                for shown, image in zip(sample.shows, sample.conversation.images, strict=True)
            ),
        )
        for row in Samples.open(folder)
        for sample in row.samples
    )


def there_and_back(demos: str, recipe: str, folder: Path, auxiliary: tuple[str, ...] = ("all",)) -> None:
    build(BuildConfig(demos, folder / "samples", recipe, auxiliary, workers=1))
    summary = export(ExportConfig(folder / "samples", folder / "out"))
    files = tuple(str(folder / "out" / name) for name in summary.files)
    import_json(ImportConfig(files, folder / "back", folder / "out/images", recipe, "vima", workers=1))
    assert told(folder / "back") == told(folder / "samples")


@needs_sample
@pytest.mark.parametrize("recipe", ["llara", "llara:compat=true,visual=true", "llara:actions=bins,compat=true"])
def test_published_demonstrations_come_back_as_they_went(recipe: str, tmp_path: Path) -> None:
    there_and_back(f"vima:{REAL}", recipe, tmp_path)
    back, gone = (Samples.open(tmp_path / name).manifest for name in ("back", "samples"))
    assert (back.counts, back.recipe, back.robot) == (gone.counts, gone.recipe, gone.robot)


def test_what_comes_back_goes_out_as_the_same_bytes(tmp_path: Path) -> None:
    there_and_back(f"vima:{write_vima(tmp_path / 'vima', episodes=6)}", "llara:visual=true", tmp_path)
    again = export(ExportConfig(tmp_path / "back", tmp_path / "again"))
    for name in again.files:
        first, second = (sorted(json.loads((tmp_path / out / name).read_text()), key=str) for out in ("out", "again"))
        assert first == second
    pictures = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out/images").rglob("*.*")]
    assert pictures
    assert all((tmp_path / "again" / path).read_bytes() == (tmp_path / "out" / path).read_bytes() for path in pictures)


def said(capsys: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    """What a command answers."""
    assert run([*map(str, arguments), "--json", "--quiet"]) == 0, capsys.readouterr().err
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def test_the_whole_way_by_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demos, samples, out = write_vima(tmp_path / "vima", episodes=3), tmp_path / "samples", tmp_path / "out"
    said(capsys, "build", "--demos", f"vima:{demos}", "--auxiliary", "all", "--out", samples, "--workers", 1)
    options = ("--samples", samples, "--out", out, "--mixture", "D", "--mixture-seed", 7, "--split", "train-toy")
    (name,) = said(capsys, "export", "llava", *options)["files"]
    assert name.startswith("D-inBC-text-multi_aux-obj_det_")
    assert name.endswith("_aux-tmp_rel1_1_1_1_1_1-train-toy-front.json")
    back = ("--images", out / "images", "--out", tmp_path / "back", "--recipe", "llara", "--robot", "vima")
    found = said(capsys, "import", "llava", out / name, *back)
    assert sum(found["counts"].values()) == 7 * (1 + 2 + 3)
    assert found["acts"] is True
    assert said(capsys, "inspect", tmp_path / "back")["facts"]["conversations"] == 7 * 6


def test_says_what_to_export_and_what_to_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export"]) == 2
    assert "instar export llava" in capsys.readouterr().err
    assert run(["import", "llava", str(tmp_path / "no.json"), "--out", str(tmp_path / "samples")]) == 2
    assert "no.json: no such file or folder" in capsys.readouterr().err
