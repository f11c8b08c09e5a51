"""Textures drawn by rule."""

import numpy as np
import pytest

from instar.errors import SimulatorError
from instar.simulators.tabletop.tasks import sets
from instar.simulators.tabletop.textures import LIGHT, NAMES, PALETTE, SIZE, darker, picture

# Mean colours of the real pictures.
MEANS = {
    "tiger": (135, 89, 21),
    "granite": (178, 190, 187),
    "tiles": (135, 134, 128),
    "wooden": (216, 173, 124),
    "plastic": (224, 222, 222),
    "brick": (184, 123, 106),
    "magma": (67, 17, 5),
}


def test_there_are_82_textures_and_49_of_them_are_not_dark() -> None:
    assert len(set(NAMES)) == 82
    assert len(set(LIGHT)) == 49


@pytest.mark.parametrize("name", [*NAMES, "gray"])
def test_every_name_is_drawn(name: str) -> None:
    assert picture(name).shape == (SIZE, SIZE, 3)
    plain = name in PALETTE or name.removeprefix("dark ") in PALETTE
    assert (len(np.unique(picture(name).reshape(-1, 3), axis=0)) == 1) == plain


@pytest.mark.parametrize("name", MEANS)
def test_materials_have_about_the_colour_of_the_real_ones(name: str) -> None:
    assert picture(name).reshape(-1, 3).mean(axis=0) == pytest.approx(MEANS[name], abs=14)


def test_dark_twins_are_those_of_the_palette() -> None:
    assert darker(PALETTE["red"]) == pytest.approx((178, 61, 62), abs=2)
    assert darker(PALETTE["yellow"]) == pytest.approx((160, 136, 49), abs=2)


def test_stripes_alternate_in_twenty_bands() -> None:
    row = picture("red and blue stripe")[0].astype(int)
    assert int((np.abs(np.diff(row, axis=0)).sum(axis=1) > 0).sum()) == 19


def test_training_and_novel_textures_are_apart() -> None:
    assert (len(sets.FIRST), len(sets.SECOND), len(sets.HALF), len(sets.OTHER_HALF)) == (19, 20, 24, 25)
    assert not set(sets.FIRST) & set(sets.SECOND)
    assert {*sets.FIRST, *sets.SECOND} < set(LIGHT)


def test_an_unknown_texture_is_refused() -> None:
    with pytest.raises(SimulatorError, match="no texture called 'plaid'"):
        picture("plaid")
