"""Pictures that are not square, and pictures that come again."""

from types import SimpleNamespace

import numpy as np
import torch

from instar.backbones.hf_pictures import Looks, Seen, fitted
from instar.demo import Image
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


def test_pictures_that_come_again_are_made_once_while_there_is_room() -> None:
    made: list[str] = []

    def make(image: Image) -> Seen:
        made.append(image.digest)
        return Seen([], [], torch.arange(0), {"pixel_values": torch.zeros(10)})  # 40 bytes

    one, two, three = (picture(k) for k in range(3))
    looks = Looks(make, room=80)
    first = looks(one)
    for image in (two, one, three, one):  # three takes the place of two, which was seen longest ago
        looks(image)
    assert looks(one) is first
    looks(two)
    assert made == [image.digest for image in (one, two, three, two)]


def test_a_picture_that_is_larger_than_all_room_is_made_all_the_same() -> None:
    looks = Looks(lambda image: Seen([len(image.digest)], [], torch.arange(0), {"x": torch.zeros(10)}), room=0)
    one, two = looks(picture(0)), looks(picture(1))
    assert one is not two
    assert looks(picture(1)) is two
    assert looks(picture(0)) is not one
