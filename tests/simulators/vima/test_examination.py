"""What the doctor says of an interpreter that should have VIMA-Bench."""

import sys
from pathlib import Path

import pytest

from instar.doctor import DoctorConfig, examine
from instar.errors import PluginError
from instar.findings import Finding
from instar.simulators.vima import VimaBench
from instar.simulators.vima.examination import packages
from instar.simulators.vima.simulator import CHECKOUT
from tests.simulators.vima.stand_in import needs_the_real_one, real_one, write_checkout

WHOLE = {
    "numpy": "1.26.4",
    "pybullet": "3.2.7",
    "cv2": "?",
    "omegaconf": "2.3.0",
    "transforms3d": "0.4.2",
    "importlib_resources": "6.4",
    "gym": None,
    "gymnasium": "1.0",
}


def subjects(findings: list[Finding]) -> dict[str, Finding]:
    """Findings by what they are about."""
    return {finding.subject: finding for finding in findings}


def test_an_interpreter_without_pybullet_is_told_what_to_install(tmp_path: Path) -> None:
    found = subjects(VimaBench(sys.executable, str(write_checkout(tmp_path))).examine())
    assert found["interpreter"].text.startswith(".".join(map(str, sys.version_info[:3])))
    assert found["vima_bench"] == Finding("ok", "vima_bench", str(tmp_path / "vima_bench"))
    assert found["opencv-python-headless"].level == "ok"
    assert found["omegaconf"].level == "error"
    assert found["omegaconf"].remedy == f'{sys.executable} -m pip install "omegaconf"'
    assert "episode" not in found  # nothing is started before everything is there


def test_an_interpreter_without_the_benchmark_is_told_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKOUT, raising=False)
    found = subjects(VimaBench(sys.executable).examine())
    assert found["vima_bench"].level == "error"
    assert found["vima_bench"].remedy.startswith("git clone https://github.com/vimalabs/VIMABench")


def test_every_package_that_is_missing_has_its_command() -> None:
    assert {one.level for one in packages(WHOLE, "/opt/a python")} == {"ok"}
    for name in set(WHOLE) - {"gym", "gymnasium"}:
        [broken] = [one for one in packages({**WHOLE, name: None}, "/opt/a python") if one.level != "ok"]
        assert broken.level == "error"
        assert broken.remedy.startswith("'/opt/a python' -m pip install \"")
    [none] = [one for one in packages({**WHOLE, "gymnasium": None}, "python") if one.level != "ok"]
    assert (none.subject, none.remedy) == ("gym", "python -m pip install gymnasium")
    assert subjects(list(packages({**WHOLE, "gym": "0.21.0"}, "python")))["gym"].text == "gym 0.21.0"


def test_numpy_2_runs_but_rounds_otherwise() -> None:
    found = subjects(list(packages({**WHOLE, "numpy": "2.1.0"}, "python")))["numpy"]
    assert (found.level, found.remedy) == ("warn", 'python -m pip install "numpy<2" "opencv-python-headless<4.12"')


def test_what_is_no_interpreter_is_said(tmp_path: Path) -> None:
    for text in ("#!/bin/sh\necho no Python >&2\n", "#!/bin/sh\necho '{'\n", "nothing that runs"):
        (tmp_path / "python").write_text(text)
        (tmp_path / "python").chmod(0o755)
        [finding] = VimaBench(str(tmp_path / "python")).examine()
        assert finding.level == "error"
        assert str(tmp_path / "python") in finding.text


def test_the_doctor_examines_plugins_by_their_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHECKOUT, raising=False)
    found = subjects(examine(DoctorConfig(plugin=f"vima:python={sys.executable}")))
    assert found["vima_bench"].level == "error"
    with pytest.raises(PluginError, match="'llara' needs nothing but its packages"):
        examine(DoctorConfig(plugin="llara"))
    with pytest.raises(PluginError, match="no plugin of any kind is called 'vimas'"):
        examine(DoctorConfig(plugin="vimas"))


@needs_the_real_one
def test_the_real_one_is_whole() -> None:
    found = subjects(real_one().examine())
    assert not [finding for finding in found.values() if finding.level == "error"]
    assert "its oracle solves rotate/0" in found["episode"].text
