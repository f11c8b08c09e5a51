"""Pictures of conversations, called after where they are from."""

from dataclasses import replace

import numpy as np
import pytest

from instar.building.pictures import shows
from instar.chat import Shown
from instar.demo import Episode, Image, Instruction, View, original
from tests.toy import toy_episode, toy_observation, toy_picture, toy_reference

KEY = "vima_v6/rearrange/000042"


def episode(*slots: str) -> Episode:
    """The toy episode with a reference picture, the same one each time, in every slot."""
    references = {slot: toy_reference("object") for slot in slots}
    return replace(toy_episode(), instruction=Instruction("Do it.", references))


def view(of: Episode, t: int) -> View:
    return View(str(t), of.steps[t].observation.images, (), t)


def test_a_frame_alone_is_number_0() -> None:
    toy = episode("base_obj")
    frame = toy.steps[1].observation.images["front"]
    assert shows([frame], view(toy, 1), toy) == (Shown(f"{KEY}/rgb_front/1.png", 0),)
    assert shows([toy.steps[1].observation.images["top"]], view(toy, 1), toy)[0].name == f"{KEY}/rgb_top/1.png"


def test_references_are_numbered_as_the_instruction_has_them_and_the_frame_is_last() -> None:
    toy = episode("base_obj", "dragged_obj")
    frame = toy.steps[0].observation.images["front"]
    base, dragged = (toy.instruction.references[slot].images["front"] for slot in ("base_obj", "dragged_obj"))
    found = shows([frame, dragged, base, dragged], view(toy, 0), toy)
    assert [(shown.name.rpartition("/")[2], shown.number, shown.is_reference) for shown in found] == [
        ("0.png", 2, False),
        ("a_dragged_obj.png", 1, True),
        ("a_base_obj.png", 0, True),
        ("a_dragged_obj.png", 1, True),
    ]
    assert base.digest == dragged.digest, "they are told apart though they look the same"


def test_a_reference_that_nobody_shows_takes_no_number() -> None:
    toy = episode("base_obj", "dragged_obj")
    dragged = toy.instruction.references["dragged_obj"].images["front"]
    found = shows([toy.steps[0].observation.images["front"], dragged], view(toy, 0), toy)
    assert [shown.number for shown in found] == [1, 0]


def test_a_picture_that_was_read_again_is_known_by_its_bytes() -> None:
    toy = episode("base_obj")
    copy = Image.encoded(toy.steps[2].observation.images["front"].data)
    assert shows([copy], view(toy, 2), toy)[0].name == f"{KEY}/rgb_front/2.png"


def test_a_picture_that_a_task_made_is_called_by_its_digest() -> None:
    toy = episode("base_obj")
    made = Image.of(np.zeros((4, 4, 3), np.uint8))
    assert shows([made], view(toy, 0), toy) == (Shown(f"{KEY}/made/{made.digest}.png", 0),)


def test_a_jpeg_keeps_its_ending() -> None:
    toy = toy_episode()
    picture = Image.encoded(toy_picture((), toy.robot.camera("front")).jpeg(90))
    seen = replace(toy_observation(()), images={"front": picture})
    assert shows([picture], View("7", seen.images, (), 7), toy)[0].name == f"{KEY}/rgb_front/7.jpg"


@pytest.mark.parametrize(
    ("id", "first"), [("a/7~2", "a/7"), ("a/7~12", "a/7"), ("a/7", "a/7"), ("~2/7", "~2/7"), ("a/7~x", "a/7~x")]
)
def test_copies_of_an_episode_share_its_pictures(id: str, first: str) -> None:
    assert original(id) == first
    toy = replace(toy_episode(), id=id)
    frame = toy.steps[0].observation.images["front"]
    assert shows([frame], view(toy, 0), toy)[0].name == f"{first}/rgb_front/0.png"
