"""Scenes to learn to see from: what is in them, what never is, and that they come back the same."""

import numpy as np
import pytest

from instar.simulators.tabletop.render import box_of
from instar.simulators.tabletop.tasks.sets import NOVEL_BASES, NOVEL_DRAGGED
from pretraining.scenes import SHAPES, TEXTURES, UNSEEN_SHAPES, UNSEEN_TEXTURES, Scene, draw


@pytest.mark.parametrize("kind", ["alone", "plain", "tasks", "unseen_shapes", "unseen_textures"])
def test_a_scene_says_what_every_pixel_shows(kind: str) -> None:
    scene = draw("test", 3, kind)
    assert scene.things
    assert scene.ids.shape == scene.rgb.shape[:2] == (128, 256)
    assert set(np.unique(scene.ids)) == {0, *(thing.number for thing in scene.things)}
    for thing in scene.things:
        assert box_of(scene.ids == thing.number) == thing.box
        assert (scene.ids == thing.number).sum() == thing.pixels


def _many(kind: str) -> list[Scene]:
    return [draw("test", number, kind) for number in range(40)]


@pytest.mark.parametrize("kind", ["plain", "tasks"])
def test_what_is_learned_from_never_shows_what_harder_levels_add(kind: str) -> None:
    things = [thing for scene in _many(kind) for thing in scene.things]
    assert {thing.shape for thing in things} <= set(SHAPES)
    assert {thing.texture for thing in things} <= set(TEXTURES)
    assert not set(SHAPES) & {*NOVEL_DRAGGED, *NOVEL_BASES}


def test_unseen_kinds_show_nothing_else() -> None:
    assert {thing.shape for scene in _many("unseen_shapes") for thing in scene.things} <= set(UNSEEN_SHAPES)
    textures = {thing.texture for scene in _many("unseen_textures") for thing in scene.things}
    assert textures <= set(UNSEEN_TEXTURES)
    assert not set(UNSEEN_TEXTURES) & set(TEXTURES)


def test_a_number_is_the_same_scene_always_and_another_is_another() -> None:
    one, again, other = (draw("test", number, "plain") for number in (5, 5, 6))
    assert one.things == again.things
    assert np.array_equal(one.rgb, again.rgb)
    assert not np.array_equal(one.rgb, other.rgb)


def test_alone_means_one_thing() -> None:
    assert all(len(draw("test", number, "alone").things) == 1 for number in range(10))
