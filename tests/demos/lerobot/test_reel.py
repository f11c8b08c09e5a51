"""Pictures of a video by their times: the right one, each decoded once, and nothing where there is none."""

from pathlib import Path
from typing import Any

import av
import pytest

from instar.demos.lerobot.reel import KEPT, Reel
from instar.errors import DataError
from tests.demos.lerobot.reels import FPS, grey, write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty frames, five seconds."""
    return write_video(tmp_path_factory.mktemp("film") / "all.mp4", frames=50)


def shown(reel: Reel, t: int) -> int:
    return int(reel.image(t).pixels.mean().round())


def film(path: Path, first: int, count: int) -> Reel:
    return Reel(path, [(first + t) / FPS for t in range(count)], tolerance=1e-4)


def test_finds_pictures_in_any_order(video: Path) -> None:
    episode = film(video, first=13, count=20)
    for t in (0, 1, 2, 19, 7, 8, 0, 18):
        assert abs(shown(episode, t) - grey(13 + t)) <= 1


def test_in_order_each_picture_is_decoded_once_and_a_few_stay_ready(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    really = av.open

    def opening(*arguments: Any) -> Any:
        opened.append(arguments)
        return really(*arguments)

    monkeypatch.setattr(av, "open", opening)
    episode = film(video, first=5, count=40)
    for t in range(40):
        episode.image(t)
        episode.image(max(t - 5, 0))
    assert len(opened) == 1
    episode.image(40 - KEPT)
    assert len(opened) == 1
    episode.image(0)
    assert len(opened) == 2


def test_a_time_without_a_picture_is_an_error(video: Path) -> None:
    with pytest.raises(DataError, match=r"no picture at 1\.0300 s within 0\.0001 s; the next is at 1\.1000 s"):
        Reel(video, [1.03], tolerance=1e-4).image(0)
    with pytest.raises(DataError, match=r"no picture at 9\.0000 s"):
        Reel(video, [9.0], tolerance=1e-4).image(0)


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("no video")
    with pytest.raises(DataError, match=r"text\.mp4: not a video"):
        Reel(path, [0.0], tolerance=1e-4).image(0)
    with pytest.raises(DataError, match=r"gone\.mp4"):
        Reel(tmp_path / "gone.mp4", [0.0], tolerance=1e-4).image(0)
