"""Which VIMA episodes there are, and the one that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typing_extensions import Doc

from instar.demo import Episode
from instar.demos.archive import Archive
from instar.demos.vima.episode import read_episode
from instar.errors import ConfigError, DataError
from instar.files import digest, read_json

MARK = "trajectory.pkl"  # a folder with this file is an episode


@dataclass(frozen=True)
class Vima:
    """Episodes in the layout of VIMA's raw data set (Jiang et al., ICML 2023).

    Every folder with a trajectory.pkl is an episode, however deep; its id is its path below the root, which is
    "vima_v6/<task>/<index>" in the published zip file.
    """

    path: Annotated[Path, Doc("the zip file, or the folder that it was unpacked to")]
    tasks: Annotated[str, Doc("only these tasks, joined by +, e.g. rotate+twist; empty for all")] = ""
    subset: Annotated[Path | None, Doc('JSON file with ids to use: a list, or {"train": [...], "val": [...]}')] = None
    split: Annotated[str, Doc("which list of the subset file")] = "train"

    def ids(self) -> Sequence[str]:
        """The ids of all chosen episodes by task and index, from the listing alone; each once.

        A listed episode that is not there stays in and is refused when it is read, so that it is counted as missing.
        """
        there = [folder for folder in Archive(self.path).folders(MARK) if folder != "."]
        if not there:
            raise DataError(f"{self.path}: no episode in it: no folder below the root has a {MARK}")
        ids = there if self.subset is None else _listed(self.subset, self.split, there)
        chosen = sorted(set(_of_tasks(self, ids, there)), key=_order)
        if not set(chosen) & set(there):
            raise DataError(f"{self.path}: none of its {len(there)} episodes is chosen by subset and tasks")
        return chosen

    def episode(self, id: str) -> Episode:
        """One episode, its pictures unread. Raises DataError that says what is damaged and where."""
        return read_episode(Archive(self.path), id)

    def fingerprint(self) -> str:
        """A hash of the chosen ids and the listing of their files."""
        ids = self.ids()
        return digest([list(ids), Archive(self.path).fingerprint(ids)])


def _of_tasks(source: Vima, ids: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    """Those of `ids` that belong to a wanted task."""
    wanted = {task for task in source.tasks.split("+") if task}
    known = {_task(episode) for episode in there}
    if not wanted <= known:
        unknown = ", ".join(sorted(wanted - known))
        raise ConfigError(f"{source.path}: no task {unknown} in it; there are: {', '.join(sorted(known))}")
    return [episode for episode in ids if not wanted or _task(episode) in wanted]


def _listed(subset: Path, split: str, there: Sequence[str]) -> list[str]:
    """The ids in a subset file, as they are spelt here: the root may lie above or below `vima_v6`."""
    value = read_json(subset)
    if isinstance(value, dict):
        if split not in value:
            raise ConfigError(f"{subset}: no list {split!r} in it; there are: {', '.join(sorted(value))}")
        value = value[split]
    if not isinstance(value, list) or not all(isinstance(key, str) and "/" in key for key in value):
        raise DataError(f'{subset}: should be a list of episode ids such as "vima_v6/rotate/000000"')
    here = {_tail(episode): episode for episode in there}
    return [here.get(_tail(key), str(key)) for key in value]


def _tail(id: str) -> str:
    return "/".join(id.split("/")[-2:])


def _task(id: str) -> str:
    return id.split("/")[-2] if "/" in id else ""


def _order(id: str) -> tuple[list[str], int, str]:
    *above, index = id.split("/")
    return above, int(index) if index.isdecimal() else -1, index
