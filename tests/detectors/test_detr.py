"""Detection models of several families: taught on a few pictures, written, and looked through."""

import copy
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from instar import plugins
from instar.demo import Box, Image
from instar.detectors.detr import Detr
from instar.detectors.detr_loading import load_prepare, sightings
from instar.detectors.detr_names import Names, compose, composed, settle
from instar.detectors.detr_teaching import boxes_of
from instar.detectors.detr_toys import make_toy
from instar.errors import ConfigError, DataError
from instar.files import read_jsonl, write_json
from instar.plugins import Choice
from instar.progress import silent
from instar.seeing.album import Album
from instar.seeing.detect import Sighting
from instar.seeing.teach_detector import DetectorTrainConfig
from instar.testing import conform
from tests.detectors.squares import drawn

SMALL = "height=64,width=128,hidden=32,channels=8"


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Album:
    return made(tmp_path_factory.mktemp("album"), [drawn(k) for k in range(32)])


def made(folder: Path, pictures: Sequence[tuple[Image, tuple[Sighting, ...]]]) -> Album:
    """An album of these pictures."""
    rows, data = [], b""
    for k, (image, truth) in enumerate(pictures):
        boxes = [(thing, thing.box) for thing in truth]
        told = [[thing.name, thing.shape, box.left, box.top, box.right, box.bottom] for thing, box in boxes]
        place = {"start": len(data), "bytes": len(image.data)}
        rows.append({"episode": str(k), "key": "0", "kind": "frame", "truth": told, **place})
        data += image.data
    (folder / "pictures.bin").write_bytes(data)
    (folder / "pictures.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_json(folder / "manifest.json", {"kind": "album", "pictures": len(rows), "left_out": 0})
    return Album.open(folder)


def taught(album: Album, out: Path, model: str, steps: int) -> Path:
    toy = f"tiny:{model},{SMALL}"
    config = DetectorTrainConfig(out, toy, "none", device="cpu", steps=steps, lr=4e-3, clip=1.0, batch=8, log_every=3)
    Detr.teach(config, album, silent).save(out / "written")
    return out / "written"


def looked(detector: Detr, pictures: Sequence[Image]) -> list[list[tuple[str, Box]]]:
    return [[(thing.name, thing.box) for thing in seen] for seen in detector.find(pictures)]


@pytest.fixture(scope="module")
def learned(album: Album, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taught(album, tmp_path_factory.mktemp("learned"), "rt_detr", steps=24)


def test_it_learns(learned: Path) -> None:
    rows = read_jsonl(learned.parent / "metrics.jsonl")
    losses = [row["value"] for row in rows if row["name"] == "loss"]
    assert len(losses) == 8
    assert np.mean(losses[-2:]) < 0.8 * np.mean(losses[:2])


@pytest.mark.parametrize(("family", "nothing"), [("rt_detr", 0), ("detr", 1)])
def test_boxes_as_they_are_learned_are_boxes_as_they_are_seen(tmp_path: Path, family: str, nothing: int) -> None:
    prepare = load_prepare(make_toy(Choice.parse(f"tiny:{family}"), tmp_path, 0))
    rng = np.random.default_rng(0)
    pixels = np.zeros((128, 256, 3), dtype=np.uint8)
    corners = rng.integers(0, [200, 100, 56, 28], size=(20, 4)).tolist()
    truth = [Sighting(f"thing {k % 3}", Box(x, y, x + w, y + h)) for k, (x, y, w, h) in enumerate(corners)]
    logits = torch.full((1, 20, 3 + nothing), -9.0)
    logits[0, torch.arange(20), torch.arange(20) % 3] = torch.linspace(4.0, 1.0, 20)
    outputs = SimpleNamespace(logits=logits, pred_boxes=boxes_of(truth, pixels)[None])
    [result] = prepare.results(outputs, [(128, 256)], 0.5)
    seen = sightings(result, {k: f"thing {k}" for k in range(3)}, pixels)
    assert [(thing.name, thing.box) for thing in seen] == [(thing.name, thing.box) for thing in truth]


@pytest.mark.parametrize("family", ["rt_detr", "rt_detr_v2", "detr", "yolos"])
def test_every_family_is_taught_written_and_looked_through(album: Album, tmp_path: Path, family: str) -> None:
    folder = taught(album, tmp_path, family, steps=2)
    detector = Detr(str(folder), threshold=0.0, device="cpu")
    pictures = [drawn(k)[0] for k in range(3)]
    seen = detector.find(pictures)
    assert {thing.name for some in seen for thing in some} <= {"red square", "blue square", "red bar", "blue bar"}
    assert all(some for some in seen)
    for some in seen:
        assert [thing.score for thing in some] == sorted((thing.score for thing in some), reverse=True)
        for thing in some:
            assert 0 <= thing.box.left <= thing.box.right < 256
            assert 0 <= thing.box.top <= thing.box.bottom < 128


def test_a_taught_model_is_a_model_to_finetune(album: Album, learned: Path, tmp_path: Path) -> None:
    config = DetectorTrainConfig(tmp_path, str(learned), "none", device="cpu", steps=1, batch=2)
    Detr.teach(config, album, silent).save(tmp_path / "written")
    assert looked(Detr(str(tmp_path / "written"), threshold=0.0), [drawn(0)[0]])


def test_company_changes_nothing(learned: Path) -> None:
    detector = Detr(str(learned), threshold=0.2, device="cpu")
    large = Image.of(np.repeat(np.repeat(drawn(4)[0].pixels, 2, axis=0), 2, axis=1))
    pictures = [drawn(0)[0], large, drawn(1)[0], drawn(2)[0]]
    together = looked(detector, pictures)
    assert together == [looked(detector, [picture])[0] for picture in pictures]
    assert detector.find([]) == []


def test_a_higher_threshold_tells_less_and_most_is_most(learned: Path) -> None:
    pictures = [drawn(k)[0] for k in range(4)]
    every = Detr(str(learned), threshold=0.0, overlap=1.0, device="cpu").find(pictures)
    some = Detr(str(learned), threshold=0.2, overlap=1.0, device="cpu").find(pictures)
    for more, fewer in zip(every, some, strict=True):
        assert [thing for thing in more if thing.score > 0.2] == list(fewer)
        assert len(more) > len(fewer)
    few = Detr(str(learned), threshold=0.0, overlap=1.0, most=2, device="cpu").find(pictures)
    assert [seen[:2] for seen in every] == few


def test_the_fingerprint_is_of_what_is_found_and_not_of_where_it_lies(learned: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in learned.iterdir():
        (moved / path.name).write_bytes(path.read_bytes())
    assert Detr(str(moved)).fingerprint() == Detr(str(learned)).fingerprint()
    assert Detr(str(moved), threshold=0.5).fingerprint() != Detr(str(learned)).fingerprint()
    assert Detr(str(moved), device="cpu").fingerprint() == Detr(str(learned)).fingerprint()


def test_it_travels_between_processes_as_its_options(learned: Path) -> None:
    detector = Detr(str(learned), threshold=0.25, device="cpu")
    detector.find([drawn(0)[0]])
    assert copy.deepcopy(detector) == detector
    assert len(pickle.dumps(detector)) < 1000, "options, not weights"


@pytest.mark.parametrize("options", ["threshold=1.5", "overlap=-0.1", "most=0", "batch=0"])
def test_impossible_options_are_refused(options: str) -> None:
    with pytest.raises(ConfigError, match="detr: "):
        plugins.make("detectors", f"detr:somewhere,{options}")


def test_a_folder_without_a_detector_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no detector is there; `instar detector train` writes one"):
        Detr(str(tmp_path)).find([drawn(0)[0]])
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(DataError, match="is of type 'llama', which is no object detection model"):
        Detr(str(tmp_path)).find([drawn(0)[0]])


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("tiny:fast_rcnn", "no small detector of family 'fast_rcnn'; there are: detr, rt_detr"),
        ("tiny:detr,depth=3", "a small detector has the options height"),
    ],
)
def test_an_unknown_toy_is_refused(tmp_path: Path, model: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make_toy(Choice.parse(model), tmp_path, 0)


def test_names_are_made_of_every_texture_with_every_shape() -> None:
    names = composed([("red", "bar"), ("blue", "square"), ("", "line")])
    assert names.every == ("blue bar", "blue square", "red bar", "red square", "line")


def test_composed_layers_add_up_their_parts_and_settle_to_plain_ones() -> None:
    torch.manual_seed(0)
    classes, boxes = nn.Linear(8, 5), nn.Linear(8, 5)
    model = nn.ModuleDict({"class_embed": classes, "bbox_embed": boxes})
    plain = boxes.weight.detach().clone()
    [layer] = compose(model, composed([("red", "bar"), ("blue", "square")]))
    assert layer is classes
    weight = layer.weight.detach().clone()
    # blue bar - blue square = red bar - red square: only textures and shapes are learned.
    torch.testing.assert_close(weight[0] - weight[1], weight[2] - weight[3])
    settle([layer])
    torch.testing.assert_close(layer.weight.detach(), weight)
    assert sorted(model.state_dict()) == [
        "bbox_embed.bias",
        "bbox_embed.weight",
        "class_embed.bias",
        "class_embed.weight",
    ]
    torch.testing.assert_close(boxes.weight.detach(), plain)


def test_layers_of_seen_names_stay_as_they_are() -> None:
    assert Names((("red", "bar"), ("blue", "square"))).every == ("red bar", "blue square")


def test_boxes_are_said_by_centre_and_size_of_their_pixels() -> None:
    pixels = np.zeros((128, 256, 3), dtype=np.uint8)
    [box] = boxes_of([Sighting("a", Box(64, 32, 127, 63))], pixels).tolist()
    assert box == [0.375, 0.375, 0.25, 0.25]


@pytest.mark.parametrize("family", ["rt_detr", "rt_detr_v2", "detr", "yolos"])
def test_a_picture_without_anything_to_find_teaches_that(tmp_path: Path, family: str) -> None:
    image, truth = drawn(0)
    pair = made(tmp_path, [(image, truth), (Image.of(np.full((128, 256, 3), 240, np.uint8)), ())])
    toy = f"tiny:{family},{SMALL}"
    options: dict[str, Any] = {"steps": 2, "batch": 1, "log_every": 1, "shift": 5, "zoom": 0.2}
    config = DetectorTrainConfig(tmp_path / "out", toy, "none", finds="effector:name=square", device="cpu", **options)
    assert Detr.teach(config, pair, silent).names == 1
    losses = [row["value"] for row in read_jsonl(tmp_path / "out" / "metrics.jsonl") if row["name"] == "loss"]
    assert len(losses) == 2
    assert np.isfinite(losses).all()


def test_pictures_looked_at_together_show_the_same(learned: Path) -> None:
    large = Image.of(np.repeat(np.repeat(drawn(4)[0].pixels, 2, axis=0), 2, axis=1))
    pictures = [drawn(0)[0], drawn(1)[0], drawn(2)[0], large, drawn(3)[0]]
    alone = Detr(str(learned), threshold=0.05, device="cpu").find(pictures)
    together = Detr(str(learned), threshold=0.05, device="cpu", batch=2).find(pictures)
    for one, other in zip(alone, together, strict=True):
        assert [thing.score for thing in one] == pytest.approx([thing.score for thing in other], abs=1e-4)


def test_the_middle_of_a_sighting_is_finer_than_its_box(learned: Path) -> None:
    [seen] = Detr(str(learned), threshold=0.0, device="cpu").find([drawn(0)[0]])
    for thing in seen:
        box = thing.box
        if box.left > 0 and box.right < 255 and box.top > 0 and box.bottom < 127:
            middle = ((box.left + box.right + 1) / 2, (box.top + box.bottom + 1) / 2)
            assert thing.place == pytest.approx(middle, abs=0.51)
    assert any(thing.place[0] % 0.5 for thing in seen)
    assert Sighting("hand", Box(2, 4, 5, 8)).place == (4.0, 6.5)


def test_it_conforms(learned: Path) -> None:
    assert conform("detectors", f"detr:{learned},threshold=0.05,device=cpu", "tabletop:tasks=rearrange,episodes=2")
