"""Pictures that are not square."""

from types import SimpleNamespace

import numpy as np

from instar.backbones.hf_pictures import fitted
from tests.backbones.conftest import picture

CLIP = SimpleNamespace(do_center_crop=True, image_mean=[0.48145466, 0.4578275, 0.40821073])
SIGLIP = SimpleNamespace(image_mean=[0.5, 0.5, 0.5])


def test_wide_pictures_are_padded_where_the_processor_would_cut_them() -> None:
    wide = np.zeros((32, 64, 3), dtype=np.uint8)
    wide[:, 0], wide[:, -1] = 255, 255
    padded = fitted(wide, "auto", CLIP)
    assert padded.shape == (64, 64, 3)
    assert (padded[16:48] == wide).all()
    assert padded[0, 0].tolist() == [122, 116, 104]  # LLaVA's background for CLIP


def test_tall_pictures_are_padded_at_the_sides() -> None:
    padded = fitted(np.full((64, 32, 3), 255, dtype=np.uint8), "pad", SIGLIP)
    assert (padded[:, 16:48] == 255).all()
    assert padded[0, 0].tolist() == [127, 127, 127]


def test_pictures_are_left_alone_or_stretched_on_demand() -> None:
    wide = picture(0).pixels
    assert fitted(wide, "own", CLIP) is wide
    assert fitted(wide, "auto", SIGLIP) is wide
    assert fitted(wide, "stretch", CLIP).shape == (256, 256, 3)


def test_square_pictures_are_left_alone() -> None:
    square = np.zeros((8, 8, 3), dtype=np.uint8)
    assert fitted(square, "pad", CLIP) is square
