"""What decides the bytes of a samples folder, and the folder that is claimed for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from instar.errors import ConfigError
from instar.files import MANIFEST, canonical_json, is_temporary, read_json, sweep, write_json
from instar.samples import PLAN


def claim(folder: Path, plan: Mapping[str, Any]) -> None:
    """Make `folder` the place of this plan, or find that it is already. Raises ConfigError if it is another's."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; samples go into a folder")
    held = {path.name for path in folder.iterdir() if not is_temporary(path)} if folder.exists() else set()
    if PLAN in held and len(held) > 1:
        _require_same(folder, read_json(folder / PLAN), plan)
    elif held <= {PLAN}:  # a plan of which nothing was built yet may change
        write_json(folder / PLAN, plan)
    else:
        raise ConfigError(f"{folder}: holds something other than samples; choose a new or an empty folder")
    sweep(folder)


def claim_several(folder: Path, sources: Mapping[str, Any]) -> None:
    """Make `folder` the place of the folders of these sources, by name. Raises ConfigError if it is another's."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file; samples go into a folder")
    held = {path.name for path in folder.iterdir() if not is_temporary(path)} if folder.exists() else set()
    if PLAN in held:
        _require_same(folder, read_json(folder / PLAN), {"sources": sources})
    elif held:
        raise ConfigError(f"{folder}: holds something other than these samples; choose a new or an empty folder")
    (folder / MANIFEST).unlink(missing_ok=True)  # until all of them are built
    write_json(folder / PLAN, {"sources": sources})
    sweep(folder)


def _require_same(folder: Path, there: Any, plan: Mapping[str, Any]) -> None:
    there = there if isinstance(there, dict) else {}
    differing = [key for key in plan if there.get(key) != plan[key]]
    if differing:
        told = "; ".join(
            f"{key} {canonical_json(there.get(key))} there, {canonical_json(plan[key])} now" for key in differing
        )
        raise ConfigError(f"{folder}: holds another build: {told}; build into a new folder")
