"""What `instar doctor arm` says."""

from importlib import metadata

import pytest

from instar.doctor import DoctorConfig, examine
from instar.errors import SimulatorError
from instar.simulators.arm import examination
from tests.simulators.arm.playing import needs_mujoco, needs_pictures


@needs_pictures
def test_all_is_well_where_pictures_can_be_drawn() -> None:
    findings = examine(DoctorConfig(plugin="arm"))
    assert [(finding.level, finding.subject) for finding in findings] == [("ok", "mujoco"), ("ok", "pictures")]
    assert findings[0].text == metadata.version("mujoco")


def test_a_missing_package_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    [finding] = examination.examine()
    assert (finding.level, finding.remedy) == ("error", 'pip install "instar[mujoco]"')


@needs_mujoco
def test_a_missing_library_is_an_error_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_size: int) -> None:
        raise SimulatorError("MuJoCo cannot draw pictures here")

    monkeypatch.setattr(examination, "painter", fail)
    finding = list(examination.examine())[-1]
    assert (finding.level, finding.subject) == ("error", "pictures")
    assert finding.remedy == "apt install libegl1 libegl-mesa0 libgl1-mesa-dri"
