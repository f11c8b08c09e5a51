"""Where an end effector is known to be, by the camera's map and by somebody's hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from instar import plugins
from instar.demo import Box
from instar.errors import ConfigError, DataError
from instar.seeing.detect import Labelled
from instar.seeing.effector import NAME, Effector, known_places, sought, told
from tests.arm import FRONT, arm_episode
from tests.seeing import hands


def pictures(folder: Path, *names: str) -> Path:
    """Pictures of 64 x 64 pixels, and where their labels go."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(hands.picture(hands.path(0, 1)[0], 0))
    return folder / "labels.csv"


def middle(look: Labelled) -> tuple[float, float]:
    return look.truth[0].place


def test_what_is_sought_is_said_in_words() -> None:
    assert sought("objects") is None
    assert sought("effector") == Effector(box=24)
    assert sought("effector:metres=0.1,every=3,name=gripper") == Effector(24, 0.1, 3, "gripper")
    with pytest.raises(ConfigError, match="a detector finds objects or the effector"):
        sought("hands")
    with pytest.raises(ConfigError, match="no option 'meters'; did you mean 'metres'"):
        sought("effector:meters=1")
    with pytest.raises(ConfigError, match="every=0 must be 1 or more"):
        sought("effector:every=0")


def test_the_middle_of_a_box_is_the_place_of_the_hand(tmp_path: Path) -> None:
    source = plugins.make("demos", f"rlbench:{hands.calibrated(tmp_path, 2)}")
    [_, id] = source.ids()
    looks = list(known_places(source.episode(id), "front", Effector(box=11)))
    assert [(look.episode, look.key, look.kind) for look in looks] == [(id, str(t), "frame") for t in range(8)]
    for look, place in zip(looks, hands.path(1, 8), strict=True):
        [thing] = look.truth
        assert (thing.box.right - thing.box.left + 1, thing.box.bottom - thing.box.top + 1) == (11, 11)
        assert middle(look) == pytest.approx(tuple(place), abs=0.51)


def test_boxes_in_metres_are_as_large_as_the_camera_sees_them() -> None:
    [first, *_] = known_places(arm_episode(), "front", Effector(metres=0.12))
    assert first.truth[0].box == Box(58, 26, 69, 37)  # a metre is 100 pixels; the hand is at (64, 32)
    assert [look.key for look in known_places(arm_episode(), "front", Effector(every=4))] == ["0", "4"]


def test_frames_without_the_hand_are_learned_as_such_and_its_box_may_reach_beyond_the_picture() -> None:
    looks = list(known_places(arm_episode(40), "front", Effector(box=20)))
    # It leaves the picture of 128 pixels after 30 steps of 3.2 pixels from pixel 32 on.
    assert [bool(look.truth) for look in looks] == [True] * 30 + [False] * 10
    assert looks[29].truth[0].box.bottom > 127
    assert middle(looks[29]) == pytest.approx((64.0, 32 + 29 * 3.2), abs=0.51)


def test_where_nobody_knows_there_is_nothing_to_learn() -> None:
    one = arm_episode()
    blind = replace(one, robot=replace(one.robot, cameras=(replace(FRONT, world_to_pixel=None),)))
    with pytest.raises(DataError, match="in no picture of camera 'front', as far as is known"):
        list(known_places(blind, "front", Effector()))


def test_labels_are_read_from_csv(tmp_path: Path) -> None:
    labels = pictures(tmp_path, "a/0.png", "a/1.png", "b.png", "c.png")
    labels.write_text(
        "image,x,y,left,top,right,bottom,episode\na/0.png,20.5,30,,,,,a\na/1.png,,,10,20,31,40,a\nb.png,,,,,,,\nc.png,1,2,,,,,\n"
    )
    first, second, third, fourth = told(labels, Effector(box=9, name="gripper"))
    assert [look.episode for look in (first, second, third, fourth)] == ["a", "a", "b.png", "c.png"]
    assert first.truth[0].name == "gripper"
    assert middle(first) == pytest.approx((20.5, 30), abs=0.51)
    assert second.truth[0].box == Box(10, 20, 30, 39), "a box by hand keeps its size"
    assert third.truth == (), "nothing to be seen there"
    assert fourth.truth[0].box == Box(-4, -2, 4, 6), "the place is in the middle, also near the border"
    assert first.image.pixels.shape == (64, 64, 3)


def test_labels_are_read_from_json(tmp_path: Path) -> None:
    labels = pictures(tmp_path, "a.png", "b.png").with_suffix(".json")
    labels.write_text(json.dumps([{"image": "a.png", "x": 20, "y": 30.0}, {"image": "b.png"}]))
    first, second = told(labels, Effector())
    assert middle(first) == pytest.approx((20, 30), abs=0.51)
    assert first.truth[0].name == NAME
    assert second.truth == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("image,x,y\na.png,1\n", r"row 2: x, y are \['1', None\]; expected finite numbers"),
        ("image,x,y\na.png,one,2\n", "row 2: x, y are .*; expected numbers"),
        ("image,x,y\na.png,nan,2\n", "row 2: .*expected finite numbers"),
        ("image,x,y\na.png,1,2\na.png,1,2\n", r"row 3: a\.png once more"),
        ("image,x,y\n,1,2\n", "row 2: no image; one row a picture"),
        ("image,x,y\nb.png,1,2\n", r"b\.png: no such file"),
        ("image,x,y\na.png,100,2\n", r"row 2: a\.png is 64 x 64; the label lies outside"),
        ("image,x,y\na.png,,\n", "no picture with an end effector"),
        ("image,left,top,right,bottom\na.png,9,1,9,5\n", "row 2: a box from 9, 1 to 9, 5 has no inside"),
        ("image,x,z\na.png,1,2\n", "unknown z; there are image, x, y"),
        ("image,x,y\na.png,1,2,3\n", "row 2: unknown more than the header"),
        ("image,x,y\ntorn.png,1,2\n", r"row 2: .*torn\.png: .*cannot be decoded"),
    ],
)
def test_labels_that_will_not_do_are_refused_by_their_row(tmp_path: Path, rows: str, words: str) -> None:
    labels = pictures(tmp_path, "a.png")
    (tmp_path / "torn.png").write_bytes((tmp_path / "a.png").read_bytes()[:40])
    labels.write_text(rows)
    with pytest.raises(DataError, match=words):
        told(labels, Effector(box=8))


def test_a_file_that_is_no_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"image": "a.png"}')
    with pytest.raises(DataError, match="expected a list of objects with image, x, y"):
        told(tmp_path / "labels.json", Effector())
    (tmp_path / "labels.csv").write_bytes(b"image,x,y\n\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        told(tmp_path / "labels.csv", Effector())
