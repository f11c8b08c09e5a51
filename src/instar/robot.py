"""What a robot is to a policy: named actions with units, and cameras that know where the world is in the picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from instar.errors import MismatchError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ActionSpace:
    """The meaning of an action vector. Equal meaning is compatibility; `low` and `high` are measured, not meaning."""

    names: tuple[str, ...]  # one per dimension, e.g. ("x", "y", "yaw")
    units: tuple[str, ...]  # one per dimension: "m", "rad", "m/s", "1"
    frame: str  # what the numbers are relative to: "base", "end effector"
    mode: Literal["absolute", "delta"]
    low: tuple[float, ...] = field(compare=False)  # in `units`
    high: tuple[float, ...] = field(compare=False)

    def __post_init__(self) -> None:
        assert len(self.names) == len(self.units) == len(self.low) == len(self.high)

    @property
    def dim(self) -> int:
        """Number of dimensions of one action."""
        return len(self.names)

    def clip(self, actions: Floats) -> Floats:
        """`actions` (..., dim) moved inside `low` and `high`."""
        return np.clip(actions, self.low, self.high)


@dataclass(frozen=True)
class Camera:
    """A fixed camera: its picture size and the map from the world to the picture.

    `world_to_pixel` is a 3x4 matrix P: (u w, v w, w) = P (x, y, z, 1), with u to the right and v down, in continuous
    pixel coordinates: pixel (column c, row r) covers [c, c+1) x [r, r+1). An affine map and a pinhole are both of this
    form; w is positive before the camera. World coordinates are in metres in the robot's base frame. It is None where
    nobody measured it, as of most demonstrations.
    """

    name: str
    height: int  # pixels
    width: int  # pixels
    world_to_pixel: tuple[tuple[float, float, float, float], ...] | None = None

    def project(self, points: ArrayLike) -> Floats:
        """World points (..., 2) on the plane z = 0, or (..., 3), to pixels (..., 2).

        Raises MismatchError where the camera is not calibrated, as `lift` does.
        """
        world = np.asarray(points, dtype=np.float64)
        if world.shape[-1] == 2:
            world = np.concatenate([world, np.zeros_like(world[..., :1])], axis=-1)
        matrix = self._matrix()
        image = world @ matrix[:, :3].T + matrix[:, 3]
        return np.asarray(image[..., :2] / image[..., 2:])

    def lift(self, pixels: ArrayLike, z: float = 0.0) -> Floats:
        """Pixels (..., 2) to the world points (..., 2) = (x, y) that they show on the plane at height `z`."""
        matrix = self._matrix()
        plane = np.column_stack([matrix[:, 0], matrix[:, 1], matrix[:, 2] * z + matrix[:, 3]])
        image = np.asarray(pixels, dtype=np.float64)
        image = np.concatenate([image, np.ones_like(image[..., :1])], axis=-1)
        world = image @ np.linalg.inv(plane).T
        return np.asarray(world[..., :2] / world[..., 2:])

    def _matrix(self) -> Floats:
        if self.world_to_pixel is None:
            raise MismatchError(f"camera {self.name!r} is not calibrated: where the world is in its picture is unknown")
        return np.asarray(self.world_to_pixel, dtype=np.float64)


@dataclass(frozen=True)
class Robot:
    """Everything a policy and a world must agree on before the first step."""

    name: str
    control: str  # what one action does: "pick and place", "joint velocity"
    actions: ActionSpace
    cameras: tuple[Camera, ...]
    state: tuple[str, ...] = ()  # names of the dimensions of Observation.state

    def camera(self, name: str) -> Camera:
        """The camera called `name`. Raises MismatchError that lists the cameras there are."""
        for camera in self.cameras:
            if camera.name == name:
                return camera
        known = ", ".join(camera.name for camera in self.cameras) or "none"
        raise MismatchError(f"robot {self.name!r} has no camera {name!r}; it has: {known}")

    def require(self, other: "Robot", asker: str = "policy", answerer: str = "simulator") -> None:
        """Refuse `other` unless it means the same as this robot; it may have more cameras than are needed here.

        Raises MismatchError naming every disagreement, not only the first.
        """
        found = list(_disagreements(self, other))
        if found:
            raise MismatchError(
                f"{asker} and {answerer} do not describe the same robot: "
                + "; ".join(f"{what}: {asker} {mine}, {answerer} {theirs}" for what, mine, theirs in found)
            )


def _disagreements(mine: Robot, theirs: Robot) -> Iterator[tuple[str, object, object]]:
    if mine.name != theirs.name:
        yield "name", mine.name, theirs.name
    if mine.control != theirs.control:
        yield "control", mine.control, theirs.control
    for what in ("names", "units", "frame", "mode"):
        ours, other = getattr(mine.actions, what), getattr(theirs.actions, what)
        if ours != other:
            yield f"action {what}", _shown(ours), _shown(other)
    if mine.state != theirs.state:
        yield "state", _shown(mine.state), _shown(theirs.state)
    there = {camera.name: camera for camera in theirs.cameras}
    for camera in mine.cameras:
        if camera.name not in there:
            yield f"camera {camera.name!r}", "present", "absent"
        else:
            yield from _camera_disagreements(camera, there[camera.name])


def _camera_disagreements(mine: Camera, theirs: Camera) -> Iterator[tuple[str, object, object]]:
    what = f"camera {mine.name!r}"
    if (mine.height, mine.width) != (theirs.height, theirs.width):
        yield f"{what} size", f"{mine.height}x{mine.width}", f"{theirs.height}x{theirs.width}"
    if mine.world_to_pixel is None:  # nothing that I do depends on it
        return
    # A thousandth of a pixel over a metre: anything larger is another mounting, not rounding.
    if theirs.world_to_pixel is None or not np.allclose(mine.world_to_pixel, theirs.world_to_pixel, rtol=0, atol=1e-3):
        yield f"{what} world_to_pixel", mine.world_to_pixel, theirs.world_to_pixel


def _shown(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else "(" + ", ".join(value) + ")"


@dataclass(frozen=True, eq=False)
class ActionChunk:
    """What a policy wants done next, with the text it was read from."""

    # (horizon, dim), physical units of the robot's ActionSpace; of an unreadable reply (0, dim), or what stands in
    actions: Floats
    reply: str = ""  # the model's own words; empty for policies that do not speak
    question: str = ""  # what it was asked
    unreadable: str | None = None  # why `reply` could not be read; None when it could
