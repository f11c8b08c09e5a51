"""Where Meta-World's cameras hang, by geometry alone."""

import numpy as np
import pytest

from instar.simulators.metaworld.cameras import CAMERAS, MOUNTS, MOVING, camera, turned

HAND = (0.0, 0.6, 0.2)  # where it begins, about


@pytest.mark.parametrize("name", MOUNTS)
def test_the_hand_is_in_the_picture_and_higher_is_up(name: str) -> None:
    seen = camera(name, 128, 256, 0.0)
    u, v = seen.project(HAND)
    assert 0 < u < 256
    assert 0 < v < 128
    if name != "topview":
        assert seen.project((*HAND[:2], 0.3))[1] < v


@pytest.mark.parametrize("name", MOUNTS)
def test_what_lies_before_a_camera_lies_before_it_in_the_map_too(name: str) -> None:
    matrix = camera(name, 128, 256, 0.0).world_to_pixel
    assert matrix is not None
    depth = np.array(matrix[2]) @ [*HAND, 1.0]
    assert depth > 0.5  # metres


def test_from_above_right_is_right_and_ahead_is_up() -> None:
    seen = camera("topview", 128, 256, 0.0)
    u, v = seen.project((0.0, 0.5, 0.0))
    assert (u, v) == (128.0, 64.0)  # it hangs just there
    assert seen.project((0.1, 0.5, 0.0))[0] > u
    assert seen.project((0.0, 0.6, 0.0))[1] < v


def test_a_narrower_field_of_view_is_closer_about_the_same_middle() -> None:
    wide, near = (camera("corner4", 128, 256, fov).project(HAND) - [128, 64] for fov in (60.0, 30.0))
    np.testing.assert_allclose(near, wide * np.tan(np.radians(30)) / np.tan(np.radians(15)))


def test_cameras_that_go_with_the_hand_are_not_calibrated() -> None:
    assert set(CAMERAS) == {*MOUNTS, *MOVING}
    for name in MOVING:
        assert camera(name, 128, 256, 0.0).world_to_pixel is None
        assert not turned(name)
