"""The steps of an episode, each put together when somebody asks for it, and its pictures read when somebody looks."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Generic, TypeVar, overload

import cv2
import numpy as np

from instar.demo import Box, Image, Observation, Pixels, SceneObject, Step
from instar.demos.archive import Archive
from instar.demos.masks import boxes
from instar.embodiments.vima import HEIGHT, WIDTH
from instar.errors import DataError
from instar.robot import Floats

Source = TypeVar("Source")


def objects_in(names: Sequence[SceneObject], masks: Mapping[str, Pixels]) -> tuple[SceneObject, ...]:
    """The objects of `names` in that order, each with its box in every segmentation (by camera) that shows it."""
    found = boxes(list(masks.values()), [thing.id for thing in names])
    return placed(names, dict(zip(masks, found, strict=True)))


def placed(names: Sequence[SceneObject], found: Mapping[str, Mapping[int, Box]]) -> tuple[SceneObject, ...]:
    """The objects of `names` in that order, each with its box from every camera that has `found` it."""
    return tuple(
        [
            SceneObject(
                thing.id,
                thing.shape,
                thing.texture,
                {camera: seen[thing.id] for camera, seen in found.items() if thing.id in seen},
            )
            for thing in names
        ]
    )


class Pictures(Mapping[str, Image], Generic[Source]):
    """The pictures of one moment by camera, each made of what it is made of at the first look at it."""

    def __init__(self, sources: Mapping[str, Source], make: Callable[[Source], Image]) -> None:
        self._sources = sources
        self._make = make
        self._seen: dict[str, Image] = {}

    def __getitem__(self, camera: str) -> Image:
        if camera not in self._seen:
            self._seen[camera] = self._make(self._sources[camera])
        return self._seen[camera]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def from_planes(planes: Pixels) -> Image:
    """The picture that has red, green and blue (3, H, W) apart."""
    return Image.of(np.asarray(cv2.merge([*planes]), dtype=np.uint8))


def from_file(archive: Archive, name: str) -> Image:
    """The picture in the file called `name`, as its bytes. Raises DataError as far as these tell that it is damaged."""
    return Image.encoded(_read_jpeg(archive, name))


def _read_jpeg(archive: Archive, name: str) -> bytes:
    """The bytes of a picture that is whole and of the camera's size, as far as its first and last bytes tell."""
    data = archive.read(name)
    if not data.startswith(b"\xff\xd8") or not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise DataError(f"{archive.path}: {name}: {len(data)} bytes that are no whole JPEG")
    size = _jpeg_size(data)
    if size != (HEIGHT, WIDTH):
        found = "without a size" if size is None else f"of {size[0]}x{size[1]} pixels"
        raise DataError(f"{archive.path}: {name}: a JPEG {found}; the camera's pictures are {HEIGHT}x{WIDTH}")
    return data


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Height and width from the frame header (ITU T.81, B.2.2), found by hopping from segment to segment."""
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(data[place + 5 : place + 7]), int.from_bytes(data[place + 7 : place + 9])
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return None


@dataclass(frozen=True, eq=False)
class Record:
    """What the pickles of an episode say about its T steps and T + 1 frames."""

    names: Sequence[SceneObject]  # without boxes
    actions: Floats  # (T, 6)
    tools: Floats  # (T + 1,), 0 suction cup, 1 spatula
    masks: Mapping[str, Pixels]  # by camera: (T + 1, H, W) object ids

    @cached_property
    def objects(self) -> Sequence[tuple[SceneObject, ...]]:
        """The objects of every frame with their boxes, which are measured together."""
        frames = range(len(self.tools))
        found = boxes(list(self.masks.values()), [thing.id for thing in self.names])
        by_camera = {camera: found[k * len(frames) : (k + 1) * len(frames)] for k, camera in enumerate(self.masks)}
        return [placed(self.names, {camera: seen[t] for camera, seen in by_camera.items()}) for t in frames]


class Steps(Sequence[Step]):
    """T steps with an action and a last one without; boxes are measured when a step is first asked for."""

    def __init__(self, archive: Archive, id: str, record: Record) -> None:
        self._archive = archive
        self._id = id
        self._record = record
        self._made: dict[int, Step] = {}

    def __len__(self) -> int:
        return len(self._record.tools)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        if isinstance(index, slice):
            return [self[t] for t in range(len(self))[index]]
        t = range(len(self))[index]
        if t not in self._made:
            self._made[t] = self._make(t)
        return self._made[t]

    def _make(self, t: int) -> Step:
        masks = {camera: frames[t] for camera, frames in self._record.masks.items()}
        files = {camera: f"{self._id}/{frame_name(camera, t)}" for camera in masks}
        observation = Observation(
            Pictures(files, partial(from_file, self._archive)),
            self._record.tools[t : t + 1],
            self._record.objects[t],
            masks,
        )
        return Step(observation, self._record.actions[t] if t < len(self._record.actions) else None)


def frame_name(camera: str, t: int) -> str:
    """The file of frame `t` below an episode's folder."""
    return f"rgb_{camera}/{t}.jpg"
