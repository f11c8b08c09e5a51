"""Robots agree before the first step, or say in what they differ."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from instar.embodiments.vima import FRONT, TOP, VIMA, canonical
from instar.errors import MismatchError
from instar.robot import Camera

PINHOLE = Camera("pinhole", 100, 200, ((90.0, 0.0, 100.0, 5.0), (0.0, 95.0, 50.0, 3.0), (0.0, 0.0, 1.0, 2.0)))
world = st.floats(-2, 2)


@pytest.mark.parametrize("camera", [FRONT, TOP, PINHOLE])
@given(x=world, y=world, z=st.floats(0, 1))
def test_lifting_undoes_projecting(camera: Camera, x: float, y: float, z: float) -> None:
    pixels = camera.project([x, y, z])
    np.testing.assert_allclose(camera.lift(pixels, z), np.array([x, y]), atol=1e-9)


def test_the_front_camera_sees_the_table_where_llara_says() -> None:
    # LLaRA's own integers are these truncated: (3, 34), (128, 78), (254, 123).
    front = FRONT.project([[0.25, -0.5], [0.5, 0.0], [0.75, 0.5]])
    np.testing.assert_allclose(front, np.array([[3.0, 34.0], [128.5, 78.5], [254.0, 123.0]]))
    top = TOP.project([[0.25, -0.5], [0.75, 0.5]])
    np.testing.assert_allclose(top, np.array([[2.0, 1.0], [253.0, 127.0]]))


def test_higher_is_further_up_in_the_front_picture() -> None:
    assert FRONT.project([0.5, 0.0, 0.1])[1] < FRONT.project([0.5, 0.0, 0.0])[1]


def test_a_robot_with_more_cameras_will_do_and_one_with_fewer_will_not() -> None:
    narrow = replace(VIMA, cameras=(FRONT,))
    narrow.require(VIMA)
    with pytest.raises(MismatchError, match="camera 'top': policy present, simulator absent"):
        VIMA.require(narrow)


def test_a_camera_without_calibration_asks_for_none_and_gives_none() -> None:
    loose, tight = (replace(VIMA, cameras=(camera,)) for camera in (replace(FRONT, world_to_pixel=None), FRONT))
    loose.require(tight)
    with pytest.raises(MismatchError, match=r"camera 'front' world_to_pixel: policy \(.*, simulator None"):
        tight.require(loose)
    for act in (loose.cameras[0].project, loose.cameras[0].lift):
        with pytest.raises(MismatchError, match="camera 'front' is not calibrated"):
            act([0.5, 0.0])


def test_every_disagreement_is_named() -> None:
    assert FRONT.world_to_pixel is not None
    moved = replace(FRONT, world_to_pixel=((0.0, 240.0, 0.0, 128.5), *FRONT.world_to_pixel[1:]))
    other = replace(
        VIMA,
        name="panda",
        actions=replace(VIMA.actions, units=("mm", *VIMA.actions.units[1:]), mode="delta"),
        cameras=(moved,),
    )
    with pytest.raises(MismatchError) as caught:
        VIMA.require(other)
    for part in ("name", "units", "mm", "mode", "delta", "camera 'front' world_to_pixel", "camera 'top'", "absent"):
        assert part in str(caught.value)


def test_bounds_are_measured_not_meant() -> None:
    assert replace(VIMA.actions, low=(0.0,) * 6) == VIMA.actions


def test_an_unknown_camera_lists_the_known() -> None:
    with pytest.raises(MismatchError, match="front, top"):
        VIMA.camera("wrist")


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_canonical_actions_are_a_fixed_point(numbers: list[float]) -> None:
    once = canonical(np.array(numbers))
    np.testing.assert_array_equal(canonical(once), once)
    np.testing.assert_allclose(once, numbers, atol=1e-6)
