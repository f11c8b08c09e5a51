"""Disturbed episodes: does a policy listen and look, or has it memorised?

The scene, its actions and its judge stay; what the policy is told or shown is disturbed, alike whenever the same step
of the same episode is played. Pictures of the cameras are disturbed, those of the instruction are part of it and stay.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from instar.demo import Box, ByCamera, Image, Instruction, Observation, SceneObject
from instar.edges import checked
from instar.errors import ConfigError
from instar.paraphrase import paraphrased
from instar.plugins import Choice, meant, typed
from instar.policy import Policy
from instar.robot import Floats, Robot
from instar.simulator import Simulator, Task, Transition

OTHER: Final = 1_000_000  # seeds further on, where no benchmark plays: whose instruction a swapped episode gets
CAST: Final = 0.25  # of the change of brightness, by which red, green and blue differ


@dataclass(frozen=True)
class Disturbance:
    """What is disturbed. Every option may be left as it is."""

    paraphrase: bool = False  # the instruction in other words
    swapped: bool = False  # the instruction of another episode of the task; success is still the scene's own
    shift: float = 0.0  # pixels by which each camera's picture is moved, its edge repeated; direction by episode
    light: float = 0.0  # brightness between 1 - light and 1 + light, with a mild colour cast; by episode
    noise: float = 0.0  # standard deviation of every pixel's noise, of 255; by picture
    seed: int = 0  # of all that is drawn

    def __post_init__(self) -> None:
        for name, value, most in (("shift", self.shift, 1e4), ("light", self.light, 1.0), ("noise", self.noise, 255.0)):
            if not 0 <= value <= most:
                raise ConfigError(f"disturb: {name} is {value:g}; it must be from 0 to {most:g}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `shift=4,light=0.3`. Raises ConfigError for an option that is unknown or will not do."""
        options = dict(Choice.parse(f"disturb:{text}").options)
        known = [item.name for item in fields(cls)]
        for name, value in options.items():
            if not name:
                raise ConfigError(f"disturb: {value!r} is not of the form option=value, such as shift=4")
            if name not in known:
                raise ConfigError(f"disturb has no option {name!r}{meant(name, known)}")
        return checked(cls, options, "disturb", ConfigError) if options else cls()

    def __str__(self) -> str:
        """As a user would type it, without what is left as it is; empty where nothing is disturbed."""
        if not (self.paraphrase or self.swapped or self.moves_pixels):
            return ""
        chosen = {item.name: getattr(self, item.name) for item in fields(self)}
        changed = {name: value for name, value in chosen.items() if value != getattr(Disturbance, name)}
        return ",".join(
            f"{name}={f'{value:g}' if isinstance(value, float) else typed(value)}" for name, value in changed.items()
        )

    @property
    def moves_pixels(self) -> bool:
        """Whether pictures are disturbed."""
        return bool(self.shift or self.light or self.noise)


class Disturbed:
    """Another simulator's world, told and shown otherwise. Its expert acts behind the scenes, so is not disturbed."""

    def __init__(self, simulator: Simulator, disturbance: Disturbance) -> None:
        self.robot: Robot = simulator.robot
        self._simulator, self._disturbance = simulator, disturbance
        self._eye = _Eye(disturbance, "")
        self._steps = 0

    def reset(self, task: Task, seed: int) -> tuple[Instruction, Observation]:
        """Set the scene of `seed`, with the instruction that the disturbance gives it. Raises SimulatorError."""
        chosen, episode = self._disturbance, f"{task.suite}/{task.name}/{seed}"
        other = self._simulator.reset(task, seed + OTHER)[0] if chosen.swapped else None
        instruction, observation = self._simulator.reset(task, seed)
        self.robot, self._eye, self._steps = self._simulator.robot, _Eye(chosen, episode), 0
        told = other or instruction
        if chosen.paraphrase:
            told = replace(told, text=paraphrased(told.text, _random(chosen.seed, episode, "paraphrase")))
        return told, self._eye.seen(observation, 0)

    def step(self, action: Floats) -> Transition:
        """Do one action; what follows from it is undisturbed but for its picture. Raises SimulatorError."""
        transition = self._simulator.step(action)
        self._steps += 1
        return replace(transition, observation=self._eye.seen(transition.observation, self._steps))

    def expert(self) -> Policy | None:
        """The scripted policy of the world, which knows what really stands there."""
        return self._simulator.expert()

    def close(self) -> None:
        """Release what the simulator holds."""
        self._simulator.close()


def disturbed(make: Callable[[], Simulator], disturbance: Disturbance) -> Simulator:
    """What `make` makes, disturbed; itself where nothing is."""
    return Disturbed(make(), disturbance) if str(disturbance) else make()


@dataclass(frozen=True)
class _Eye:
    """How the pictures of one episode are disturbed, each when somebody looks."""

    disturbance: Disturbance
    episode: str

    def seen(self, observation: Observation, step: int) -> Observation:
        """`observation` as it is shown at `step`."""
        if not self.disturbance.moves_pixels:
            return observation
        shown = ByCamera(observation.images, lambda camera: self._shown(observation.images[camera], camera, step))
        if not self.disturbance.shift:
            return replace(observation, images=shown)
        moved = ByCamera(observation.segmentation, lambda camera: self._at_source(observation.segmentation, camera))
        objects = tuple(self._moved(thing, observation, moved) for thing in observation.objects)
        return replace(observation, images=shown, objects=objects, segmentation=moved)

    def _at_source(self, ids: Mapping[str, NDArray[np.uint8]], camera: str) -> NDArray[np.uint8]:
        return ids[camera][self._sources(camera, ids[camera].shape)]

    def _shown(self, image: Image, camera: str, step: int) -> Image:
        chosen, pixels = self.disturbance, image.pixels
        shown = pixels[self._sources(camera, pixels.shape)] if chosen.shift else pixels
        if not (chosen.light or chosen.noise):
            return Image.of(shown)
        values = shown * self._light()
        if chosen.noise:
            rng = _random(chosen.seed, self.episode, "noise", step, camera)
            values += np.float32(chosen.noise) * rng.standard_normal(values.shape, np.float32)
        return Image.of(np.asarray(np.clip(np.rint(values), 0, 255), np.uint8))

    def _light(self) -> NDArray[np.float32]:
        """Brightness of red, green and blue (3,)."""
        most, rng = self.disturbance.light, _random(self.disturbance.seed, self.episode, "light")
        color = rng.uniform(1 - most, 1 + most) * rng.uniform(1 - CAST * most, 1 + CAST * most, 3)
        return color.astype(np.float32)

    def _offset(self, camera: str) -> tuple[int, int]:
        """Whole pixels right and down by which a camera's pictures are moved."""
        angle = _random(self.disturbance.seed, self.episode, "shift", camera).uniform(0, 2 * np.pi)
        return round(self.disturbance.shift * np.cos(angle)), round(self.disturbance.shift * np.sin(angle))

    def _sources(self, camera: str, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
        """Which rows and columns of the unmoved picture (H, W, ...) are seen."""
        right, down = self._offset(camera)
        rows, columns = np.arange(shape[0]) - down, np.arange(shape[1]) - right
        return np.ix_(np.clip(rows, 0, shape[0] - 1), np.clip(columns, 0, shape[1] - 1))

    def _moved(self, thing: SceneObject, unmoved: Observation, ids: Mapping[str, NDArray[np.uint8]]) -> SceneObject:
        """`thing` with the boxes that it has in the moved pictures; what has left a picture has none."""

        def moved(camera: str) -> Box | None:
            if camera in ids:
                return _around(*np.nonzero(ids[camera] == thing.id))
            box = thing.boxes[camera]
            rows, columns = self._sources(camera, unmoved.images[camera].pixels.shape)
            inside = (rows >= box.top) & (rows <= box.bottom) & (columns >= box.left) & (columns <= box.right)
            return _around(*np.nonzero(inside))

        return replace(thing, boxes=ByCamera(thing.boxes, moved, partial=True))


def _around(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Box | None:
    """The smallest box around pixels; None without any."""
    if not len(rows):
        return None
    return Box(int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))


def _random(*parts: str | int) -> np.random.Generator:
    """Random numbers that depend on nothing but `parts`, the same in every process."""
    entropy = hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(entropy, "big"))
