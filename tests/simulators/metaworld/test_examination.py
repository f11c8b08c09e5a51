"""What the doctor says of an interpreter that should have Meta-World."""

import sys
from pathlib import Path

import pytest

from instar.doctor import DoctorConfig, examine
from instar.findings import Finding
from instar.simulators.apart import child
from tests.simulators.metaworld.stand_in import write_interpreter


def subjects(findings: list[Finding]) -> dict[str, Finding]:
    """Findings by what they are about."""
    return {finding.subject: finding for finding in findings}


def test_an_interpreter_without_it_is_told_what_to_install() -> None:
    found = subjects(examine(DoctorConfig(plugin=f"metaworld:python={sys.executable}")))
    assert found["metaworld"].remedy == f'{sys.executable} -m pip install "metaworld==3.1.1"'
    assert found["interpreter"].level == "ok"
    assert "episode" not in found  # nothing is started before everything is there


def test_one_that_has_it_plays_an_episode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "egl")
    found = subjects(examine(DoctorConfig(plugin=f"metaworld:python={write_interpreter(tmp_path)}")))
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["metaworld"].text == "3.1.1"
    assert "its scripted policy solves reach-v3/0" in found["episode"].text


def test_another_version_is_said(tmp_path: Path) -> None:
    program = write_interpreter(tmp_path)
    about = tmp_path / "metaworld-3.1.1.dist-info" / "METADATA"
    about.write_text(about.read_text().replace("3.1.1", "2.0.0"))
    found = subjects(examine(DoctorConfig(plugin=f"metaworld:python={program}")))
    assert found["version"].level == "warn"
    assert found["version"].remedy.endswith('-m pip install "metaworld==3.1.1"')


def test_a_machine_that_cannot_draw_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "drawn_with", lambda: "")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    found = subjects(examine(DoctorConfig(plugin=f"metaworld:python={write_interpreter(tmp_path)}")))
    assert found["graphics"].level == "error"
    assert found["graphics"].remedy.startswith("apt-get install libegl1")
