"""Pictures that are changed a little, and the boxes in them with them."""

import numpy as np

from instar.demo import Box
from instar.detectors.detr_pictures import brightened, mirrored, shifted, zoomed
from instar.seeing.detect import Sighting
from tests.detectors.squares import COLOURS, drawn


def test_a_shifted_picture_shows_the_same_thing_elsewhere() -> None:
    for k in range(20):
        image, truth = drawn(k)
        pixels, [moved] = shifted(image.pixels, truth, 30, np.random.default_rng(k))
        [thing] = truth
        inside = pixels[moved.box.top : moved.box.bottom + 1, moved.box.left : moved.box.right + 1]
        assert (inside == image.pixels[thing.box.top, thing.box.left]).all()
        assert (pixels != 240).any(axis=2).sum() == inside.shape[0] * inside.shape[1]
    assert shifted(image.pixels, truth, 0, np.random.default_rng(0))[1] is truth


def test_a_box_that_reaches_beyond_the_picture_is_not_cut_further() -> None:
    pixels = drawn(0)[0].pixels
    for k in range(20):
        [moved] = shifted(pixels, [Sighting("hand", Box(-10, 100, 13, 140))], 30, np.random.default_rng(k))[1]
        assert moved.box.left >= -10
        assert moved.box.bottom <= 140
        assert moved.box.right - moved.box.left == 23


def test_a_magnified_picture_shows_all_of_the_same_thing() -> None:
    sizes = set()
    for k in range(40):
        image, truth = drawn(k)
        pixels, [larger] = zoomed(image.pixels, truth, 0.5, np.random.default_rng(k))
        box, before = larger.box, truth[0].box
        assert pixels.shape == image.pixels.shape
        assert 0 <= box.left <= box.right < 256
        assert 0 <= box.top <= box.bottom < 128
        inside = pixels[box.top + 2 : box.bottom - 1, box.left + 2 : box.right - 1]
        assert np.abs(inside.astype(int) - image.pixels[before.top, before.left]).max() <= 1
        around = pixels[max(0, box.top - 3), max(0, box.left - 3)]
        assert box.top < 3 or box.left < 3 or (around == 240).all()
        sizes.add((box.right - box.left + 1) / (before.right - before.left + 1))
    assert 1 <= min(sizes) < 1.1
    assert 1.4 < max(sizes) < 1.55
    assert zoomed(image.pixels, truth, 0.0, np.random.default_rng(0))[1] is truth


def test_what_fills_the_picture_is_not_magnified() -> None:
    pixels = drawn(0)[0].pixels
    whole = [Sighting("table", Box(0, 0, 255, 127))]
    assert zoomed(pixels, whole, 0.5, np.random.default_rng(1))[0] is pixels
    assert zoomed(pixels, [], 0.5, np.random.default_rng(1))[0].shape == pixels.shape


def test_a_mirrored_picture_shows_the_same_thing_on_the_other_side() -> None:
    image, truth = drawn(1)
    told = [mirrored(image.pixels, truth, mirror=True, rng=np.random.default_rng(k)) for k in range(20)]
    turned = [(pixels, seen[0].box) for pixels, seen in told if pixels is not image.pixels]
    assert 4 <= len(turned) <= 16
    for pixels, box in turned:
        assert (pixels[box.top : box.bottom + 1, box.left : box.right + 1] == COLOURS["blue"]).all()
    assert mirrored(image.pixels, truth, mirror=False, rng=np.random.default_rng(0))[1] is truth


def test_a_brighter_picture_keeps_its_shape() -> None:
    pixels = np.full((4, 4, 3), 200, dtype=np.uint8)
    changed = [int(brightened(pixels, 0.1, np.random.default_rng(k))[0, 0, 0]) for k in range(50)]
    assert 180 <= min(changed) < 190
    assert 210 < max(changed) <= 220
    assert brightened(pixels, 0.0, np.random.default_rng(0)) is pixels
