"""Pictures in another light, drawn anew in every step, so that a policy does not learn what one lamp looks like."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from instar.chat import Conversation
from instar.demo import Image
from instar.robot import Floats

GRAY: Final = np.array([0.299, 0.587, 0.114])  # what red, green and blue weigh (ITU-R BT.601)
HUE: Final = 0.25  # of `most`: the turn of the hue, in turns
# Red, green and blue to brightness and the two axes of colour around which hues turn (YIQ), and back.
TO_YIQ: Final = np.array([GRAY, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
FROM_YIQ: Final = np.linalg.inv(TO_YIQ)


@dataclass(frozen=True)
class Light:
    """How much brightness, contrast and saturation change, and by a quarter of it the hue.

    With 0.2 these are the ranges that OpenVLA (Kim et al., CoRL 2024) trains with: brightness by up to 0.2 of the
    scale, contrast and saturation between 0.8 and 1.2, the hue by up to 0.05 turns. Its order is kept; saturation and
    hue change in YIQ here, where all of it is one product.
    """

    most: float
    seed: int
    per_step: int  # samples that a step learns from

    def on(self, conversation: Conversation, position: int) -> Conversation:
        """`conversation` in the light of its step: the same picture looks alike in all of a step's samples."""
        step = position // self.per_step
        return replace(conversation, images=tuple(self.lit(image, step) for image in conversation.images))

    def lit(self, image: Image, step: int) -> Image:
        """`image` in the light that it has in `step`."""
        rng = np.random.default_rng([self.seed, step, *image.digest.encode()])
        brightness, contrast, saturation, hue = rng.uniform(-self.most, self.most, 4)
        pixels = image.pixels.reshape(-1, 3).astype(np.float32)
        mean, colors = pixels.mean(0), _of_colors(1 + saturation, 2 * np.pi * HUE * hue)
        matrix = (1 + contrast) * colors  # contrast stretches what lies about the mean; colours come after it
        offset = colors @ (mean + 255 * brightness) - matrix @ mean
        lit = pixels @ matrix.T.astype(np.float32) + offset.astype(np.float32)
        return Image.of(np.clip(np.rint(lit), 0, 255).astype(np.uint8).reshape(image.pixels.shape))


def _of_colors(saturation: float, turn: float) -> Floats:
    """What multiplies red, green and blue (3, 3) where colours are so much stronger, and turned by so many radians."""
    cos, sin = saturation * np.cos(turn), saturation * np.sin(turn)
    return np.asarray(FROM_YIQ @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]]) @ TO_YIQ)
