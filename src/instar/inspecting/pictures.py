"""Pictures of a samples folder with what their answers point at drawn in: traces, actions and things."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from instar import plugins
from instar.blend import Portion, portions
from instar.chat import Recipe, Sample, Tracing
from instar.demo import Pixels
from instar.drawing import draw_marks, draw_trace
from instar.errors import ReplyError
from instar.files import write_bytes
from instar.marks import marks
from instar.robot import Robot

SHOWN: Final = 8  # pictures of each source


def draw_samples(folder: Path, out: Path, shown: int = SHOWN) -> list[Path]:
    """Write so many pictures of every source of `folder` to `out`, evenly spread over what the recipe asks.

    Raises DataError where the samples cannot be read or `out` cannot be written.
    """
    written = []
    for portion in portions(folder):
        for number, sample in _spread(portion, shown):
            path = out / f"{portion.source or folder.resolve().name}-{number:06d}.png"
            done, data = cv2.imencode(".png", cv2.cvtColor(drawn(sample, portion), cv2.COLOR_RGB2BGR))
            assert done
            write_bytes(path, data.tobytes())
            written.append(path)
    return written


def _spread(portion: Portion, shown: int) -> Iterator[tuple[int, Sample]]:
    """Samples of the recipe, or of all kinds where there is none, with their numbers."""
    samples, recipe = portion.samples, portion.samples.recipe_choice
    index = samples.index
    kind = index.names.index(recipe.name) if recipe is not None and recipe.name in index.names else None
    numbers = np.flatnonzero(index.kinds == kind) if kind is not None else np.arange(len(index))
    for place in sorted({int(k) for k in np.linspace(0, len(numbers) - 1, min(shown, len(numbers))).round()}):
        sample = samples.sample(int(numbers[place]))
        if sample.conversation.images:
            yield int(numbers[place]), sample


def drawn(sample: Sample, portion: Portion) -> Pixels:
    """The first picture of a sample with what its last answer says drawn in."""
    pixels = sample.conversation.images[0].pixels
    reply = sample.conversation.turns[-1].text
    choice, robot = portion.samples.recipe_choice, portion.samples.robot
    recipe: Recipe | None = None if choice is None else plugins.make("recipes", choice)
    if robot is not None and recipe is not None and isinstance(recipe, Tracing) and sample.kind == choice_name(recipe):
        return _traced(pixels, reply, recipe, robot)
    return draw_marks(pixels, marks(reply, pixels.shape[1], pixels.shape[0]))


def choice_name(recipe: Recipe) -> str:
    """What the samples of a recipe are counted as."""
    return plugins.choice_of("recipes", recipe).name


def _traced(pixels: Pixels, reply: str, recipe: Tracing, robot: Robot) -> Pixels:
    try:
        return draw_trace(pixels, recipe.traced(reply, robot))
    except ReplyError:
        return pixels
