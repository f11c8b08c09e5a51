"""What a policy may look at is the same cut from an episode and accumulated in a rollout."""

import copy

import numpy as np
import pytest

from instar.demo import Context, Image
from instar.errors import DataError
from tests.toy import toy_episode

PIXELS = np.random.default_rng(0).integers(0, 255, (4, 6, 3), dtype=np.uint8)


def test_an_image_is_lossless_through_its_bytes() -> None:
    image = Image.of(PIXELS)
    again = Image.encoded(image.data)
    np.testing.assert_array_equal(again.pixels, PIXELS)
    assert again.digest == image.digest
    assert copy.deepcopy(image).digest == image.digest


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_damaged_bytes_are_named_when_pixels_are_asked_for(data: bytes) -> None:
    with pytest.raises(DataError, match="cannot be decoded"):
        _ = Image.encoded(data).pixels


def test_a_picture_is_checked_to_its_last_byte() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    jpeg, png = Image.of(pixels).jpeg(90), Image.of(pixels).data
    for whole in (Image.encoded(jpeg), Image.encoded(png), Image.of(pixels)):
        whole.require_whole()
    for data in (b"", b"torn", jpeg[: len(jpeg) // 2], png[: len(png) // 2]):
        with pytest.raises(DataError, match="cannot be decoded"):
            Image.encoded(data).require_whole()


def test_refuses_pixels_of_another_shape() -> None:
    with pytest.raises(DataError, match="RGB"):
        Image.of(PIXELS[..., :2])


@pytest.mark.parametrize("past", [0, 1, 8])
def test_context_cut_equals_context_accumulated(past: int) -> None:
    episode = toy_episode()
    context = episode.context(0, past)
    for t in range(episode.length):
        assert _seen(context) == _seen(episode.context(t, past))
        if t + 1 < len(episode.steps):
            context = context.after(episode.action(t), episode.steps[t + 1].observation, past)


def _seen(context: Context) -> tuple[int, str, tuple[tuple[str, tuple[float, ...]], ...]]:
    past = tuple(
        (step.observation.images["front"].digest, tuple([] if step.action is None else step.action))
        for step in context.past
    )
    return context.t, context.observation.images["front"].digest, past


def test_views_are_every_frame_then_every_reference() -> None:
    episode = toy_episode()
    keys = [view.key for view in episode.views()]
    assert keys[:3] == ["0", "1", "2"]
    assert all(key.startswith("a_") for key in keys[3:])
    assert episode.length == 2


def test_asking_for_an_action_that_is_not_there_says_so() -> None:
    with pytest.raises(DataError, match="step 2 has no action"):
        toy_episode().action(2)
