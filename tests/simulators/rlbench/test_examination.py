"""What the doctor says of an interpreter that should have RLBench."""

import shutil
import sys
from pathlib import Path

import pytest

from instar.doctor import DoctorConfig, examine
from instar.findings import Finding
from instar.simulators.rlbench.options import Control
from tests.simulators.rlbench.stand_in import write_interpreter


def subjects(program: Path | str, control: Control = "joint_velocity") -> dict[str, Finding]:
    """Findings by what they are about."""
    told = DoctorConfig(plugin=f"rlbench:python={program},control={control},size=32")
    return {finding.subject: finding for finding in examine(told)}


@pytest.mark.parametrize("control", ["joint_velocity", "joint_position", "end_effector_pose"])
def test_an_interpreter_that_has_it_plays_a_step_in_every_control(tmp_path: Path, control: Control) -> None:
    found = subjects(write_interpreter(tmp_path), control)
    assert {name for name, finding in found.items() if finding.level != "ok"} == {"tasks"}
    assert "begins and takes a step: open_drawer/0" in found["episode"].text
    assert found["tasks"].level == "warn"  # the stand-in has five
    assert "13 of 18 that PerAct reports are missing: slide_block_to_color_target (slide" in found["tasks"].text
    assert "MohitShridhar/RLBench.git@peract" in found["tasks"].remedy


def test_one_without_it_is_told_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COPPELIASIM_ROOT", "LD_LIBRARY_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    found = subjects(sys.executable)
    pip = f'{sys.executable} -m pip install "git+https://github.com'
    remedies = {name: finding.remedy for name, finding in found.items() if finding.level == "error"}
    assert remedies["PyRep"] == f'{pip}/stepjam/PyRep.git"'
    assert remedies["rlbench"] == f'{pip}/MohitShridhar/RLBench.git@peract"'
    assert "CoppeliaSim_Edu_V4_1_0_Ubuntu20_04.tar.xz" in remedies["COPPELIASIM_ROOT"]
    assert remedies["LD_LIBRARY_PATH"] == "export LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$COPPELIASIM_ROOT"
    assert remedies["QT_QPA_PLATFORM_PLUGIN_PATH"] == "export QT_QPA_PLATFORM_PLUGIN_PATH=$COPPELIASIM_ROOT"
    assert "xvfb-run" in remedies["DISPLAY"]
    assert "episode" not in found  # nothing is started before everything is there


@pytest.mark.parametrize(
    ("more", "subject", "text"),
    [
        ("COPPELIASIM_ROOT=/nowhere", "COPPELIASIM_ROOT", "/nowhere: has no libcoppeliaSim.so"),
        ("unset LD_LIBRARY_PATH", "LD_LIBRARY_PATH", "its library is not found"),
        ("QT_QPA_PLATFORM_PLUGIN_PATH=/nowhere", "QT_QPA_PLATFORM_PLUGIN_PATH", "/nowhere: no such folder"),
        ("unset DISPLAY", "DISPLAY", "draws on an X server, headless too"),
    ],
)
def test_what_counts_is_what_the_interpreter_finds(tmp_path: Path, more: str, subject: str, text: str) -> None:
    found = subjects(write_interpreter(tmp_path, more))
    assert (found[subject].level, text in found[subject].text) == ("error", True)
    assert found["PyRep"].level == "ok"


def test_an_import_that_fails_there_is_said(tmp_path: Path) -> None:
    program = write_interpreter(tmp_path)
    (tmp_path / "broken/pyrep").mkdir(parents=True)
    (tmp_path / "broken/pyrep/__init__.py").write_text("import _sim_cffi\n")
    told = program.read_text().replace("PYTHONPATH='", f"PYTHONPATH='{tmp_path}/broken:")
    program.write_text(told)
    found = subjects(program)
    assert "No module named '_sim_cffi'" in found["start"].text


def test_pictures_in_which_nothing_is_drawn_are_found_out(tmp_path: Path) -> None:
    program = write_interpreter(tmp_path)
    modules = shutil.copytree(Path(__file__).with_name("stand-in"), tmp_path / "modules")
    sensor = modules / "pyrep/objects/vision_sensor.py"
    sensor.write_text(sensor.read_text().replace("return picture\n", "return 0 * picture\n"))
    program.write_text(program.read_text().replace("PYTHONPATH='", f"PYTHONPATH='{modules}:"))
    found = subjects(program)
    assert (found["pictures"].level, found["episode"].level) == ("error", "ok")
    assert "front: one shade all over" in found["pictures"].text


def test_what_is_no_python_is_said(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    assert subjects(program)["interpreter"].level == "error"
