"""What this machine lacks to run the arm, and what to type for it."""

import os
from collections.abc import Iterator
from importlib import metadata

from instar.errors import InstarError
from instar.findings import Finding
from instar.simulators.arm.engine import EXTRA, PACKAGES, VARIABLE, drawing, mujoco
from instar.simulators.arm.render import painter


def examine() -> Iterator[Finding]:
    """The package, the library it draws with, and one picture, in the order in which to mend them."""
    try:
        version = metadata.version("mujoco")
    except metadata.PackageNotFoundError:
        yield Finding("error", "mujoco", "not installed", EXTRA)
        return
    try:
        mujoco()
    except InstarError as error:
        yield Finding("error", "mujoco", str(error), f"unset {VARIABLE}, or apt install {PACKAGES}")
        return
    yield Finding("ok", "mujoco", version)
    chosen, found = os.environ.get(VARIABLE, ""), drawing()
    try:
        painter(64, 128)
    except InstarError as error:
        yield Finding("error", "pictures", str(error), f"apt install {PACKAGES}")
        return
    yield Finding("ok", "pictures", f"drawn by {chosen or found or 'the window system'}")
