"""The second look: the same scenes and the same actions, in other pictures."""

import numpy as np
import pytest

from instar import plugins
from instar.demo import Box, Instruction, Observation
from instar.embodiments.vima import VIMA
from instar.errors import PluginError
from instar.robot import Floats
from instar.simulator import Simulator, Task
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.look import Conditions, Look
from instar.simulators.tabletop.render import scene
from instar.simulators.tabletop.tasks.sets import REAL
from instar.simulators.tabletop.views import VIEWS
from tests.simulators.tabletop.tasks.play import SEEDS

TASK = Task("cluttered_scene", REAL)


def _begun(look: Look, task: Task = TASK, seed: int = SEEDS[0]) -> tuple[Tabletop, Instruction, Observation]:
    simulator = Tabletop(look)
    return simulator, *simulator.reset(task, seed)


def _middle(box: Box) -> Floats:
    return np.array([box.left + box.right, box.top + box.bottom]) / 2


def test_it_is_chosen_by_an_option() -> None:
    simulator: Simulator = plugins.make("simulators", "tabletop:look=real")
    assert isinstance(simulator, Tabletop)
    assert simulator.look == "real"
    with pytest.raises(PluginError, match="look"):
        plugins.make("simulators", "tabletop:look=moon")


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (_begun("real")[2] for _ in range(2))
    for camera in ("front", "top"):
        assert np.array_equal(first.images[camera].pixels, second.images[camera].pixels)
        assert np.array_equal(first.segmentation[camera], second.segmentation[camera])


def test_every_episode_has_its_own_light_and_every_picture_its_own_noise() -> None:
    pictures = [_begun("real", seed=seed)[2].images["front"].pixels[:30] for seed in SEEDS[:5]]  # floor alone
    assert np.ptp([picture.mean() for picture in pictures]) > 8
    simulator, _, before = _begun("real")
    after = simulator.step(np.array([0.26, -0.49, 0.0, 0.26, 0.49, 0.0])).observation  # nothing to pick up there
    change = after.images["front"].pixels[:30].astype(float) - before.images["front"].pixels[:30]
    assert 3 < change.std() < 7  # two draws of noise
    assert abs(change.mean()) < 0.2


def test_only_the_pictures_differ_from_the_first_look() -> None:
    (sim, told, _), (real, also, _) = _begun("sim"), _begun("real")
    assert sim.bodies[0].place.tolist() == real.bodies[0].place.tolist()
    assert [body.name for body in sim.bodies] == [body.name for body in real.bodies]
    assert told.text == also.text
    action = np.array([*sim.bodies[1].place, 0.0, *sim.bodies[0].place, 0.0])
    one, two = sim.step(action), real.step(action)
    assert (one.success, one.reason) == (two.success, two.reason) == (True, "")


def test_the_robot_tells_the_map_that_was_calibrated() -> None:
    assert Tabletop("real").robot == VIMA


def test_boxes_are_those_of_the_moved_picture() -> None:
    _, _, observation = _begun("real")
    for thing in observation.objects:
        for camera, box in thing.boxes.items():
            rows, columns = np.nonzero(observation.segmentation[camera] == thing.id)
            assert (columns.min(), rows.min(), columns.max(), rows.max()) == (box.left, box.top, box.right, box.bottom)


def test_segmentation_follows_the_picture() -> None:
    """The pixels that are said to show a red thing are the red ones."""
    for seed in SEEDS[:10]:
        simulator, _, observation = _begun("real", Task("target_object", REAL), seed)
        for body in simulator.bodies:
            if body.texture in ("red", "blue"):
                pixels = observation.images["top"].pixels.astype(float)
                redness = pixels[..., 0] / (pixels.sum(axis=-1) + 1)
                inside = redness[observation.segmentation["top"] == body.id].mean()
                table = redness[observation.segmentation["top"] == 1].mean()
                assert (inside > table + 0.05) if body.texture == "red" else (inside < table - 0.05)


def test_the_camera_has_moved_by_a_few_pixels_and_nearly_the_same_in_all_episodes() -> None:
    shifts = []
    for seed in SEEDS[:12]:
        sim, real = (_begun(look, seed=seed)[2] for look in ("sim", "real"))
        for one, two in zip(sim.objects, real.objects, strict=True):
            shifts.append(_middle(two.boxes["front"]) - _middle(one.boxes["front"]))
    shift = np.array(shifts)
    assert 2 < np.hypot(*shift.mean(axis=0)) < 5
    assert np.hypot(*shift.T).max() < 9
    assert (shift.std(axis=0) < 1.5).all()


@pytest.mark.parametrize("camera", ["front", "top"])
def test_the_moved_camera_alone_keeps_nobody_from_success(camera: str) -> None:
    """Pointing at the middles of what is seen, by the map that was calibrated, is near enough."""
    for seed in SEEDS[:10]:
        simulator, _, observation = _begun("real", Task("target_object", REAL), seed)
        into, wanted = (_middle(thing.boxes[camera]) + 0.5 for thing in observation.objects[:2])
        (start_x, start_y), (end_x, end_y) = simulator.robot.camera(camera).lift([wanted, into], z=0.015)
        assert simulator.step(np.array([start_x, start_y, 0.0, end_x, end_y, 0.0])).success


def test_reference_pictures_are_taken_by_the_same_camera() -> None:
    _, instruction, _ = _begun("real", Task("visual_manipulation", "placement"))
    reference = instruction.references["base_obj"]
    pixels, ids = reference.images["front"].pixels, reference.segmentation["front"]
    paper = pixels[ids == 255].astype(float)
    assert paper.std(axis=0).max() < 30  # white under the light there is, no table
    (thing,) = reference.objects
    assert thing.id == 0
    assert (ids == 0).any()


def test_floor_and_table_are_told_apart_where_they_are_seen() -> None:
    conditions = Conditions.drawn(np.random.default_rng(0))
    for view in VIEWS:
        shot = conditions.photograph(scene((), view), view, np.random.default_rng(1))
        wood, stone = shot.rgb[shot.ids == 1].astype(float), shot.rgb[shot.ids == 0].astype(float)
        redness = [pixels[:, 0].mean() / pixels[:, 2].mean() for pixels in (wood, stone)]
        assert redness[0] > 1.3 * redness[1]
