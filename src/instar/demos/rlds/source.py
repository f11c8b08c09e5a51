"""Episodes of a dataset of TensorFlow Datasets, in the meaning that its standard gives them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from typing_extensions import Doc

from instar.demo import Episode, Image, Instruction
from instar.demos.recorded import RecordedSteps
from instar.demos.rlds.columns import Term
from instar.demos.rlds.folder import FEATURES, INFO, Columns, Folder
from instar.demos.rlds.layout import Layout, Rows
from instar.demos.rlds.standards import PLAIN, Standard, known, standard
from instar.embodiments.registry import canonical
from instar.errors import ConfigError, DataError
from instar.files import digest, digest_file, file_size
from instar.plugins import meant
from instar.robot import ActionSpace, Camera, Robot
from instar.storing import RLDS_MODULE
from instar.storing.manifest import stored_robot

MEASURED: Final = 100  # episodes, evenly spread, by which the bounds of actions are measured


@dataclass(frozen=True)
class Rlds:
    """Episodes as Open X-Embodiment ships them: a folder of TensorFlow Datasets, which is read without TensorFlow.

    What a dataset calls an action, a camera or an instruction is known of 35 of them, after OpenVLA; of others it is
    found by the usual names, or said here.
    """

    path: Annotated[Path, Doc("the folder of a dataset, or of one of its versions")]
    split: Annotated[str, Doc("which split: train, val or test")] = "train"
    standard: Annotated[str, Doc("read as this dataset is read; plain: by the usual names; empty: as its own")] = ""
    action: Annotated[str, Doc("features that make an action, joined by +: action[:6]+inverted(action[6:])")] = ""
    state: Annotated[str, Doc("features that make the state, joined by +")] = ""
    cameras: Annotated[str, Doc("only these cameras, joined by +; empty for all")] = ""

    def ids(self) -> Sequence[str]:
        """The ids of all episodes: the split, and the number in it."""
        return [f"{self.split}/{index:06d}" for index in range(len(_opened(self).folder))]

    def episode(self, id: str) -> Episode:
        """One episode, its pictures still encoded. Raises DataError that says what is damaged and where."""
        split, _, index = id.partition("/")
        dataset = _opened(self)
        if split != self.split or not index.isdecimal() or int(index) >= len(dataset.folder):
            raise DataError(f"{self.path}: no episode {id}; there are {self.split}/0 to {len(dataset.folder) - 1}")
        kept = dataset.standard.kept(dataset.folder.columns(int(index)))
        pictures = {
            camera: partial(_image, kept, name, kept.step(name)) for camera, name in dataset.standard.cameras.items()
        }
        steps = RecordedSteps(kept.where, dataset.standard.actions(kept), dataset.standard.states(kept), pictures)
        return Episode(id, dataset.robot, Instruction(_spoken(kept, dataset.standard.instruction)), steps)

    def fingerprint(self) -> str:
        """A hash of the papers and of the sizes of the files."""
        folder = _opened(self).folder
        sizes = [[path.name, file_size(path)] for path in map(folder.shard, range(len(folder.counts)))]
        return digest([sizes, *(digest_file(folder.path / name) for name in (INFO, FEATURES))])


@dataclass(frozen=True, eq=False)
class _Dataset:
    """A source that was opened: kept by each process, so that its papers are read once."""

    folder: Folder
    standard: Standard
    as_stored: bool  # nothing is read otherwise than by the usual names

    @cached_property
    def robot(self) -> Robot:
        """Who acts, with the bounds of its actions as measured; what instar exported says so itself."""
        stored = stored_robot(self.folder.path.parent, self.standard.cameras)
        if stored is not None and self.as_stored:
            return stored
        count = len(self.folder)
        chosen = sorted({int(k) for k in np.linspace(0, count - 1, min(count, MEASURED))})
        kept = [self.standard.kept(self.folder.columns(index)) for index in chosen]
        actions = np.concatenate([self.standard.actions(one) for one in kept])
        states = self.standard.states(kept[0]).shape[1]
        dim = actions.shape[1]
        space = ActionSpace(
            names=self.standard.names or tuple(f"a{k}" for k in range(dim)),
            units=self.standard.units or ("1",) * dim,
            frame="base",
            mode="delta" if self.standard.names else "absolute",
            low=tuple(actions.min(axis=0).tolist()),
            high=tuple(actions.max(axis=0).tolist()),
        )
        cameras = tuple(_camera(name, theirs, kept[0]) for name, theirs in self.standard.cameras.items())
        named = tuple(f"s{k}" for k in range(states))
        return Robot(self.standard.robot or canonical(self.folder.name), "end effector motion", space, cameras, named)


@lru_cache(maxsize=16)
def _opened(source: Rlds) -> _Dataset:
    folder = Folder(source.path, source.split)
    found = _told(source, _standard(source, folder), folder.layout)
    cameras = {name: theirs for name, theirs in found.cameras.items() if theirs in folder.layout.steps}
    wanted = [name for name in source.cameras.split("+") if name] or list(cameras)
    if unknown := sorted(set(wanted) - set(cameras)):
        raise ConfigError(f"{source.path}: no camera {', '.join(unknown)}; there are: {', '.join(cameras) or 'none'}")
    as_stored = source.standard in ("", PLAIN) and not (source.action or source.state)
    return _Dataset(folder, replace(found, cameras={name: cameras[name] for name in wanted}), as_stored)


def _standard(source: Rlds, folder: Folder) -> Standard:
    if source.standard and source.standard != PLAIN and source.standard not in known():
        raise ConfigError(
            f"{source.path}: no standard is called {source.standard!r}{meant(source.standard, [PLAIN, *known()])}"
        )
    own = PLAIN if folder.info.get("moduleName") == RLDS_MODULE else folder.name
    return standard(source.standard or own, folder.layout)


def _told(source: Rlds, found: Standard, layout: Layout) -> Standard:
    """The standard, but for what the user says otherwise."""
    if not (found.action or source.action):
        numbers = ", ".join(name for name, column in layout.steps.items() if column.kind == "numbers")
        raise ConfigError(
            f"{source.path}: no feature is called `action`; say which are: action=one+another. There are: {numbers}"
        )
    if source.action:
        terms = tuple(map(Term.parse, source.action.split("+")))
        found = replace(found, action=terms, moved=None, names=(), units=())
    if source.state:
        found = replace(found, state=tuple(map(Term.parse, source.state.split("+"))))
    return found


def _camera(name: str, feature: str, episode: Columns) -> Camera:
    height, width = _image(episode, feature, episode.step(feature), 0).pixels.shape[:2]
    return Camera(name, height, width)


def _image(episode: Columns, feature: str, rows: Rows, t: int) -> Image:
    row = rows[t]
    if not isinstance(row, np.ndarray):
        return Image.encoded(bytes(row))
    try:
        return Image.of(row)
    except DataError as error:
        raise DataError(f"{episode.where}: feature {feature}: {error}") from error


def _spoken(episode: Columns, feature: str) -> str:
    """The instruction: the same in every step, or the first that is not empty."""
    if not feature:
        return ""
    texts = dict.fromkeys(bytes(row).decode("utf-8", "replace").strip() for row in episode.step(feature))
    return next(filter(None, texts), "")
