"""The camera that knows where the world is."""

import numpy as np
import pytest

from instar.simulator import Task
from instar.simulators.arm import Arm
from instar.simulators.arm.cameras import camera
from instar.simulators.arm.selection import TASKS
from instar.simulators.arm.skeleton import MARK_GROUP
from instar.simulators.arm.tasks.layout import HIGH, LOW
from tests.simulators.arm.playing import advised, begun, needs_pictures

FRAMES = 200


@needs_pictures
def test_the_map_and_the_pictures_agree_on_where_the_hand_is() -> None:
    arm, off = Arm(), np.empty(0)
    for k, task in enumerate(TASKS * 2):
        context = begun(arm, Task(task, "seen"), k)
        for _ in range(FRAMES // len(TASKS)):
            transition = arm.step(advised(arm, context))
            off = np.append(off, _off(arm, transition.observation.state[-3:]))
            if transition.terminated:
                break
        if len(off) >= FRAMES:
            break
    assert len(off) >= FRAMES
    assert off.max() < 2.0
    assert off.mean() < 0.5


@needs_pictures
@pytest.mark.parametrize(("height", "width"), [(64, 128), (224, 224), (96, 320)])
def test_they_agree_in_pictures_of_other_sizes(height: int, width: int) -> None:
    arm = Arm(height=height, width=width)
    _, observation = arm.reset(Task("pick_and_lift", "seen"), 3)
    assert _off(arm, observation.state[-3:]) < 1.0


def _off(arm: Arm, place: np.ndarray) -> float:
    """Pixels from where a ball between the fingertips is seen to where the map says that it is."""
    rows, columns = np.nonzero(arm.geoms("front", MARK_GROUP) >= 0)
    assert len(rows) > 0, "the hand has left the picture"
    seen = np.array([columns.mean() + 0.5, rows.mean() + 0.5])  # pixel (c, r) covers [c, c + 1) x [r, r + 1)
    return float(np.linalg.norm(arm.robot.camera("front").project(place) - seen))


@pytest.mark.parametrize(("height", "width"), [(128, 256), (64, 128), (224, 224), (96, 320)])
def test_the_whole_workspace_is_in_the_picture(height: int, width: int) -> None:
    corners = [(x, y, z) for x in (LOW[0], HIGH[0]) for y in (LOW[1], HIGH[1]) for z in (0.0, 0.15)]
    pixels = camera("front", height, width).project(corners)
    assert (pixels >= 0).all()
    assert (pixels < (width, height)).all()


def test_the_wrists_camera_moves_and_has_no_map() -> None:
    assert camera("wrist", 64, 128).world_to_pixel is None
