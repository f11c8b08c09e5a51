"""Pictures, drawn when somebody looks."""

import threading
from multiprocessing.reduction import ForkingPickler

import numpy as np

from instar.demo import Observation
from instar.simulator import Task
from instar.simulators.arm import Arm
from instar.simulators.arm.palette import RGB
from instar.simulators.arm.seeing import box_of
from tests.simulators.arm.playing import advised, begun, needs_pictures

pytestmark = needs_pictures
PICK = Task("pick_and_lift", "seen")


def small() -> Arm:
    return Arm(height=64, width=128)


def test_a_look_shows_the_moment_at_which_it_was_taken() -> None:
    one, two = small(), small()
    late, early = begun(one, PICK, 0), begun(two, PICK, 0)
    first = early.observation.images["front"].pixels
    for _ in range(4):
        moved = one.step(advised(one, late)).observation
    assert np.array_equal(late.observation.images["front"].pixels, first)
    assert not np.array_equal(moved.images["front"].pixels, first)


def test_boxes_lie_where_things_are_seen() -> None:
    arm = small()
    _, observation = arm.reset(PICK, 0)
    shown = observation.segmentation["front"]
    assert set(np.unique(shown)) == {0, 1, 2, 3, 4}
    assert [thing.shape for thing in observation.objects] == ["block", "block", "block", "ball"]
    for thing in observation.objects:
        assert thing.boxes["front"] == box_of(shown == thing.id)
    assert not shown.flags.writeable


def test_things_are_seen_in_the_colours_that_they_are_told_by() -> None:
    arm = Arm()
    _, observation = arm.reset(Task("reach_and_drag", "seen"), 1)
    for thing in observation.objects:
        if thing.texture in RGB:
            shown = observation.images["front"].pixels[observation.segmentation["front"] == thing.id].mean(axis=0)
            told = np.array(RGB[thing.texture])
            assert np.dot(shown, told) / np.linalg.norm(shown) / np.linalg.norm(told) > 0.95


def test_a_thing_that_a_camera_does_not_see_has_no_box_there() -> None:
    arm = small()
    _, observation = arm.reset(Task("open_drawer", "seen"), 0)
    hidden = [thing for thing in observation.objects if "wrist" not in thing.boxes]
    assert len(hidden) < len(observation.objects)


def test_the_cameras_see_different_things() -> None:
    _, observation = small().reset(PICK, 0)
    assert list(observation.images) == ["front", "wrist"]
    front, wrist = (observation.images[name].pixels for name in ("front", "wrist"))
    assert front.shape == wrist.shape == (64, 128, 3)
    assert not np.array_equal(front, wrist)


def test_an_observation_that_travels_takes_its_pictures_along() -> None:
    arm = small()
    _, observation = arm.reset(PICK, 0)
    there: Observation = ForkingPickler.loads(ForkingPickler.dumps(observation))
    assert there.images["wrist"].digest == observation.images["wrist"].digest
    assert there.objects == observation.objects


def test_another_thread_may_look() -> None:
    _, observation = small().reset(PICK, 0)
    _, again = small().reset(PICK, 0)
    seen: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: seen.append(observation.images["front"].pixels))
    thread.start()
    thread.join()
    assert np.array_equal(seen[0], again.images["front"].pixels)


def test_what_lies_under_the_hand_is_shaded() -> None:
    arm = small()
    _, observation = arm.reset(Task("sweep_to_dustpan", "seen"), 0)
    u, v = arm.robot.camera("front").project([*observation.state[-3:-1], 0.0])
    pixels = observation.images["front"].pixels.astype(int)
    beside = pixels[int(v), int(u) + 12]
    assert pixels[int(v), int(u)].sum() < 0.8 * beside.sum()
