"""Frames and videos of episodes."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from instar.errors import DataError
from instar.playing.film import Film, Keep, drawn_frames, frames, place
from instar.rollout import EpisodeRecord, rollout
from tests.point_world import POINT, PointWorld, Slider, trial


def filmed(run: Path, keep: Keep = "always", max_steps: int = 12, name: str = "slide") -> EpisodeRecord:
    film = Film(POINT)
    record = rollout(Slider(), PointWorld(), trial(name, max_steps=max_steps), film=film)
    film.save(run, record, keep)
    return record


def test_every_observation_is_a_frame(tmp_path: Path) -> None:
    record = filmed(tmp_path)
    film = frames(tmp_path, record.id)
    assert film is not None
    assert [path.name for path in film.paths] == [f"{t}.jpg" for t in range(record.steps + 1)]
    assert (film.camera, film.names) == (POINT.cameras[0], ("x",))
    last = np.asarray(cv2.imread(str(film.paths[-1])))
    assert last.shape == (16, 32, 3)
    assert len(drawn_frames(tmp_path, record)) == record.steps + 1


def test_a_camera_that_nobody_measured_films_too(tmp_path: Path) -> None:
    robot = replace(POINT, cameras=(replace(POINT.cameras[0], world_to_pixel=None),))
    film = Film(robot)
    record = rollout(Slider(), PointWorld(), trial(), film=film)
    film.save(tmp_path, record, "always")
    kept = frames(tmp_path, record.id)
    assert kept is not None
    assert kept.camera == robot.cameras[0]
    assert len(drawn_frames(tmp_path, record)) == record.steps + 1


def test_endings_are_kept_as_asked(tmp_path: Path) -> None:
    kept = {
        (keep, max_steps): frames(tmp_path, filmed(tmp_path / f"{keep}{max_steps}", keep, max_steps).id)
        or frames(tmp_path / f"{keep}{max_steps}", "line/slide/0")
        for keep in ("never", "failures", "always")
        for max_steps in (1, 12)
    }
    assert {key for key, film in kept.items() if film is not None} == {("failures", 1), ("always", 1), ("always", 12)}


def test_a_crashed_episode_is_kept_as_far_as_it_went(tmp_path: Path) -> None:
    film = frames(tmp_path, filmed(tmp_path, "failures", name="crash").id)
    assert film is not None
    assert len(film.paths) == 2


def test_filming_again_replaces_what_was_there(tmp_path: Path) -> None:
    filmed(tmp_path)
    film = frames(tmp_path, filmed(tmp_path, max_steps=1).id)
    assert film is not None
    assert len(film.paths) == 2


def test_an_episode_that_was_not_filmed_has_no_frames(tmp_path: Path) -> None:
    record = rollout(Slider(), PointWorld(), trial())
    assert frames(tmp_path, record.id) is None
    assert drawn_frames(tmp_path, record) == []


def test_a_damaged_film_is_told_by_name(tmp_path: Path) -> None:
    record = filmed(tmp_path)
    (tmp_path / "frames" / place(record.id) / "film.json").write_text("{}")
    with pytest.raises(DataError, match=r"film\.json"):
        frames(tmp_path, record.id)


@pytest.mark.skipif(importlib.util.find_spec("av") is None, reason="PyAV is not installed (the extra `video`)")
def test_the_video_has_the_frames_at_two_a_second(tmp_path: Path) -> None:
    import av

    record = filmed(tmp_path)
    with av.open(str(tmp_path / "videos" / place(record.id)) + ".mp4") as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == 2
    assert len(pictures) == record.steps + 1
    assert pictures[0].shape == (48, 96, 3)


@pytest.mark.parametrize("name", ["a/../../b/1", "/etc/x/1", "L 1/what?/2", "//3", "./.../x", "a/b.c/1"])
def test_no_id_leaves_the_folder_of_the_run(tmp_path: Path, name: str) -> None:
    path = (tmp_path / place(name)).resolve()
    assert path.is_relative_to(tmp_path)
    assert len(path.relative_to(tmp_path).parts) == name.count("/") + 1
