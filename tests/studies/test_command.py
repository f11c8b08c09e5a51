"""What every study's command does around its work."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from instar.errors import ConfigError
from instar.progress import Progress
from studies import command
from studies.command import carry_out, logged


@dataclass(frozen=True)
class Small:
    """A study of how often a word is said."""

    word: str = "la"
    times: int = 2
    write: bool = True


def _sung(study: Small, progress: Progress) -> str:
    if study.times < 1:
        raise ConfigError("times=0: say it at least once")
    progress(1, study.times, study.word)
    return study.word * study.times


def _page(study: Small, song: str, said: str) -> str:
    return f"{said}: {song}" if study.word else ""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results page, elsewhere."""
    page = tmp_path / "results.md"
    monkeypatch.setattr(command, "RESULTS", page)
    return page


def _carried_out(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["song", *words])
    return carry_out("our_song", __doc__, Small, _sung, _page)


def test_a_study_has_its_section_of_the_results(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _carried_out(monkeypatch, "--times", "3") == 0
    told = "python -m studies.our_song --times 3: lalala"
    assert capsys.readouterr().out == f"{told}\n"
    assert f"<!-- our song -->\n{told}\n<!-- end of our song -->" in results.read_text()


@pytest.mark.parametrize("words", [("--no-write",), ("--word", "")])
def test_nothing_is_written_unasked_or_half(results: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    assert _carried_out(monkeypatch, *words) == 0
    assert not results.exists()


def test_what_is_wrong_is_said_in_a_line(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _carried_out(monkeypatch, "--times", "0") == 2
    assert capsys.readouterr().err.splitlines()[-1] == "studies.our_song: times=0: say it at least once"
    assert not results.exists()


def test_a_log_is_not_flooded(capsys: pytest.CaptureFixture[str]) -> None:
    rare, every = logged(1000), logged(0)
    for done in range(3):
        rare(done, 3, "rare")
        every(done, 3, "every")
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == ["0/3 rare", "0/3 every", "1/3 every", "2/3 every"]
