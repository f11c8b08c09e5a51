"""Pictures in another light."""

import cv2
import numpy as np
import pytest

from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Image
from instar.training.light import Light, _of_colors

COLORED = np.random.default_rng(0).integers(60, 190, (16, 24, 3)).astype(np.uint8)
PICTURE = Image.of(COLORED)


def test_a_picture_is_lit_alike_within_a_step_and_otherwise_in_the_next() -> None:
    light = Light(0.2, seed=0, per_step=4)
    said = Conversation((Turn("user", f"{IMAGE}{IMAGE} What is it?"),), (PICTURE, PICTURE))
    lit = [light.on(said, position).images for position in range(8)]
    assert {image.digest for images in lit[:4] for image in images} == {lit[0][0].digest}
    assert len({images[0].digest for images in lit}) == 2
    assert Light(0.2, seed=1, per_step=4).lit(PICTURE, 0).digest != lit[0][0].digest
    assert light.on(said, 0).turns == said.turns


def test_different_pictures_of_a_step_are_lit_differently() -> None:
    light = Light(0.2, seed=0, per_step=1)
    gray = [Image.of(np.full((4, 4, 3), value, np.uint8)) for value in (100, 101)]
    brighter = [float(light.lit(image, 0).pixels.mean()) - float(image.pixels.mean()) for image in gray]
    assert abs(brighter[0] - brighter[1]) > 2


def test_changes_stay_within_their_ranges() -> None:
    light = Light(0.2, seed=3, per_step=1)
    gray = Image.of(np.full((4, 4, 3), 128, np.uint8))
    means = np.array([light.lit(gray, step).pixels.mean() for step in range(300)]) - 128
    assert 40 < np.abs(means).max() <= 51.5  # brightness alone changes an even gray
    assert means.min() < -40
    spread = np.array([light.lit(PICTURE, step).pixels.astype(float).std((0, 1)).mean() for step in range(100)])
    assert 0.6 < spread.min() / COLORED.std((0, 1)).mean() < 0.9
    assert 1.05 < spread.max() / COLORED.std((0, 1)).mean() < 1.45


@pytest.mark.parametrize("turn", [-0.05, 0.03])
def test_a_turn_of_the_hue_is_that_of_the_color_circle(turn: float) -> None:
    red = np.full((1, 1, 3), (200, 60, 60), np.float32)
    turned = (red @ _of_colors(1.0, 2 * np.pi * turn).T).astype(np.float32)
    hue = float(cv2.cvtColor(turned / 255, cv2.COLOR_RGB2HSV)[0, 0, 0])
    assert abs((hue - 360 * turn + 180) % 360 - 180) < 12  # degrees; YIQ turns nearly as HSV does


def test_no_saturation_is_gray() -> None:
    gray = COLORED.reshape(-1, 3) @ _of_colors(0.0, 1.0).T
    assert np.allclose(gray, gray[:, :1], atol=1.0)
