"""What the doctor says of an interpreter that should have LIBERO."""

import shutil
import sys
from pathlib import Path

import pytest

from instar.doctor import DoctorConfig, examine
from instar.findings import Finding
from instar.simulators.apart.examination import About
from instar.simulators.libero import Libero, examination
from instar.simulators.libero.examination import NEEDED
from instar.simulators.libero.options import CHECKOUT
from tests.simulators.libero.stand_in import needs_the_real_one, write_clone, write_interpreter


def subjects(findings: list[Finding]) -> dict[str, Finding]:
    """Findings by what they are about."""
    return {finding.subject: finding for finding in findings}


def test_an_interpreter_without_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKOUT, raising=False)
    found = subjects(examine(DoctorConfig(plugin=f"libero:python={sys.executable}")))
    assert found["robosuite"].remedy == f'{sys.executable} -m pip install --no-deps "robosuite==1.4.0"'
    assert found["numba"].remedy == f'{sys.executable} -m pip install "numba"'
    assert found["libero"].remedy.startswith("git clone https://github.com/Lifelong-Robot-Learning/LIBERO")
    assert "episode" not in found  # nothing is started before everything is there


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that has all that is needed, and a machine that can draw."""
    about = {one.module: "1.4.0" if one.module == "robosuite" else "1.0" for one in NEEDED}
    found = About((3, 11, 0), {**about, "gym": None, "gymnasium": "1.0"}, "")
    monkeypatch.setattr(examination, "asked", lambda *_: found)
    monkeypatch.setenv("MUJOCO_GL", "egl")


@pytest.mark.usefixtures("whole")
def test_one_that_has_it_begins_an_episode(tmp_path: Path) -> None:
    clone, python = write_clone(tmp_path / "LIBERO"), write_interpreter(tmp_path)
    found = subjects(Libero(str(python), str(clone)).examine())
    assert {finding.level for finding in found.values()} == {"ok"}
    assert "libero_object/0 begins and waits" in found["episode"].text


@pytest.mark.usefixtures("whole")
def test_models_and_textures_that_are_missing_are_said(tmp_path: Path) -> None:
    clone, python = write_clone(tmp_path / "LIBERO"), write_interpreter(tmp_path)
    shutil.rmtree(clone / "libero" / "libero" / "assets")
    found = subjects(Libero(str(python), str(clone)).examine())
    assert found["assets"].level == "error"
    assert found["assets"].remedy.startswith("git clone https://github.com/")
    assert "episode" not in found


@needs_the_real_one
def test_the_real_one_is_whole() -> None:
    found = subjects(Libero().examine())
    assert not [finding for finding in found.values() if finding.level == "error"]
    assert "begins and waits" in found["episode"].text
