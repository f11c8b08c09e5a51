"""One episode of RLBench: three pickles that are read and not run, and the pictures beside them.

`low_dim_obs.pkl` is an `rlbench.demo.Demo`, a list of `Observation`s; its pictures lie in folders of their own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from instar.demos.archive import Archive
from instar.demos.unpickle import Stranger, loads
from instar.errors import DataError
from instar.robot import Camera, Floats

DEMO: Final = "low_dim_obs.pkl"
WORDS: Final = "variation_descriptions.pkl"
CAMERAS: Final = ("front", "left_shoulder", "right_shoulder", "overhead", "wrist")
MOVING: Final = "wrist"  # the camera that the arm carries: its map is another one in every step

_STRANGERS: Final = ("rlbench", "pyrep")


@dataclass(frozen=True, eq=False)
class Recording:
    """What the pickle of an episode tells."""

    where: str
    observations: Sequence[Mapping[str, object]]  # attributes by name

    @classmethod
    def read(cls, archive: Archive, id: str) -> "Recording":
        """The recording in folder `id`. Raises DataError if it is none or names anything but RLBench's own types."""
        where = f"{archive.path}: {id}/{DEMO}"
        demo = loads(archive.read(f"{id}/{DEMO}"), where, _STRANGERS)
        listed = _attributes(demo).get("_observations", demo)
        observations = [_attributes(one) for one in listed] if isinstance(listed, list) else []
        if not all("joint_positions" in one for one in observations) or not observations:
            raise DataError(f"{where}: not a list of RLBench's observations")
        return cls(where, observations)

    def numbers(self, name: str, width: int) -> Floats:
        """An attribute of every observation, (T, width). Raises DataError where it is of another width or missing."""
        rows = []
        for t, observation in enumerate(self.observations):
            try:
                row = np.asarray(observation.get(name), np.float64).reshape(-1)
            except (TypeError, ValueError) as error:
                raise DataError(f"{self.where}: {name} of step {t} is no numbers") from error
            if row.shape != (width,):
                raise DataError(f"{self.where}: {name} of step {t} has {len(row)} numbers; expected {width}")
            rows.append(row)
        return np.stack(rows)

    def camera(self, name: str, height: int, width: int) -> Camera:
        """A camera with its map from the world, where the recording has it and the camera stands still."""
        told = self.observations[0].get("misc")
        told = told if isinstance(told, dict) else {}
        inside, outside = (told.get(f"{name}_camera_{part}") for part in ("intrinsics", "extrinsics"))
        if name == MOVING or not isinstance(inside, np.ndarray) or not isinstance(outside, np.ndarray):
            return Camera(name, height, width)
        if inside.shape != (3, 3) or outside.shape != (4, 4):
            raise DataError(f"{self.where}: camera {name} has a map of {inside.shape} and {outside.shape}")
        # Extrinsics take the camera's points to the world's; the focal lengths of PyRep are negative.
        matrix = inside.astype(np.float64) @ np.linalg.inv(outside.astype(np.float64))[:3]
        rows = [(float(a), float(b), float(c), float(d)) for a, b, c, d in matrix]
        return Camera(name, height, width, tuple(rows))


def words(archive: Archive, id: str) -> list[str]:
    """How the task may be told: beside the episode, or once for all episodes of its variation."""
    variation = id.rpartition("/episodes/")[0]
    for folder in (id, variation):
        if not archive.missing(folder, [WORDS]):
            where = f"{archive.path}: {folder}/{WORDS}"
            told = loads(archive.read(f"{folder}/{WORDS}"), where)
            if isinstance(told, list) and told and all(isinstance(one, str) for one in told):
                return told
            raise DataError(f"{where}: should be a list of sentences, is {told!r:.60}")
    raise DataError(f"{archive.path}: neither {id} nor {variation or 'the folder above'} has a {WORDS}")


def _attributes(value: object) -> Mapping[str, object]:
    state = value.state if isinstance(value, Stranger) else None
    return state if isinstance(state, dict) else {}
