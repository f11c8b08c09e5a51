"""Demonstrations as everyone in the house sees them: episodes of steps, and the context a policy may look at."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal, Protocol, TypeVar, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from instar.errors import DataError
from instar.robot import Floats, Robot

Pixels = NDArray[np.uint8]
Point = tuple[float, float]  # (u, v) in continuous pixel coordinates
Value = TypeVar("Value")


class ByCamera(Mapping[str, Value]):
    """Values by camera, each found when it is first asked for; pickled and copied as a plain dict of all of them."""

    def __init__(self, cameras: Collection[str], find: Callable[[str], Value | None], *, partial: bool = False) -> None:
        """`find` gives the value of one of `cameras`; where `partial`, None leaves the camera out."""
        self._cameras, self._find, self._partial = cameras, find, partial
        self._found: dict[str, Value | None] = {}

    def __getitem__(self, camera: str) -> Value:
        if camera not in self._found:
            if camera not in self._cameras:
                raise KeyError(camera)
            self._found[camera] = self._find(camera)
        value = self._found[camera]
        if value is None:
            raise KeyError(camera)
        return value

    def __contains__(self, camera: object) -> bool:
        return camera in self._cameras and (not self._partial or self.get(str(camera)) is not None)

    def __iter__(self) -> Iterator[str]:
        return (camera for camera in self._cameras if camera in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[dict[str, Value]], tuple[dict[str, Value]]]:
        return dict, (dict(self),)


class Image:
    """A picture that stays encoded until somebody asks for its pixels, and is encoded only if somebody asks for bytes.

    So a JPEG from disk goes into a samples folder as the same bytes, and a rendered frame reaches a model untouched.
    Equal pictures have equal `digest`; the two constructors are `Image.encoded` and `Image.of`.
    """

    __slots__ = ("_data", "_digest", "_pixels")

    def __init__(self, data: bytes | None, pixels: Pixels | None) -> None:
        assert data is not None or pixels is not None
        self._data = data
        self._pixels = pixels
        self._digest: str | None = None

    @classmethod
    def encoded(cls, data: bytes) -> "Image":
        """A picture from PNG or JPEG bytes; damage shows only when the pixels are asked for."""
        return cls(data, None)

    @classmethod
    def of(cls, pixels: Pixels) -> "Image":
        """A picture from RGB pixels (H, W, 3) uint8."""
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise DataError(f"an image must be (H, W, 3) uint8 RGB; got {pixels.shape} {pixels.dtype}")
        pixels = np.ascontiguousarray(pixels)
        pixels.flags.writeable = False
        return cls(None, pixels)

    @property
    def pixels(self) -> Pixels:
        """RGB (H, W, 3) uint8, read-only. Raises DataError if the bytes are no picture."""
        if self._pixels is None:
            assert self._data is not None
            decoded = cv2.imdecode(np.frombuffer(self._data, np.uint8), cv2.IMREAD_COLOR_RGB) if self._data else None
            if decoded is None:
                raise DataError(f"{len(self._data)} bytes that should be a PNG or JPEG cannot be decoded")
            pixels = np.asarray(decoded, dtype=np.uint8)
            pixels.flags.writeable = False
            self._pixels = pixels
        return self._pixels

    def require_whole(self) -> None:
        """Raise DataError if `pixels` would, without working them out: three times as fast, and nothing is kept."""
        if self._pixels is None and not _opens(self._data or b""):
            _ = self.pixels  # tells what is wrong

    @property
    def data(self) -> bytes:
        """The encoded bytes: as they came, or lossless PNG for a picture made from pixels."""
        if self._data is None:
            assert self._pixels is not None
            done, buffer = cv2.imencode(".png", cv2.cvtColor(self._pixels, cv2.COLOR_RGB2BGR))
            assert done
            self._data = buffer.tobytes()
        return self._data

    def jpeg(self, quality: int) -> bytes:
        """JPEG bytes: as they came for a picture that is a JPEG already, else made from its pixels."""
        if self._data is not None and self._data.startswith(b"\xff\xd8"):
            return self._data
        bgr = cv2.cvtColor(self.pixels, cv2.COLOR_RGB2BGR)
        done, buffer = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        assert done
        return buffer.tobytes()

    @property
    def digest(self) -> str:
        """A short hash of the encoded bytes: names the picture in rows, caches and seeds."""
        if self._digest is None:
            self._digest = hashlib.blake2b(self.data, digest_size=16).hexdigest()
        return self._digest

    def __reduce__(self) -> tuple[type["Image"], tuple[bytes | None, Pixels | None]]:
        return (Image, (self._data, None) if self._data is not None else (None, self._pixels))


def _opens(data: bytes) -> bool:
    # Every byte is decoded; what the smallest size spares is to turn all of it into pixels.
    return bool(data) and cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_8) is not None


@dataclass(frozen=True, slots=True)
class Box:
    """The visible extent of an object in one picture, as inclusive pixel indices."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class SceneObject:
    """One object of a scene and where each camera sees it; only where the source knows the truth."""

    id: int  # its value in the segmentation; constant over an episode
    shape: str  # "letter A", "bowl"
    texture: str = ""  # "red swirl"; empty where the source has one name only
    boxes: Mapping[str, Box] = field(default_factory=dict)  # by camera; a camera that cannot see it is left out

    @property
    def name(self) -> str:
        """What people call it: texture and shape."""
        return f"{self.texture} {self.shape}" if self.texture else self.shape


@dataclass(frozen=True, eq=False)
class Reference:
    """A picture that an instruction points to, with the objects in it."""

    kind: Literal["object", "scene"]  # one object alone, or a whole scene
    images: Mapping[str, Image]  # by camera
    objects: tuple[SceneObject, ...] = ()
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)  # by camera: (H, W) object ids


@dataclass(frozen=True, eq=False)
class Instruction:
    """What to do: words, with a `{slot}` wherever a reference picture stands in for words."""

    text: str
    references: Mapping[str, Reference] = field(default_factory=dict)  # by slot, in order of the source


@dataclass(frozen=True, eq=False)
class Observation:
    """What the robot senses at one step."""

    images: Mapping[str, Image]  # by camera
    state: Floats  # (S,), dimensions named by Robot.state
    objects: tuple[SceneObject, ...] = ()
    segmentation: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)  # by camera: (H, W) object ids
    effector: Mapping[str, Point] = field(default_factory=dict)  # by camera: where the end effector was seen


@dataclass(frozen=True, eq=False)
class Step:
    """An observation and the action taken on it; the last step of an episode may have none."""

    observation: Observation
    action: Floats | None  # (dim,) in the units of the robot's ActionSpace


@dataclass(frozen=True, eq=False)
class Context:
    """All that a policy may look at. Training cuts it from an episode, a rollout accumulates it: the same thing."""

    robot: Robot
    instruction: Instruction
    observation: Observation
    past: tuple[Step, ...] = ()  # the steps just before this one, oldest first, at most as many as the recipe asks for
    t: int = 0  # steps taken so far in the episode, also where `past` is shorter

    def after(self, action: Floats, observation: Observation, past: int) -> "Context":
        """The context once `action` was taken and `observation` seen, remembering the last `past` steps."""
        steps = (*self.past, Step(self.observation, action))
        return replace(self, observation=observation, past=steps[len(steps) - min(past, len(steps)) :], t=self.t + 1)


@dataclass(frozen=True, eq=False)
class View:
    """One look at the world in an episode: a frame, or a reference picture of its instruction."""

    key: str  # "3" for frame 3, "a_scene" for the reference in slot `scene`
    images: Mapping[str, Image]
    objects: tuple[SceneObject, ...]
    t: int | None  # the frame's step; None for a reference picture


@dataclass(frozen=True, eq=False)
class Episode:
    """One demonstration. `steps` may be lazy; index it rather than copy it."""

    id: str  # stable: the same episode has the same id in every process and on every machine
    robot: Robot
    instruction: Instruction
    steps: Sequence[Step]
    success: bool | None = None  # None where the source does not say

    @cached_property
    def length(self) -> int:
        """Number of actions; there may be one more observation than that."""
        count = len(self.steps)
        return count if count == 0 or self.steps[count - 1].action is not None else count - 1

    def action(self, t: int) -> Floats:
        """The action of step `t`, (dim,). Raises DataError where the episode has none."""
        action = self.steps[t].action if t < len(self.steps) else None
        if action is None:
            raise DataError(f"{self.id}: step {t} has no action; the episode has {self.length}")
        return action

    def context(self, t: int, past: int) -> Context:
        """What a policy could look at before action `t`, remembering at most `past` earlier steps."""
        earlier = tuple(self.steps[k] for k in range(max(0, t - past), t))
        return Context(self.robot, self.instruction, self.steps[t].observation, earlier, t)

    def views(self) -> Iterator[View]:
        """Every frame in order, then every reference picture in the instruction's order."""
        for t, step in enumerate(self.steps):
            yield View(str(t), step.observation.images, step.observation.objects, t)
        for slot, reference in self.instruction.references.items():
            yield View(f"a_{slot}", reference.images, reference.objects, None)


def original(id: str) -> str:
    """The id of the episode that the one called `id` is a copy of: "a/7~2" is the second time that "a/7" is listed."""
    return _COPY.sub("", id)


_COPY: Final = re.compile(r"~\d+$")


def held_out(episode: str, share: float) -> bool:
    """Whether an episode is kept for judging: decided by its id alone, so alike everywhere and for ever."""
    place = int.from_bytes(hashlib.blake2b(episode.encode(), digest_size=8).digest(), "big")
    return place < share * 2**64


@runtime_checkable
class DemoSource(Protocol):
    """Demonstrations of one kind in one place. A frozen dataclass: it is its options, and travels between processes."""

    def ids(self) -> Sequence[str]:
        """The ids of all episodes, in a stable order, without reading the episodes."""
        ...

    def episode(self, id: str) -> Episode:
        """One episode. Raises DataError that says what is wrong with it."""
        ...

    def fingerprint(self) -> str:
        """Changes when the data changes; a resumed build refuses data other than it began with."""
        ...


@runtime_checkable
class Remarking(Protocol):
    """A source that may find something odd about its own choice of episodes."""

    def remarks(self) -> Sequence[str]:
        """One sentence for each thing that the user should know, such as episodes that are listed twice."""
        ...
