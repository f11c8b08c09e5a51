"""Episodes in HDF5 as robomimic lays them out: `data/demo_7/actions`, `data/demo_7/obs/agentview_image`."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
from typing_extensions import Doc

from instar.demo import Episode, Image, Instruction
from instar.demos.hdf5.layout import Dialect, dialect, instruction, robot
from instar.demos.recorded import RecordedSteps
from instar.errors import ConfigError, DataError, PluginError
from instar.files import digest, file_size
from instar.robot import ActionSpace, Camera, Floats, Robot

ENDINGS: Final = (".hdf5", ".h5")
MOTION: Final = ("x", "y", "z", "roll", "pitch", "yaw", "gripper")


@dataclass(frozen=True)
class Hdf5:
    """Episodes in HDF5 files of robomimic or LIBERO.

    An action is the motion of the end effector as a share of the controller's greatest, and the gripper, 1 open and 0
    closed; actions of another width stay as they are.
    """

    path: Annotated[Path, Doc("a file, or a folder of files")]
    mask: Annotated[str, Doc("only the episodes of this list of the files: train or valid")] = ""
    instruction: Annotated[str, Doc("what is done in all episodes, where the files do not say")] = ""
    state: Annotated[str, Doc("observations that make the state, joined by +; the arm's pose and gripper if empty")] = (
        ""
    )
    cameras: Annotated[str, Doc("only these cameras, joined by +; empty for all")] = ""

    def ids(self) -> Sequence[str]:
        """The ids of all episodes: file and number, "lift/demo_7"."""
        return list(_listed(self))

    def episode(self, id: str) -> Episode:
        """One episode, its pictures unread. Raises DataError that says what is damaged and where."""
        path = _listed(self).get(id)
        if path is None:
            raise DataError(f"{self.path}: no episode {id}; there are {len(_listed(self))}")
        name = id.rpartition("/")[2]
        with _opened(path) as file:
            return self._read(file["data"], file["data"][name], id, path)

    def fingerprint(self) -> str:
        """A hash of the chosen episodes and of the sizes of the files."""
        listed = _listed(self)
        return digest([list(listed), sorted([path.name, file_size(path)] for path in set(listed.values()))])

    def _read(self, data: Any, demo: Any, id: str, path: Path) -> Episode:
        where, speech = f"{path}: {demo.name}", dialect(data.attrs)
        actions, standard = _actions(demo, where), "actions" in demo and demo["actions"].shape[-1:] == (len(MOTION),)
        states = [_numbers(demo["obs"], name, len(actions), where) for name in self._state(demo["obs"], speech)]
        features = self._cameras(demo["obs"], speech, where)
        pictures = {
            camera: partial(_picture, path, f"{demo.name}/obs/{feature}", turned=speech.turned)
            for camera, feature in features.items()
        }
        cameras = tuple(Camera(name, *_sides(demo["obs"][feature])) for name, feature in features.items())
        dim = actions.shape[1]
        space = ActionSpace(
            names=MOTION if standard else tuple(f"a{k}" for k in range(dim)),
            units=("1",) * dim,
            frame="base",
            mode="delta" if standard else "absolute",
            low=(-1.0,) * 6 + (0.0,) if standard else (-1.0,) * dim,
            high=(1.0,) * dim,
        )
        named = tuple(f"{name}_{k}" for name, one in states for k in range(one.shape[1]))
        who = Robot(robot(path, data.attrs), "end effector motion", space, cameras, named)
        told = self.instruction or instruction(path, data.attrs)
        table = np.concatenate([np.empty((len(actions), 0)), *(one for _, one in states)], axis=1)
        return Episode(id, who, Instruction(told), RecordedSteps(where, actions, table, pictures))

    def _state(self, observed: Any, speech: Dialect) -> list[str]:
        return self.state.split("+") if self.state else [name for name in speech.state if name in observed]

    def _cameras(self, observed: Any, speech: Dialect, where: str) -> dict[str, str]:
        """The features of the wanted cameras, by our names."""
        pictures = [name for name in observed if observed[name].ndim == 4 and observed[name].shape[-1] == 3]
        cameras = {name.removesuffix(speech.picture): name for name in pictures}
        wanted = self.cameras.split("+") if self.cameras else list(cameras)
        if unknown := sorted(set(wanted) - set(cameras)):
            raise ConfigError(f"{where}: no camera {', '.join(unknown)}; there are: {', '.join(cameras) or 'none'}")
        return {name: cameras[name] for name in wanted}


def _actions(demo: Any, where: str) -> Floats:
    """The actions, (T, D): of seven dimensions the last is the gripper, which is made 1 open and 0 closed."""
    if "actions" not in demo or demo["actions"].ndim != 2:
        raise DataError(f"{where}: no table of actions")
    actions = np.asarray(demo["actions"], np.float64)
    if actions.shape[1] != len(MOTION):
        return actions
    # Theirs: -1 opens, +1 closes.
    return np.concatenate([actions[:, :6], 1 - np.clip(actions[:, 6:], 0, 1)], axis=1)


def _numbers(observed: Any, name: str, count: int, where: str) -> tuple[str, Floats]:
    if name not in observed:
        raise DataError(f"{where}: no observation {name}; there are: {', '.join(observed)}")
    values = np.asarray(observed[name], np.float64)
    if len(values) != count:
        raise DataError(f"{where}: {len(values)} rows of {name} and {count} actions")
    return name, values.reshape(count, -1)


def _sides(pictures: Any) -> tuple[int, int]:
    """Height and width."""
    return int(pictures.shape[1]), int(pictures.shape[2])


def _picture(path: Path, name: str, t: int, *, turned: bool) -> Image:
    with _opened(path) as file:
        pixels = np.asarray(file[name][t])
    return Image.of(pixels[::-1, ::-1] if turned else pixels)


@lru_cache(maxsize=16)
def _listed(source: Hdf5) -> dict[str, Path]:
    """The file of every chosen episode, by its id, in order of files and numbers."""
    paths = [source.path]
    if source.path.is_dir():
        paths = sorted(path for ending in ENDINGS for path in source.path.rglob(f"*{ending}"))
    found = {}
    for path in paths:
        stem = path.stem if path == source.path else path.relative_to(source.path).with_suffix("").as_posix()
        found.update({f"{stem}/{name}": path for name in _names(path, source.mask)})
    if not found:
        raise DataError(f"{source.path}: no episode; files end with {' or '.join(ENDINGS)}")
    return found


def _names(path: Path, mask: str) -> list[str]:
    """The episodes of a file, in order of their numbers."""
    with _opened(path) as file:
        if "data" not in file:
            raise DataError(f"{path}: no group `data`; not a file of robomimic or LIBERO")
        names = list(file["data"])
        if mask:
            lists = list(file["mask"]) if "mask" in file else []
            if mask not in lists:
                raise ConfigError(f"{path}: no list {mask} of episodes; there are: {', '.join(lists) or 'none'}")
            names = [name.decode() for name in file["mask"][mask]]
    return sorted(names, key=lambda name: [int(part) if part.isdecimal() else 0 for part in re.split(r"(\d+)", name)])


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise PluginError('what reads HDF5 comes with: pip install "instar[hdf5]"') from error
    try:
        with h5py.File(path, "r") as file:
            yield file
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file or folder") from error
    except (OSError, KeyError, RuntimeError) as error:
        raise DataError(f"{path}: not a whole HDF5 file of demonstrations: {error}") from error
