"""MuJoCo, loaded when it is needed, and the library that it draws with.

MuJoCo decides how to draw while it is imported: by the variable MUJOCO_GL, and by a window system where that is not
set. So on Linux the libraries that draw without a window are looked for before the first import.
"""

import ctypes.util
import os
import sys
from types import ModuleType
from typing import Any, Final, TypeAlias

from instar.errors import PluginError, SimulatorError

VARIABLE: Final = "MUJOCO_GL"
BACKENDS: Final = {"egl": "EGL", "osmesa": "OSMesa"}  # by preference: MuJoCo's word and the library's name
PACKAGES: Final = "libegl1 libegl-mesa0 libgl1-mesa-dri"  # Debian's and Ubuntu's
EXTRA: Final = 'pip install "instar[mujoco]"'

# MuJoCo has no types of its own.
Model: TypeAlias = Any  # mujoco.MjModel
Data: TypeAlias = Any  # mujoco.MjData


def mujoco() -> ModuleType:
    """The module. Raises PluginError that names the extra where it is not installed."""
    loaded = sys.modules.get("mujoco")
    if loaded is not None:
        return loaded
    backend = drawing()
    if backend and not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = backend
    try:
        import mujoco as module
    except ModuleNotFoundError as error:
        raise PluginError(f"the arm needs the module {error.name!r}; install it with: {EXTRA}") from error
    except (ImportError, AttributeError) as error:  # AttributeError: MUJOCO_GL names a library that is not there
        named = os.environ.get(VARIABLE, "")
        raise PluginError(f"mujoco cannot be imported with {VARIABLE}={named!r}: {error}. {remedy()}") from error
    found: ModuleType = module
    return found


def drawing() -> str:
    """How MuJoCo can draw on Linux without a window: "egl", "osmesa", or "" where neither is there; "" elsewhere."""
    if sys.platform != "linux":
        return ""
    return next((name for name, library in BACKENDS.items() if ctypes.util.find_library(library)), "")


def require_drawing() -> None:
    """Raise SimulatorError where MuJoCo could only draw in a window and there is no window system.

    To try would end the process: MuJoCo 4.0 aborts when that has failed twice.
    """
    windows = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    if sys.platform == "linux" and os.environ.get(VARIABLE, "") not in BACKENDS and not windows:
        raise SimulatorError(f"MuJoCo cannot draw pictures here: there is no window system. {remedy()}")


def remedy() -> str:
    """What to do where pictures cannot be drawn."""
    text, found = f"Install what draws without a window: apt install {PACKAGES}", drawing()
    if found and os.environ.get(VARIABLE) != found:
        text += f"; or set {VARIABLE}={found} before anything imports mujoco"
    return text
