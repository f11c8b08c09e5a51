"""One demonstration as another format stores it: words, columns of numbers, and pictures of one size by camera."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from instar.demo import Episode, Image, Observation, Reference
from instar.errors import DataError, MismatchError
from instar.robot import Camera, Floats, Robot
from instar.wording import fill

Slots = Literal["refuse", "names"]  # what becomes of pictures that stand in for words


@dataclass(frozen=True, eq=False)
class Recording:
    """The steps of an episode that have an action: a last observation without one is left out."""

    id: str
    task: str  # what is to be done, in words alone
    robot: Robot
    actions: Floats  # (T, D)
    states: Floats  # (T, S)
    observations: Sequence[Observation]
    success: bool | None

    def __len__(self) -> int:
        return len(self.actions)

    def images(self, camera: Camera) -> Iterator[Image]:
        """What a camera saw at every step. Raises DataError where it saw nothing or a picture of another size."""
        for t, seen in enumerate(self.observations):
            if camera.name not in seen.images:
                raise DataError(f"step {t}: no picture by camera {camera.name}, which others have")
            image = seen.images[camera.name]
            height, width = image.pixels.shape[:2]
            if (height, width) != (camera.height, camera.width):
                raise DataError(
                    f"step {t}: the picture by camera {camera.name} is {height}x{width}; the robot's is "
                    f"{camera.height}x{camera.width}, and a dataset has one size for each camera"
                )
            yield image


def recorded(episode: Episode, robot: Robot, slots: Slots) -> Recording:
    """An episode as a recording of `robot`.

    Raises MismatchError where another robot acts or sees, and DataError for an episode without actions, with a state
    of another width, or whose words cannot do without their pictures.
    """
    robot.require(episode.robot, asker="the first episode", answerer=f"episode {episode.id}")
    if episode.length == 0:
        raise DataError("it has no action")
    steps = [episode.steps[t] for t in range(episode.length)]
    for t, step in enumerate(steps):
        if len(step.observation.state) != len(robot.state):
            raise DataError(f"step {t}: a state of {len(step.observation.state)} numbers; {len(robot.state)} are named")
    return Recording(
        episode.id,
        in_words(episode, slots),
        robot,
        np.stack([episode.action(t) for t in range(episode.length)]),
        np.stack([step.observation.state for step in steps]),
        [step.observation for step in steps],
        episode.success,
    )


def in_words(episode: Episode, slots: Slots) -> str:
    """The instruction without pictures: what its `{slots}` show is called by name, or refused with a MismatchError."""
    text, references = episode.instruction.text, episode.instruction.references
    asked = {slot: shown for slot, shown in references.items() if f"{{{slot}}}" in text}
    if asked and slots == "refuse":
        raise MismatchError(
            f"episode {episode.id}: {text!r} points to pictures ({', '.join(asked)}), for which this format has no "
            "place; --slots names calls the objects in them by their names"
        )
    return fill(text, _names(asked))


def _names(asked: Mapping[str, Reference]) -> dict[str, str]:
    """What each picture shows. Raises DataError for whole scenes and for objects without a name."""
    for slot, shown in asked.items():
        if shown.kind != "object" or not shown.objects:
            raise DataError(f"the picture {slot} shows no single object with a name; words cannot replace it")
    return {slot: f"the {shown.objects[0].name}" for slot, shown in asked.items()}
