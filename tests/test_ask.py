"""A question about a picture: the reply, what it points at, and the picture that shows it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from instar import cli, shipped
from instar.ask import AskConfig, ask
from instar.backbones import hf
from instar.backbones.tiny import make_tiny
from instar.chat import IMAGE, Conversation, Turn
from instar.demo import Box, Image
from instar.errors import ConfigError, DataError
from instar.train import fresh_checkpoint
from tests.training.lessons import lessons

QUESTION = "where is the red bowl?"
REPLY = "<p>red bowl</p> at <b>(0.250, 0.500), {0.250, 0.500}</b>."


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey picture of 128 by 64 pixels."""
    path = tmp_path_factory.mktemp("picture") / "scene.png"
    path.write_bytes(Image.of(np.full((64, 128, 3), 90, np.uint8)).data)
    return path


@pytest.fixture(scope="module")
def model(picture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain folder of transformers with a small model that has learned one reply by heart."""
    torch.manual_seed(0)
    backbone = hf.load(make_tiny("llava", tmp_path_factory.mktemp("tiny")), "cpu", "float32")
    image = Image.encoded(picture.read_bytes())
    turns = (Turn("user", f"{IMAGE}\n{QUESTION}"), Turn("assistant", REPLY, learn=True))
    batch = backbone.collate([backbone.encode(Conversation(turns, (image,)))])
    optimizer = torch.optim.AdamW(backbone.model.parameters(), lr=3e-3)
    for _ in range(200):
        loss = backbone.model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss < 0.01:
            break
    folder = tmp_path_factory.mktemp("package") / "larva"
    backbone.save(folder)
    return folder


@pytest.fixture
def package(model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a user who has installed the model by the name of larva."""
    monkeypatch.setattr(shipped, "MODELS", model.parent)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pixels(path: Path) -> np.ndarray:
    return Image.encoded(path.read_bytes()).pixels


def test_the_model_that_comes_along_answers_and_the_box_is_drawn(package: Path, picture: Path) -> None:
    answer = ask(AskConfig(QUESTION, picture, device="cpu"))
    assert answer.reply == REPLY
    (mark,) = answer.found
    assert (mark.name, mark.box) == ("red bowl", Box(16, 16, 48, 48))
    assert answer.out == Path("answer.png")
    drawn = pixels(package / "answer.png")
    assert drawn.shape == (320, 640, 3)  # magnified five times
    coloured = np.argwhere(drawn[..., 0].astype(int) - drawn[..., 1] > 100)[:, ::-1]
    assert np.abs(coloured.min(axis=0) - (80, 80)).max() <= 30  # the label is above the box
    assert np.abs(coloured.max(axis=0) - (244, 244)).max() <= 3
    assert (drawn[160, 160] == 90).all(), "the thing itself stays visible"


def test_json_tells_the_boxes_in_pixels(package: Path, picture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ask", "--image", str(picture), QUESTION, "--out", "", "--device", "cpu", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    box = {"left": 16, "top": 16, "right": 48, "bottom": 48}
    found = [{"name": "red bowl", "at": [32, 32], "box": box, "to": None}]
    assert said == {"question": QUESTION, "reply": REPLY, "found": found, "out": None}
    assert not list(package.iterdir())


def test_the_console_shows_the_reply_and_where_the_picture_is(
    package: Path, picture: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["ask", "--image", str(picture), QUESTION, "--out", "here/drawn.JPG", "--device", "cpu"]) == 0
    assert capsys.readouterr().out == f"{REPLY}\npicture: here/drawn.JPG\n"
    assert (package / "here" / "drawn.JPG").read_bytes().startswith(b"\xff\xd8")


@pytest.mark.parametrize("shape", [(3, 2, 3), (900, 1400, 3)])
def test_pictures_of_any_size_are_drawn_on(model: Path, shape: tuple[int, int, int], tmp_path: Path) -> None:
    image = tmp_path / "image.png"
    image.write_bytes(Image.of(np.full(shape, 90, np.uint8)).data)
    answer = ask(AskConfig(QUESTION, image, str(model), str(tmp_path / "out.png"), "cpu"))
    assert answer.out is not None
    drawn = pixels(answer.out)
    assert max(drawn.shape) >= 640
    assert drawn.shape == shape or max(shape) < 640


def test_a_checkpoint_of_ours_that_talks_nonsense_is_asked_by_its_card(picture: Path, tmp_path: Path) -> None:
    samples = lessons(tmp_path / "samples", episodes=1)
    untrained = fresh_checkpoint("tiny:llava,layers=1,hidden=32", samples, tmp_path / "checkpoint").checkpoint
    answer = ask(AskConfig("What is here?", picture, str(untrained), str(tmp_path / "out.png"), "cpu"))
    assert answer.found == ()
    assert answer.out is not None
    assert (pixels(answer.out) == 90).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"image": Path("absent.png")}, DataError, r"absent\.png: no such file"),
        ({"checkpoint": "lavra"}, ConfigError, "did you mean 'larva'"),
        ({"checkpoint": "."}, DataError, r"has no card\.json"),
        ({"out": "answer.gif"}, ConfigError, r"out is answer\.gif; the picture is written as \.png or \.jpg"),
        ({"question": f"{IMAGE} what?"}, ConfigError, "must not contain"),
    ],
)
def test_refuses_what_cannot_be_asked(
    package: Path, picture: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ask(replace(AskConfig(QUESTION, picture, device="cpu"), **options))
    assert not list(package.iterdir())


def test_the_picture_itself_is_never_overwritten(package: Path, picture: Path) -> None:
    image = package / "answer.png"
    image.write_bytes(picture.read_bytes())
    with pytest.raises(ConfigError, match="out is the picture itself"):
        ask(AskConfig(QUESTION, Path("answer.png"), device="cpu"))
    assert image.read_bytes() == picture.read_bytes()


def test_what_is_no_picture_is_refused(package: Path) -> None:
    (package / "image.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot be decoded"):
        ask(AskConfig(QUESTION, Path("image.png"), device="cpu"))
