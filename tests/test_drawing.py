"""Arrows in pictures."""

import numpy as np

from instar.drawing import draw_action, enlarge
from instar.embodiments.vima import FRONT, HEIGHT, WIDTH
from tests.point_world import EYE, SPACE
from tests.toy import toy_action

GREY = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def coloured(pixels: np.ndarray) -> np.ndarray:
    """Pixel coordinates (n, 2) = (u, v) of what is more magenta than grey or white."""
    return np.argwhere(pixels[..., 0].astype(int) - pixels[..., 1] > 60)[:, ::-1]


def test_the_arrow_goes_from_where_the_action_starts_to_where_it_ends() -> None:
    drawn = coloured(draw_action(GREY, FRONT, toy_action((60, 40), (200, 100), 30)))
    ring = np.linalg.norm(drawn - (60, 40), axis=1)
    assert (ring < 6).any()
    assert drawn[:, 0].max() <= 202
    assert np.linalg.norm(drawn - (200, 100), axis=1).min() < 3
    assert np.linalg.norm(drawn - (130, 70), axis=1).min() < 2, "nothing is drawn half way"


def test_an_enlarged_picture_is_drawn_on_at_its_own_size() -> None:
    drawn = coloured(draw_action(enlarge(GREY, 3), FRONT, toy_action((60, 40), (200, 100), 0)))
    assert np.linalg.norm(drawn - (600, 300), axis=1).min() < 5


def test_the_picture_itself_is_not_touched() -> None:
    before = GREY.copy()
    draw_action(GREY, FRONT, toy_action((60, 40), (200, 100), 0))
    assert np.array_equal(GREY, before)


def test_actions_that_are_no_journeys_draw_nothing() -> None:
    small = np.zeros((16, 32, 3), np.uint8)
    assert not draw_action(small, EYE, [0.1], SPACE.names).any()
    assert np.array_equal(draw_action(GREY, FRONT, []), GREY)


def test_places_far_outside_the_picture_do_no_harm() -> None:
    drawn = draw_action(GREY, FRONT, [0.5, 0.0, 0.0, 1e12, -1e12, 0.0])
    assert drawn.shape == GREY.shape
    assert len(coloured(drawn)) > 0


def test_every_pixel_of_an_enlarged_picture_is_a_square() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    large = enlarge(pixels, 3)
    assert large.shape == (6, 12, 3)
    assert np.array_equal(large[1::3, 1::3], pixels)
