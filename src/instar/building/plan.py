"""What decides the bytes of a samples folder, and the folder that is claimed for it."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instar.errors import ConfigError
from instar.files import canonical_json, read_json, write_json
from instar.samples import PLAN

logger = logging.getLogger(__name__)


def claim(folder: Path, plan: Mapping[str, Any]) -> None:
    """Make `folder` the place of this plan, or find that it is already. Raises ConfigError if it is another's."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; samples go into a folder")
    held = {path.name for path in folder.iterdir() if not _is_temporary(path)} if folder.exists() else set()
    if PLAN in held and len(held) > 1:
        _require_same(folder, read_json(folder / PLAN), plan)
    elif held <= {PLAN}:  # a plan of which nothing was built yet may change
        write_json(folder / PLAN, plan)
    else:
        raise ConfigError(f"{folder}: holds something other than samples; choose a new or an empty folder")
    _sweep(folder)


def _require_same(folder: Path, there: Any, plan: Mapping[str, Any]) -> None:
    there = there if isinstance(there, dict) else {}
    differing = [key for key in plan if there.get(key) != plan[key]]
    if differing:
        told = "; ".join(
            f"{key} {canonical_json(there.get(key))} there, {canonical_json(plan[key])} now" for key in differing
        )
        raise ConfigError(f"{folder}: holds another build: {told}; build into a new folder")


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".tmp")


def _sweep(folder: Path) -> None:
    """Remove what killed runs had begun to write; `.name.<process id>.tmp` of a process that lives is left alone."""
    for path in folder.iterdir():
        if _is_temporary(path) and not _alive(path.name.split(".")[-2]):
            logger.info("removing %s, left by a run that was killed", path)
            path.unlink(missing_ok=True)


def _alive(process: str) -> bool:
    if not process.isdecimal() or int(process) == os.getpid():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
