import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from instar.demos.vima import Vima
from instar.errors import DataError
from instar.robot import Floats
from tests.vima_layout import Contents, write_vima

ROTATE = "vima_v6/rotate/000000"


def put(*path: object, to: object) -> Callable[[Contents], None]:
    """A change that sets what is at `path` in an episode to `to`, or to what the function `to` makes of it."""

    def change(contents: Contents) -> None:
        place: Any = contents
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to(place[path[-1]]) if callable(to) else to

    return change


def drop(*path: object) -> Callable[[Contents], None]:
    """A change that takes out what is at `path` in an episode."""

    def change(contents: Contents) -> None:
        place: Any = contents
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def spoiled(value: float) -> Callable[[Floats], Floats]:
    """The same numbers with `value` at the end of the first row."""

    def spoil(numbers: Floats) -> Floats:
        numbers[0, -1] = value
        return numbers

    return spoil


OBS, ACTION, TRAJECTORY = "obs.pkl", "action.pkl", "trajectory.pkl"
ASSET = (TRAJECTORY, "prompt_assets", "dragged_obj")

DAMAGES: Mapping[str, tuple[Callable[[Contents], None], str]] = {
    "no picture": (drop("rgb_top/1.jpg"), r"1 of 4 pictures are missing, first rgb_top/1\.jpg"),
    "no observations": (drop(OBS), r"obs\.pkl"),
    "no actions": (drop(ACTION), r"action\.pkl"),
    "cut pickle": (put(OBS, to=lambda value: pickle.dumps(value)[:-1000]), r"obs\.pkl: cut short"),
    "empty pickle": (put(ACTION, to=b""), r"action\.pkl: cut short"),
    "other pickle": (put(ACTION, to=[1, 2]), r"action\.pkl: should be a table, is a list"),
    "one action less": (
        put(ACTION, "pose1_position", to=lambda rows: rows[1:]),
        r"'pose1_position' should have the shape",
    ),
    "no action at all": (put(ACTION, to=lambda t: {k: v[:0] for k, v in t.items()}), r"action\.pkl: has no action"),
    "steps differ": (put(TRAJECTORY, "steps", to=5), r"speaks of 5 steps; action\.pkl has 1"),
    "nan": (put(ACTION, "pose0_position", to=spoiled(np.nan)), r"'pose0_position' holds nan at step 0"),
    "infinity": (put(ACTION, "pose1_rotation", to=spoiled(np.inf)), r"'pose1_rotation' holds inf at step 0"),
    "no rotation": (put(ACTION, "pose1_rotation", to=lambda rows: rows * 0), r"'pose1_rotation' .* is no rotation"),
    "words for actions": (put(ACTION, "pose0_position", to=np.array([["a", "b"]])), r"should be numbers, is <U1"),
    "list for array": (put(ACTION, "pose0_position", to=[[0.3, 0.1]]), r"should be an array, is a list"),
    "tools missing": (drop(OBS, "ee"), r"obs\.pkl: has no 'ee'"),
    "one tool less": (put(OBS, "ee", to=lambda rows: rows[1:]), r"'ee' should have the shape \(2,\), has \(1,\)"),
    "other tool": (put(OBS, "ee", to=np.array([0, 2])), r"'ee' should be 0 \(suction cup\) or 1"),
    "no top mask": (drop(OBS, "segm", "top"), r"obs\.pkl\['segm'\]: has no 'top'"),
    "one mask less": (put(OBS, "segm", "front", to=lambda m: m[1:]), r"'front' should have the shape \(2, 128, 256\)"),
    "other mask size": (
        put(OBS, "segm", "top", to=lambda m: m[:, ::2]),
        r"should have the shape .* has \(2, 64, 256\)",
    ),
    "wide masks": (put(OBS, "segm", "top", to=lambda m: m.astype(np.int32)), r"'top' should be uint8, is int32"),
    "empty masks": (
        put(OBS, "segm", to=lambda s: {k: v * 0 for k, v in s.items()}),
        r"shows none of the objects \[4, 5\]",
    ),
    "no objects": (put(TRAJECTORY, "obj_id_to_info", to={}), r"\['obj_id_to_info'\]: names no object"),
    "object without a name": (drop(TRAJECTORY, "obj_id_to_info", 4, "obj_name"), r"\[4\]: has no 'obj_name'"),
    "object id too large": (put(TRAJECTORY, "obj_id_to_info", 256, to={"obj_name": "a"}), r"256 is no object id"),
    "no prompt": (put(TRAJECTORY, "prompt", to=" "), r"'prompt' should be words"),
    "slot without picture": (
        put(TRAJECTORY, "prompt", to="To {dragged_obj} and {b}."),
        r"slots \['b', 'dragged_obj'\]",
    ),
    "picture without slot": (
        put(TRAJECTORY, "prompt", to="Turn it."),
        r"slots \[\] and the reference pictures \['drag",
    ),
    "no references": (drop(TRAJECTORY, "prompt_assets"), r"has no 'prompt_assets'"),
    "reference id": (drop(*ASSET, "segm", "obj_info", "obj_id"), r"\['obj_info'\]: has no 'obj_id'"),
    "absent reference id": (put(*ASSET, "segm", "obj_info", "obj_id", to=7), r"shows none of the objects \[7\]"),
    "reference kind": (put(*ASSET, "placeholder_type", to="video"), r"a reference of kind 'video'"),
    "object as list": (put(*ASSET, "segm", "obj_info", to=lambda about: [about]), r"should be a table, is a list"),
    "scene as table": (put(*ASSET, "placeholder_type", to="scene"), r"kind 'scene' with a dict of objects"),
    "reference pixels": (put(*ASSET, "rgb", "front", to=np.zeros((128, 256, 3), np.uint8)), r"shape \(3, 128, 256\)"),
    "reference mask": (drop(*ASSET, "segm", "top"), r"has no 'top'"),
    "hostile": (put(TRAJECTORY, to=b"cposix\nsystem\n(S'true'\ntR."), r"refused: the pickle asks for posix\.system"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_its_episode_and_place(tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    path = write_vima(tmp_path / "vima", episodes=1, change=change)
    with pytest.raises(DataError, match=message) as error:
        Vima(path).episode(ROTATE)
    assert ROTATE in str(error.value)


PICTURES: Mapping[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (lambda data: data[:-20], r"\d+ bytes that are no whole JPEG"),
    "text": (lambda _: b"<html>404</html>", r"16 bytes that are no whole JPEG"),
    "small": (lambda _: jpeg(64, 128), r"a JPEG of 64x128 pixels; the camera's pictures are 128x256"),
    "hollow": (lambda _: b"\xff\xd8\xff\xd9", r"a JPEG without a size"),
}


def jpeg(height: int, width: int) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height, width, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize("damage", PICTURES)
def test_a_damaged_picture_is_named_when_it_is_looked_at(tmp_path: Path, damage: str) -> None:
    change, message = PICTURES[damage]
    path = write_vima(tmp_path / "vima", episodes=1, change=put("rgb_front/0.jpg", to=change))
    observation = Vima(path).episode(ROTATE).steps[0].observation
    with pytest.raises(DataError, match=rf"{ROTATE}/rgb_front/0\.jpg: {message}"):
        observation.images["front"]
