"""Pictures of the table."""

from dataclasses import replace

import numpy as np
import pytest

from instar.demo import Box
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import PAPER_ID, box_of, portrait, scene
from instar.simulators.tabletop.seeing import Seen
from instar.simulators.tabletop.shapes import container, sample, scaled
from instar.simulators.tabletop.views import FRONT, TOP, VIEWS, View


def _body(name: str, x: float, y: float, z: float, yaw: float = 0.0, *, number: int = 5) -> Body:
    return Body(number, sample(name, np.random.default_rng(0)), "red", x, y, z, yaw)


# Boxes measured in the real renderer, out of the tables of its behaviour.
MEASURED = [
    (_body("block", 0.5, 0.0, 0.035), Box(120, 61, 136, 85), Box(120, 55, 136, 71)),
    (_body("ring", 0.4938, 0.2938, 0.016, 3.065), Box(190, 62, 213, 83), Box(190, 50, 213, 73)),
    (_body("letter G", 0.4969, -0.2406, 0.018, 2.401), Box(56, 59, 83, 83), Box(56, 48, 82, 74)),
    (_body("bowl", 0.4531, 0.2687, 0.0, 0.546), Box(168, 33, 218, 75), Box(168, 15, 217, 65)),
    (_body("frame", 0.5844, 0.2469, 0.0, 1.751), Box(164, 76, 216, 112), Box(164, 58, 216, 110)),
    (_body("square", 0.3531, -0.1531, 0.0005, 1.944), Box(53, 27, 126, 79), Box(53, 0, 126, 63)),
    (_body("pallet", 0.5, 0.25, 0.0175), Box(169, 55, 212, 96), Box(169, 37, 212, 89)),
]


@pytest.mark.parametrize(("body", "front", "top"), MEASURED, ids=lambda value: getattr(value, "name", ""))
def test_a_body_covers_the_pixels_it_should(body: Body, front: Box, top: Box) -> None:
    for view, box in ((FRONT, front), (TOP, top)):
        seen = box_of(scene([body], view).ids == body.id)
        assert seen is not None
        sides = [(seen.left, box.left), (seen.top, box.top), (seen.right, box.right), (seen.bottom, box.bottom)]
        assert max(abs(a - b) for a, b in sides) <= 1


def test_the_empty_table_is_a_dark_sheet_on_a_light_floor() -> None:
    shot = scene([], FRONT)
    assert shot.rgb.shape == (128, 256, 3)
    assert (shot.rgb[0, 0] == 239).all()
    assert (shot.rgb[79, 128] == 47).all()
    assert box_of(shot.ids == 1) == Box(3, 35, 253, 123)
    assert box_of(scene([], TOP).ids == 1) == Box(3, 1, 253, 125)


def test_upward_faces_are_bright_and_upright_faces_dark() -> None:
    shot = scene([replace(_body("block", 0.5, 0.0, 0.034), texture="blue")], FRONT)
    colors = {tuple(color) for color in shot.rgb[shot.ids == 5].tolist()}
    assert colors == {(73, 113, 156), (46, 72, 100)}


def test_the_nearer_of_two_things_hides_the_other() -> None:
    behind, before = _body("block", 0.45, 0.0, 0.034), _body("block", 0.53, 0.0, 0.034, number=6)
    ids = scene([before, behind], FRONT).ids
    alone = int((scene([behind], FRONT).ids == 5).sum())
    assert int((ids == 5).sum()) < alone
    assert int((ids == 6).sum()) == alone


def test_one_sees_through_a_ring_and_into_a_container() -> None:
    assert scene([_body("ring", 0.5, 0.0, 0.0)], TOP).ids[63, 128] == 1
    box = Body(5, container(0.16, 0.16), "blue", 0.5, 0.0, 0.025)
    inside = _body("block", 0.5, 0.0, 0.0383, number=6)
    ids = scene([box, inside], TOP).ids
    assert {int(number) for number in np.unique(ids)} == {0, 1, 5, 6}
    assert ids[63, 128] == 6


def test_yaw_turns_counter_clockwise_on_the_screen() -> None:
    # The stem of the T points away from the viewer; a quarter turn to the left points it at the left border.
    for yaw, (row, column) in ((0.0, (52, 128)), (np.pi / 2, (63, 117))):
        assert scene([_body("letter T", 0.5, 0.0, 0.0, yaw)], TOP).ids[row, column] == 5


def test_a_leaning_thing_shows_its_side_from_above() -> None:
    upright = _body("shorter block", 0.5, 0.0, 0.1)
    leaning = Body(5, upright.shape, "red", 0.5, 0.0, 0.1, lean=0.6, toward=0.0)
    assert len(np.unique(scene([upright], TOP).rgb[scene([upright], TOP).ids == 5], axis=0)) == 1
    shot = scene([leaning], TOP)
    assert len(np.unique(shot.rgb[shot.ids == 5], axis=0)) == 2


def test_a_portrait_stands_on_white_paper() -> None:
    block = sample("small block", np.random.default_rng(0))
    big = Body(0, scaled(block, (7.0, 7.0, 7.0)), "red swirl", 0.5, 0.0, 0.0, np.pi / 2)
    shot = portrait([big], FRONT)
    assert (shot.rgb[0, 0] == 255).all()
    assert set(np.unique(shot.ids)) == {0, PAPER_ID}
    assert box_of(shot.ids == 0) == Box(102, 42, 154, 116)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_boxes_say_what_the_segmentation_shows(view: View) -> None:
    bodies = [_body("flower", 0.4, -0.2, 0.0), _body("bowl", 0.6, 0.2, 0.0, number=6), _body("pan", 2.0, 0.0, 0.0)]
    shot = scene(bodies[:2], view)
    first, second = Seen(bodies[:2], lambda view: scene(bodies[:2], view)).objects
    assert (first.name, second.name) == ("red flower", "red bowl")
    assert first.boxes[view.name] == box_of(shot.ids == 5)
    unseen = Seen(bodies[2:], lambda view: scene(bodies[2:], view)).objects[0]
    assert unseen.boxes == {}
