"""Exports that go wrong: what is left out, what is refused, what goes on where it stopped, and nothing half there."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from instar.errors import ConfigError, DataError, MismatchError
from instar.files import read_json
from instar.progress import silent
from instar.robot import Robot
from instar.shards import LeftOut
from instar.storing.manifest import stored_robot
from instar.storing.pieces import PIECES, ExportSummary, Order, Piece, export
from instar.storing.recording import Recording
from tests.storing.made import ARM, Made, use


@dataclass(frozen=True)
class Lines:
    """A format of one line an episode; it can be made to stop in the middle of everything."""

    cut_most: int = 99  # episodes before it is interrupted
    torn: bool = False  # interrupted while the pieces are laid together
    wide: int = 0

    @property
    def format(self) -> str:
        return "lines"

    @property
    def options(self) -> Mapping[str, Any]:
        return {"wide": self.wide}

    def require(self, robot: Robot) -> None:
        if robot.name != "ur5":
            raise ConfigError("only for ur5")

    def cut(self, recording: Recording, folder: Path) -> Mapping[str, Any]:
        if len(list(folder.parent.glob("0*"))) >= self.cut_most:
            raise KeyboardInterrupt
        for camera in recording.robot.cameras:
            assert list(recording.images(camera))
        (folder / "line").write_text(f"{recording.id} {recording.task}\n")
        return {"wide": self.wide}

    def assemble(self, pieces: Sequence[Piece], robot: Robot, out: Path) -> None:
        (out / "lines").mkdir()
        (out / "lines/all.txt").write_text("".join((piece.folder / "line").read_text() for piece in pieces))
        if self.torn:
            raise KeyboardInterrupt


def exported(out: Path, layout: Lines = Lines(), **options: Any) -> ExportSummary:
    order = Order("made", out, None, "refuse", 1)
    return export(replace(order, **options), layout, silent)


@pytest.fixture(autouse=True)
def _made(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made())


def text(out: Path) -> str:
    return (out / "lines/all.txt").read_text()


WHOLE = "made/0 push it\nmade/1 pull it\nmade/2 push it\nmade/3 lift it\n"


def test_says_what_a_folder_holds(tmp_path: Path) -> None:
    found = exported(tmp_path / "out")
    assert (found.episodes, found.resumed, found.steps, found.left_out) == (4, 0, 14, ())
    assert text(tmp_path / "out") == WHOLE
    told = read_json(tmp_path / "out/manifest.json")
    assert (told["kind"], told["layout"], told["demos"]["name"]) == ("dataset", "lines", "made")
    assert stored_robot(tmp_path / "out", ["wrist"]) == replace(ARM, cameras=ARM.cameras[1:])
    assert not (tmp_path / "out" / PIECES).exists()


def test_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        exported(tmp_path, Lines(cut_most=2))
    assert not (tmp_path / "manifest.json").exists()
    assert not (tmp_path / "lines").exists()
    found = exported(tmp_path)
    assert (found.episodes, found.resumed) == (4, 2)
    assert text(tmp_path) == WHOLE


def test_what_was_half_laid_together_is_laid_anew(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        exported(tmp_path, Lines(torn=True))
    assert not (tmp_path / "manifest.json").exists()
    assert (exported(tmp_path).resumed, text(tmp_path)) == (4, WHOLE)


def test_a_whole_folder_stays_as_it_is(tmp_path: Path) -> None:
    exported(tmp_path)
    before = (tmp_path / "lines/all.txt").stat().st_mtime_ns
    found = exported(tmp_path, Lines(cut_most=0))
    assert (found.episodes, found.resumed, found.steps) == (4, 4, 14)
    assert (tmp_path / "lines/all.txt").stat().st_mtime_ns == before


def test_only_the_first_so_many(tmp_path: Path) -> None:
    assert exported(tmp_path, episodes=2).episodes == 2
    with pytest.raises(ConfigError, match="episodes must be at least 1"):
        exported(tmp_path, episodes=0)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    exported(tmp_path / "out")
    for options in ({"layout": Lines(wide=3)}, {"episodes": 2}, {"slots": "names"}):
        with pytest.raises(ConfigError, match=r"holds another export \(see plan\.json\)"):
            exported(tmp_path / "out", **options)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letters.txt").touch()
    for name in ("mine", "mine/letters.txt"):
        with pytest.raises(ConfigError, match="is not empty and holds no export"):
            exported(tmp_path / name)


def test_damaged_episodes_are_left_out_and_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made(wrong={"made/0": "torn", "made/2": "size"}))
    found = exported(tmp_path)
    assert text(tmp_path) == "made/1 pull it\nmade/3 lift it\n"
    first, second = found.left_out
    assert first == LeftOut("made/0", "made/0: torn in two")
    assert second.reason.startswith("step 1: the picture by camera wrist is 9x8")
    assert read_json(tmp_path / "manifest.json")["left_out"][1]["id"] == "made/2"
    assert exported(tmp_path).left_out == found.left_out


def test_nothing_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made(lengths=()))
    with pytest.raises(DataError, match="no episode can be read: the source has no episodes"):
        exported(tmp_path / "a")
    use(monkeypatch, Made(lengths=(2,), wrong={"made/0": "torn"}))
    with pytest.raises(DataError, match="no episode can be read: made/0: torn in two"):
        exported(tmp_path / "b")
    use(monkeypatch, Made(lengths=(2, 2), wrong={"made/0": "size", "made/1": "size"}))
    with pytest.raises(DataError, match=r"none of 2 episodes can be stored; made/0: step 1: the picture"):
        exported(tmp_path / "c")


def test_two_robots_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Made(wrong={"made/2": "robot"}))
    with pytest.raises(MismatchError, match="the first episode ur5, episode made/2 panda"):
        exported(tmp_path)
    assert not (tmp_path / "manifest.json").exists()


def test_what_a_format_cannot_hold_is_refused_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, Made(wrong={"made/0": "robot"}))
    with pytest.raises(ConfigError, match="only for ur5"):
        exported(tmp_path)


def test_a_disk_that_fails_ends_the_run(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Full(Lines):
        def cut(self, recording: Recording, folder: Path) -> Mapping[str, Any]:
            raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match="disk full"):
        exported(tmp_path, Full())
    shutil.rmtree(tmp_path / PIECES)
    assert exported(tmp_path).episodes == 4
