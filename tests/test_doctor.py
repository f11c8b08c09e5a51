"""What the doctor says of machines, real and described."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from instar import doctor, plugins
from instar.console import exit_code
from instar.doctor import DoctorConfig, Requirement, examine
from instar.findings import Finding


def subjects(findings: list[Finding]) -> dict[str, Finding]:
    """Findings by what they are about."""
    return {finding.subject: finding for finding in findings}


def test_this_machine_can_run_the_tests_that_run_on_it() -> None:
    found = subjects(examine())
    for subject in ("python", "numpy", "pyarrow", "opencv-python-headless", "jinja2", "processor"):
        assert found[subject].level == "ok", found[subject]
    assert found["python"].text.startswith(".".join(map(str, sys.version_info[:3])))
    assert "llara" in found["plugins recipes"].text


def test_every_problem_comes_with_a_remedy() -> None:
    assert all(finding.remedy for finding in examine() if finding.level != "ok")


def test_progress_names_what_is_looked_at() -> None:
    notes: list[str] = []
    examine(progress=lambda _done, _total, note: notes.append(note))
    assert "loading recipes" in notes


@pytest.mark.parametrize(
    ("line", "name", "bounds", "extra"),
    [
        ("numpy>=1.26", "numpy", ">=1.26", ""),
        ('torch<2.14,>=2.6; extra == "train"', "torch", "<2.14,>=2.6", "train"),
        ("ray (>=2.50) ; extra == 'ray'", "ray", ">=2.50", "ray"),
        ('types-PyYAML; extra == "dev"', "types-PyYAML", "", "dev"),
        ("uvicorn[standard]>=0.3", "uvicorn", ">=0.3", ""),
    ],
)
def test_reads_requirements_as_packages_state_them(line: str, name: str, bounds: str, extra: str) -> None:
    assert Requirement.parse(line) == Requirement(name, bounds, extra)


@pytest.mark.parametrize(
    ("bounds", "version"),
    [(">=2.6,<2.14", "2.13.0+cpu"), (">=5,<6", "5.0rc1"), ("==1.2", "1.2.0"), ("<=1.2", "1.2"), ("", "0.0")],
)
def test_knows_which_versions_will_do(bounds: str, version: str) -> None:
    assert Requirement("thing", bounds, "").admits(version)


@pytest.mark.parametrize(
    ("bounds", "version"),
    [(">=2.6,<2.14", "2.14.0"), (">=2.6,<2.14", "2.5.1"), ("<6,>=5.0", "6"), (">1.2", "1.2.0"), ("<=1.2", "1.2.1")],
)
def test_knows_which_versions_will_not_do(bounds: str, version: str) -> None:
    assert not Requirement("thing", bounds, "").admits(version)


def packages(lines: list[str], installed: dict[str, str]) -> dict[str, Finding]:
    """What is said of requirements on a machine with only these packages."""
    return subjects(list(doctor.packages([Requirement.parse(line) for line in lines], installed.get)))


def test_a_missing_extra_is_a_warning_with_the_command_that_installs_it() -> None:
    found = packages(['torch>=2.6; extra == "train"', 'peft>=0.18; extra == "train"'], {"torch": "2.7"})
    assert found["extra train"] == Finding("warn", "extra train", "not installed: peft", 'pip install "instar[train]"')


def test_a_wrong_version_is_an_error_that_names_both() -> None:
    found = packages(['torch<2.14; extra == "train"', "numpy>=1.26"], {"torch": "2.15.0", "numpy": "1.24.4"})
    assert found["extra train"].level == "error"
    assert "torch 2.15.0 (needs <2.14)" in found["extra train"].text
    assert found["numpy"] == Finding("error", "numpy", "1.24.4, but instar needs >=1.26", 'pip install "numpy>=1.26"')


def test_tools_for_developers_are_missed_by_nobody() -> None:
    assert packages(['ruff; extra == "dev"'], {})["extra dev"].level == "ok"


def test_two_packages_that_write_one_module_are_found() -> None:
    both = {"opencv-python": "4.10", "opencv-python-headless": "4.10"}
    [finding] = doctor.rivals(both.get)
    assert "cv2" in finding.text
    assert finding.remedy.startswith("pip uninstall opencv-python")
    assert not list(doctor.rivals({"opencv-python-headless": "4.10"}.get))


def test_a_gpu_that_torch_cannot_use_is_an_error() -> None:
    line = "NVIDIA H100 80GB HBM3, 81559 MiB, 80000 MiB, 550.54"
    gpu, torch = doctor.accelerators([line], "2.13.0+cpu")
    assert gpu.text == "NVIDIA H100 80GB HBM3, 81559 MiB (80000 MiB free), driver 550.54"
    assert (torch.level, torch.subject) == ("error", "torch")
    assert [finding.level for finding in doctor.accelerators([line], "2.13.0+cu128")] == ["ok"]


def test_a_folder_that_does_not_exist_yet_is_on_its_parents_disk(tmp_path: Path) -> None:
    found = subjects(examine(DoctorConfig(tmp_path / "not" / "yet")))
    assert str(tmp_path) in found["disk"].text
    assert "not/yet" not in found["disk"].text


def test_a_full_disk_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK", 1 << 62)
    assert doctor.disk(tmp_path).level == "warn"


def test_small_shared_memory_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SHARED", 1 << 62)
    [finding] = doctor.shared_memory(tmp_path)
    assert "bus error" in finding.text
    assert not list(doctor.shared_memory(tmp_path / "nowhere"))


def test_plugins_that_do_not_load_are_told_from_those_that_need_an_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "doctors_patient_a.py").write_text("raise RuntimeError('no licence')\n")
    (tmp_path / "doctors_patient_b.py").write_text("import ray.no_such_module_of_ray as ray\n")
    monkeypatch.syspath_prepend(tmp_path)
    kind = "recipes"
    entries = {name: EntryPoint(name, f"doctors_patient_{name}:Recipe", f"instar.{kind}") for name in ("a", "b")}
    monkeypatch.setattr(plugins, "_installed", lambda which: entries if which == kind else {})
    found = subjects(examine())
    assert found[f"plugin {kind}/a"].level == "error"
    assert found[f"plugin {kind}/a"].text == "RuntimeError while it is imported: no licence"
    assert found[f"plugin {kind}/b"] == Finding(
        "warn",
        f"plugin {kind}/b",
        "recipe 'b' needs the module 'ray.no_such_module_of_ray'",
        'pip install "instar[ray]"',
    )
    assert found[f"plugins {kind}"].text == "none"


def test_the_worst_finding_decides_the_exit_code() -> None:
    findings = [Finding("ok", "a", ""), Finding("error", "b", ""), Finding("warn", "c", "")]
    assert (exit_code(findings), exit_code(findings[::2]), exit_code([])) == (2, 0, 0)
    assert findings[1].to_json() == {"level": "error", "subject": "b", "text": "", "remedy": ""}
