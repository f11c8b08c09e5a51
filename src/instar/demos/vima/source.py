"""Which VIMA episodes there are, and the one that is asked for."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from typing_extensions import Doc

from instar.demo import Episode, original
from instar.demos.archive import Archive
from instar.demos.vima.episode import read_episode
from instar.demos.vima.subset import Subset, read_subset, spelt
from instar.errors import ConfigError, DataError
from instar.files import digest

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
    duplicates: Annotated[
        Literal["drop", "repeat"],
        Doc("an episode that the subset lists again: used once, or as often as listed, as LLaRA's converter does"),
    ] = "drop"

    def ids(self) -> Sequence[str]:
        """The ids of all chosen episodes by task and index, from the listing alone; each once.

        Repeated episodes are called "vima_v6/rotate/000000~2" and so on. A listed episode that is not there stays in
        and is refused when it is read, so that it is counted as missing.
        """
        there = self._there()
        times = dict.fromkeys(there, 1) if self.subset is None else Counter(spelt(self._subset().keys, there))
        chosen = sorted(_of_tasks(self, list(times), there), key=_order)
        if not set(chosen) & set(there):
            raise DataError(f"{self.path}: none of its {len(there)} episodes is chosen by subset and tasks")
        if self.duplicates == "drop":
            return chosen
        return [id if k == 1 else f"{id}~{k}" for id in chosen for k in range(1, times[id] + 1)]

    def episode(self, id: str) -> Episode:
        """One episode, its pictures unread. Raises DataError that says what is damaged and where."""
        return replace(read_episode(Archive(self.path), self._folder(id)), id=id)

    def fingerprint(self) -> str:
        """A hash of the chosen ids and the listing of their files."""
        ids = self.ids()
        return digest([list(ids), Archive(self.path).fingerprint(list(dict.fromkeys(map(self._folder, ids))))])

    def remarks(self) -> Sequence[str]:
        """What is odd about the subset's list: repetitions, overlaps with other lists, and episodes not there."""
        if self.subset is None:
            return ()
        subset, there = self._subset(), set(self._there())
        missing = dict.fromkeys(id for id in map(self._folder, self.ids()) if id not in there)
        if not missing:
            return subset.remarks()
        told = f"{len(missing):,} of the episodes that {subset.path} lists are not there, first {next(iter(missing))}"
        return (*subset.remarks(), f"{self.path}: {told}")

    def _folder(self, id: str) -> str:
        """Where the episode lies, which copies share with the first."""
        return original(id) if self.duplicates == "repeat" else id

    def _there(self) -> list[str]:
        there = [folder for folder in Archive(self.path).folders(MARK) if folder != "."]
        if not there:
            raise DataError(f"{self.path}: no episode in it: no folder below the root has a {MARK}")
        return there

    def _subset(self) -> Subset:
        assert self.subset is not None
        return read_subset(self.subset, self.split)


def _of_tasks(source: Vima, ids: Sequence[str], there: Sequence[str]) -> Sequence[str]:
    """Those of `ids` that belong to a wanted task."""
    wanted = {task for task in source.tasks.split("+") if task}
    known = {_task(episode) for episode in there}
    if not wanted <= known:
        unknown = ", ".join(sorted(wanted - known))
        raise ConfigError(f"{source.path}: no task {unknown} in it; there are: {', '.join(sorted(known))}")
    return [episode for episode in ids if not wanted or _task(episode) in wanted]


def _task(id: str) -> str:
    return id.split("/")[-2] if "/" in id else ""


def _order(id: str) -> tuple[list[str], int, str]:
    *above, index = id.split("/")
    return above, int(index) if index.isdecimal() else -1, index
