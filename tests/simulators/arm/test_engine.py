"""MuJoCo as it is found on machines that have, or lack, what it needs."""

import ctypes.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from instar.errors import PluginError
from instar.simulators.arm import engine
from tests.simulators.arm.playing import needs_mujoco

ROOT = Path(__file__).parents[3]
linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere MuJoCo always has a way to draw")


@linux
@pytest.mark.parametrize(
    ("there", "found"),
    [({"EGL", "OSMesa"}, "egl"), ({"OSMesa"}, "osmesa"), (set(), "")],
)
def test_the_library_to_draw_with_is_looked_for(monkeypatch: pytest.MonkeyPatch, there: set[str], found: str) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so" if name in there else None)
    assert engine.drawing() == found


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(PluginError, match=r'pip install "instar\[mujoco\]"'):
        engine.mujoco()


def test_the_remedy_names_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    assert "apt install libegl1 libegl-mesa0 libgl1-mesa-dri" in engine.remedy()


def test_plugins_load_without_mujoco() -> None:
    code = (
        "import sys; sys.modules['mujoco'] = None\n"
        "from instar import plugins\n"
        "for kind in ('simulators', 'demos', 'benchmarks'): plugins.make(kind, 'arm')\n"
        "print(len(plugins.make('benchmarks', 'arm').episodes()))"
    )
    assert int(_run(code)) > 0


@needs_mujoco
@linux
@pytest.mark.skipif(not engine.drawing(), reason="no GL library that draws without a window")
def test_mujoco_is_told_how_to_draw_before_it_is_imported() -> None:
    code = "import os\nfrom instar.simulators.arm.engine import mujoco\nmujoco(); print(os.environ['MUJOCO_GL'])"
    assert _run(code) == engine.drawing()


@needs_mujoco
def test_without_a_library_the_arm_moves_and_says_why_there_are_no_pictures() -> None:
    code = (
        "import ctypes.util; ctypes.util.find_library = lambda name: None\n"
        "from instar.errors import SimulatorError\n"
        "from instar.simulator import Task\n"
        "from instar.simulators.arm import Arm\n"
        "arm = Arm(); _, seen = arm.reset(Task('open_drawer', 'seen'), 0)\n"
        "arm.step(arm.expert().act([None])[0].actions[0])\n"
        "for look in (lambda: seen.images['front'], lambda: seen.images['wrist']):\n"
        "    try: look()\n"
        "    except SimulatorError as error: print('libegl1 libegl-mesa0 libgl1-mesa-dri' in str(error))\n"
    )
    # As on a machine without a window system: there, MuJoCo's own way to draw fails.
    if sys.platform != "linux":
        pytest.skip("elsewhere MuJoCo always has a way to draw")
    assert _run(code).split() == ["True", "True"]


def _run(code: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("MUJOCO_GL", "DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()
