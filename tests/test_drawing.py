"""Arrows in pictures."""

import numpy as np

from instar.demo import Box
from instar.drawing import CLEAR, COLOUR, COLOURS, EARLY, READABLE, draw_action, draw_marks, draw_trace, enlarge
from instar.embodiments.vima import FRONT, HEIGHT, WIDTH
from instar.marks import Mark
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


def shown(drawn: np.ndarray, k: int) -> np.ndarray:
    """Pixel coordinates (n, 2) = (u, v) of the colour of mark k."""
    return np.argwhere((drawn == COLOURS[k]).all(axis=-1))[:, ::-1]


def test_boxes_points_and_actions_are_drawn_at_the_size_of_a_large_picture() -> None:
    large = np.full((600, 1200, 3), 90, np.uint8)
    marks = [
        Mark("bowl", (150, 250), Box(100, 200, 200, 300)),
        Mark("", (600, 300)),
        Mark("a", (800, 500), to=(900, 400)),
    ]
    drawn = draw_marks(large, marks)
    assert drawn.shape == large.shape
    assert {(100, 200), (200, 300), (100, 300)} <= {(u, v) for u, v in shown(drawn, 0).tolist()}
    assert np.linalg.norm(shown(drawn, 1) - (600, 300), axis=1).min() < 1
    assert np.linalg.norm(shown(drawn, 2) - (850, 450), axis=1).min() < 3
    assert (large == 90).all()


def test_labels_keep_clear_of_each_other() -> None:
    large = np.full((600, 1200, 3), 90, np.uint8)
    same = [Mark("red swirl block", (300, 300)) for _ in range(3)]
    drawn = draw_marks(large, same)
    sizes = [len(shown(drawn, k)) for k in range(3)]
    assert max(sizes) - min(sizes) < 0.5 * min(sizes), "one label hides another"


def test_small_pictures_are_magnified_and_marks_at_the_edge_stay_inside() -> None:
    small = np.full((4, 9, 3), 90, np.uint8)
    marks = [Mark("a name that is longer than the picture", (8, 3), Box(8, 3, 8, 3)), Mark("\u00fc", (0, 0), to=(8, 0))]
    drawn = draw_marks(small, marks)
    assert drawn.shape[1] >= READABLE
    assert drawn.shape[0] * 9 == drawn.shape[1] * 4
    assert len(shown(drawn, 0)) > 0
    assert draw_marks(np.zeros((1000, 3, 3), np.uint8), marks).shape == (1000, 3, 3)


def near(drawn: np.ndarray, place: tuple[float, float], colour: tuple[int, int, int]) -> bool:
    """Whether the pixels about a place are of that colour, but for their edges."""
    u, v = round(place[0]), round(place[1])
    return bool((np.abs(drawn[v - 1 : v + 2, u - 1 : u + 2].astype(int) - colour).max(axis=2) < 40).any())


def test_a_trace_goes_from_early_to_late_and_marks_where_it_is_now() -> None:
    small = np.full((128, 128, 3), 90, np.uint8)
    trace = [(20.0 + 4 * t, 30.0 + 2 * t) for t in range(21)]
    drawn = draw_trace(small, trace, now=10)
    assert drawn.shape == (CLEAR, CLEAR, 3), "a small picture is magnified"
    assert near(drawn, (60, 90), EARLY)
    assert near(drawn, (300, 210), COLOUR)
    ring = [(180 + 6 * dx, 150 + 6 * dy) for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    assert all(near(drawn, place, (255, 255, 255)) for place in ring)
    without = draw_trace(small, trace, now=None)
    assert not (without == 255).all(axis=2).any()
    assert (small == 90).all()


def test_a_gap_breaks_the_line_and_an_empty_trace_draws_nothing() -> None:
    large = np.full((400, 400, 3), 90, np.uint8)
    trace = [(50.0, 50.0), (100.0, 50.0), None, (200.0, 50.0), (250.0, 50.0)]
    drawn = draw_trace(large, trace, now=2)
    assert drawn.shape == large.shape
    assert (drawn[50, 60:90] != 90).any(axis=1).all()
    assert (drawn[50, 110:190] == 90).all(), "nothing is drawn across the gap"
    assert np.array_equal(draw_trace(large, [None, None]), large)
    assert np.array_equal(draw_trace(large, []), large)
    assert not np.array_equal(draw_trace(large, [(10.0, 10.0)]), large)


def test_a_trace_far_outside_the_picture_does_no_harm() -> None:
    assert draw_trace(GREY, [(1e12, -1e12), (5.0, 5.0)]).shape == (2 * HEIGHT, 2 * WIDTH, 3)
