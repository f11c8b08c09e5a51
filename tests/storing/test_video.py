"""Videos: every frame near what it was, at its time, also where episodes were joined."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from numpy.typing import NDArray

from instar.errors import DataError
from instar.robot import Camera
from instar.storing.video import CRF, Codec, encode, joined
from tests.storing.made import made_picture

CAMERA = Camera("front", 32, 48)
CODECS: tuple[Codec, ...] = ("h264", "av1")


def film(folder: Path, number: int, length: int, codec: Codec) -> Path:
    path = folder / f"{number}.mp4"
    frames = (made_picture(CAMERA, number, t) for t in range(length))
    encode(frames, CAMERA, path, 10, codec, CRF[codec])
    return path


def decoded(path: Path) -> tuple[list[float], NDArray[np.uint8]]:
    """The times and the pictures of a video."""
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    return [float(frame.time) for frame in frames], np.stack([frame.to_ndarray(format="rgb24") for frame in frames])


@pytest.mark.parametrize("codec", CODECS)
def test_every_frame_is_near_what_it_was(tmp_path: Path, codec: Codec) -> None:
    times, pictures = decoded(film(tmp_path, 1, 7, codec))
    assert times == pytest.approx([t / 10 for t in range(7)])
    for t, picture in enumerate(pictures):
        assert np.abs(picture.astype(int) - made_picture(CAMERA, 1, t)).mean() < 4


@pytest.mark.parametrize("codec", CODECS)
def test_joined_episodes_keep_every_frame_as_it_is(tmp_path: Path, codec: Codec) -> None:
    pieces = [film(tmp_path, number, length, codec) for number, length in enumerate((5, 1, 4))]
    with joined(tmp_path / "all.mp4", 10) as whole:
        ends = []
        for piece in pieces:
            whole.append(piece)
            ends.append(whole.frames)
    assert ends == [5, 6, 10]
    times, pictures = decoded(tmp_path / "all.mp4")
    assert times == pytest.approx([t / 10 for t in range(10)])
    assert_array_equal(pictures, np.concatenate([decoded(piece)[1] for piece in pieces]))


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    for codec in CODECS:
        first = film(tmp_path, 2, 6, codec).read_bytes()
        assert film(tmp_path, 2, 6, codec).read_bytes() == first


def test_sizes_that_no_encoder_takes_say_so(tmp_path: Path) -> None:
    tiny = Camera("tiny", 2, 2)
    with pytest.raises(DataError, match="pictures of 2x2 cannot become a video of av1"):
        encode([made_picture(tiny, 0, 0)], tiny, tmp_path / "tiny.mp4", 10, "av1", 30)
