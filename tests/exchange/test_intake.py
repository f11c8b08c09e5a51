"""Imported conversations: anybody's LLaVA-style JSON, whole or not at all."""

import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from instar import plugins
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, DataError, MismatchError, PluginError
from instar.exchange.intake import ImportConfig, ImportSummary, import_json
from instar.inspection import InspectConfig, inspect
from instar.samples import Samples
from tests.exchange.folders import toy_samples


def talk(*values: str, **more: Any) -> dict[str, Any]:
    turns = [{"from": ("human", "gpt")[k % 2], "value": value} for k, value in enumerate(values)]
    return {**more, "conversations": turns}


TALK = [
    talk("<image>\nWhat?", "A dog.", id="000", image="dogs/a.jpg"),
    talk("Hi.", "Ho.", id=1),
    talk("<image1> or <image0>?", "B.", image=["b.png", "dogs/a.jpg"]),
    talk("Where?\n<image>", "<b>(0.500, 0.500)</b>", id="obj_loc/x/rgb_front/a_b.png", image=["dogs/a.jpg"]),
    talk("Hi.", "Ho.", "Hm?", ".", id="obj_locker"),
]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two pictures, one of them in a folder."""
    (tmp_path / "images/dogs").mkdir(parents=True)
    for name, shade in (("dogs/a.jpg", 60), ("b.png", 200)):
        done, data = cv2.imencode(name[-4:], np.full((6, 8, 3), shade, np.uint8))
        assert done
        (tmp_path / "images" / name).write_bytes(data.tobytes())
    return tmp_path / "images"


def imported(images: Path | None, entries: Any, **options: Any) -> ImportSummary:
    folder = options.pop("folder", None) or (images.parent if images else Path())
    (folder / "talk.json").write_text(json.dumps(entries))
    usual = {"json": (str(folder / "talk.json"),), "out": folder / "samples", "images": images, "workers": 1}
    return import_json(ImportConfig(**{**usual, **options}))


def said(folder: Path) -> dict[str, tuple[str, list[str], list[str]]]:
    """Kind, texts and names of pictures of every sample."""
    return {
        sample.id: (
            sample.kind,
            [turn.text for turn in sample.conversation.turns],
            [shown.name for shown in sample.shows],
        )
        for row in Samples.open(folder)
        for sample in row.samples
    }


def test_all_that_llava_knows_is_taken(images: Path) -> None:
    summary = imported(images, TALK)
    assert said(summary.folder) == {
        "000": ("talk", ["<image>\nWhat?", "A dog."], ["dogs/a.jpg"]),
        "1": ("talk", ["Hi.", "Ho."], []),
        "talk/2": ("talk", ["<image> or <image>?", "B."], ["dogs/a.jpg", "b.png"]),
        "obj_loc/x/rgb_front/a_b.png": ("obj_loc", ["Where?\n<image>", "<b>(0.500, 0.500)</b>"], ["dogs/a.jpg"]),
        "obj_locker": ("talk", ["Hi.", "Ho.", "Hm?", "."], []),
    }
    assert (summary.views, summary.pictures, summary.acts) == (4, 2, False)
    assert dict(summary.counts) == {"talk": 4, "obj_loc": 1}


def test_pictures_are_kept_as_they_are_and_once_for_all_that_is_said_about_them(images: Path) -> None:
    samples = Samples.open(imported(images, TALK).folder)
    samples.verify()
    rows = [row for row in samples if row.images]
    assert [len(row.samples) for row in rows] == [2, 1]
    assert rows[0].images[0].data == (images / "dogs/a.jpg").read_bytes()
    assert [image.data for image in rows[1].images] == [
        (images / name).read_bytes() for name in ("dogs/a.jpg", "b.png")
    ]


def test_any_number_of_workers_and_rows_gives_the_same_samples(images: Path, tmp_path: Path) -> None:
    first = imported(images, TALK, rows_per_shard=1)
    second = imported(images, TALK, rows_per_shard=1, workers=2, out=tmp_path / "second")
    assert [path.read_bytes() for path in sorted(first.folder.glob("*.parquet"))] == [
        path.read_bytes() for path in sorted(second.folder.glob("*.parquet"))
    ]
    third = imported(images, TALK, out=tmp_path / "third")
    assert said(third.folder) == said(first.folder)
    assert len(Samples.open(first.folder).manifest.shards) == 4


def test_a_file_may_be_given_a_kind(images: Path) -> None:
    file = images.parent / "talk.json"
    summary = imported(images, TALK, json=(f"chat={file}",))
    assert dict(summary.counts) == {"chat": 4, "obj_loc": 1}


def test_inspection_shows_what_was_imported(images: Path) -> None:
    described = inspect(InspectConfig(str(imported(images, TALK).folder))).to_json()
    assert (described["facts"]["recipe"], described["facts"]["conversations"], described["facts"]["actions"]) == (
        None,
        5,
        0,
    )
    assert {row["kind"]: row["count"] for row in described["tables"]["conversations"]} == {"talk": 4, "obj_loc": 1}


def test_a_recipe_and_a_robot_make_it_the_samples_of_a_policy(images: Path) -> None:
    manifest = Samples.open(imported(images, TALK, recipe="llara:past=3", robot="vima").folder).manifest
    assert manifest.robot == VIMA
    assert manifest.recipe == plugins.choice_of("recipes", plugins.make("recipes", "llara:past=3"))
    assert dict(manifest.counts) == {"llara": 4, "obj_loc": 1}


def test_a_robot_may_be_that_of_other_samples(images: Path, tmp_path: Path) -> None:
    other = toy_samples(tmp_path / "toys")
    found = imported(images, TALK, recipe="llara", robot=str(other.folder / "manifest.json"))
    assert Samples.open(found.folder).robot == VIMA


def test_an_answer_before_any_question_is_told(images: Path, caplog: pytest.LogCaptureFixture) -> None:
    early = {"id": 2, "conversations": [{"from": "gpt", "value": "Early."}, *TALK[1]["conversations"]]}
    with caplog.at_level(logging.WARNING):
        summary = imported(images, [early, *TALK])
    assert "1 entries begin with an answer, which is left out" in caplog.text
    assert Samples.open(summary.folder).manifest.notes == summary.notes


def test_what_is_there_is_not_made_again(images: Path) -> None:
    first = imported(images, TALK)
    before = {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    assert imported(images, TALK).counts == first.counts
    assert {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir() if path.name != "plan.json"} == {
        name: time for name, time in before.items() if name != "plan.json"
    }


def test_an_import_that_was_cut_off_goes_on(images: Path, tmp_path: Path) -> None:
    whole = imported(images, TALK, rows_per_shard=1)
    (whole.folder / "manifest.json").unlink()
    (whole.folder / "views-00002.parquet").unlink()
    kept = (whole.folder / "views-00001.parquet").stat().st_mtime_ns
    again = imported(images, TALK, rows_per_shard=1)
    assert (again.folder / "views-00001.parquet").stat().st_mtime_ns == kept
    assert said(again.folder) == said(imported(images, TALK, rows_per_shard=1, out=tmp_path / "fresh").folder)


def test_other_data_never_go_into_the_same_folder(images: Path) -> None:
    imported(images, TALK)
    with pytest.raises(ConfigError, match="holds another build: json"):
        imported(images, TALK[:2])


def test_a_malformed_entry_is_named_before_anything_is_written(images: Path) -> None:
    broken = {**TALK[0], "conversations": [{"from": "human", "value": "<image>"}]}
    with pytest.raises(DataError, match=r"talk.json: entry 5 \(id '000'\): ends without an answer"):
        imported(images, [*TALK, broken])
    assert not (images.parent / "samples").exists()


def test_missing_pictures_are_named_before_anything_is_written(images: Path) -> None:
    more = [{**TALK[0], "image": f"missing/{k}.jpg"} for k in range(7)]
    with pytest.raises(DataError, match=r"7 of 9 pictures are missing: missing/0.jpg, .*missing/4.jpg and 2 more"):
        imported(images, [*TALK, *more])
    with pytest.raises(
        DataError, match=r"the entries show 2 pictures, first dogs/a.jpg; name their folder with images"
    ):
        imported(None, TALK, folder=images.parent)
    assert not (images.parent / "samples").exists()


def test_words_alone_need_no_pictures(tmp_path: Path) -> None:
    assert imported(None, [TALK[1], TALK[4]], folder=tmp_path).pictures == 0


@pytest.mark.parametrize("place", ["id", "image", "value"])
def test_half_a_character_is_refused(place: str, images: Path) -> None:
    half = "\ud800"
    turns = [{"from": "human", "value": "<image> Hi." + half * (place == "value")}, {"from": "gpt", "value": "Ho."}]
    entry = {"id": "1" + half * (place == "id"), "image": "b.png" + half * (place == "image"), "conversations": turns}
    with pytest.raises(DataError, match=r"entry 0 .*half of a surrogate pair"):
        imported(images, [entry])
    assert not (images.parent / "out").exists()


def test_a_path_that_no_file_system_knows_is_refused(images: Path) -> None:
    turns = [{"from": "human", "value": "<image> Hi."}, {"from": "gpt", "value": "Ho."}]
    with pytest.raises(DataError, match=r"the picture 'a\\x00b' should be a path"):
        imported(images, [{"image": "a\0b", "conversations": turns}])


def test_a_damaged_picture_is_named(images: Path) -> None:
    (images / "b.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"b.png: 10 bytes that should be a PNG or JPEG"):
        imported(images, TALK)


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"json": ()}, ConfigError, "name at least one JSON file"),
        ({"recipe": "llara"}, ConfigError, "a policy needs both recipe and robot"),
        ({"robot": "vima"}, ConfigError, "a policy needs both recipe and robot"),
        ({"recipe": "llara", "robot": "vimo"}, ConfigError, "robot 'vimo' is neither one of vima nor a JSON file"),
        ({"recipe": "lara", "robot": "vima"}, PluginError, "did you mean 'llara'"),
        ({"recipe": "llara:camera=back", "robot": "vima"}, MismatchError, "has no camera 'back'"),
        ({"rows_per_shard": 0}, ConfigError, "rows_per_shard must be at least 1"),
        ({"json": ("nowhere.json",)}, DataError, "nowhere.json: no such file"),
    ],
)
def test_refuses_what_cannot_be(images: Path, options: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        imported(images, TALK, **options)


def test_refuses_an_empty_list_and_a_robot_that_is_none(images: Path) -> None:
    with pytest.raises(DataError, match="no entry in it"):
        imported(images, [])
    (images.parent / "robot.json").write_text('{"robot": {"name": "arm"}}')
    with pytest.raises(DataError, match=r"robot.json: no robot: control: Field required"):
        imported(images, TALK, recipe="llara", robot=str(images.parent / "robot.json"))
