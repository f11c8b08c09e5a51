"""Ask a model something about a picture, in the words it was taught or your own; what it points at is drawn."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import tyro
from typing_extensions import Doc

from instar.chat import IMAGE, Conversation, Turn
from instar.checkpoint import CARD, load_backbone, load_speaker
from instar.demo import Image
from instar.drawing import draw_marks
from instar.errors import ConfigError
from instar.files import door, write_bytes
from instar.marks import Mark, marks
from instar.plugins import Choice
from instar.progress import Progress, silent
from instar.shipped import model_folder

if TYPE_CHECKING:  # help is there without torch
    from instar.backbone import Backbone

JPEG: Final = (".jpg", ".jpeg")
QUALITY: Final = 95


@dataclass(frozen=True)
class AskConfig:
    """A question about a picture."""

    question: Annotated[tyro.conf.Positional[str], Doc("what to ask")]
    image: Annotated[Path, Doc("a PNG or JPEG file")]
    checkpoint: Annotated[
        str, Doc("a folder that `instar train` wrote, one of a plain model of transformers, or a shipped model by name")
    ] = "larva"
    out: Annotated[str, Doc("picture with the answer drawn into it, .png or .jpg; empty for none")] = "answer.png"
    device: Annotated[str, Doc("auto, cpu or cuda")] = "auto"


@dataclass(frozen=True)
class Answer:
    """What was asked, what the model said, and where that is."""

    question: str
    reply: str
    found: tuple[Mark, ...]  # the boxes, points and actions in the reply
    out: Path | None  # the picture that shows them


def ask(config: AskConfig, _progress: Progress = silent) -> Answer:
    """The model's own words, unconstrained, and what they point at.

    Raises ConfigError for options that cannot work, and DataError for a model or picture that cannot be read.
    """
    if IMAGE in config.question:
        raise ConfigError(f"the question must not contain {IMAGE!r}: the picture is put before it")
    out = _out(config)
    with door(config.image):
        image = Image.encoded(config.image.read_bytes())
    height, width = image.pixels.shape[:2]  # damage shows before the model is loaded
    speaker = _speaker(config)
    conversation = Conversation((Turn("user", f"{IMAGE}\n{config.question}"),), (image,))
    reply = speaker.generate([conversation], [None])[0]
    found = marks(reply, width, height)
    if out is not None:
        drawn = Image.of(draw_marks(image.pixels, found))
        write_bytes(out, drawn.jpeg(QUALITY) if out.suffix.lower() in JPEG else drawn.data)
    return Answer(config.question, reply, found, out)


def _out(config: AskConfig) -> Path | None:
    """Where the drawn picture goes. Raises ConfigError where it cannot."""
    if not config.out:
        return None
    out = Path(config.out)
    if out.suffix.lower() not in (".png", *JPEG):
        raise ConfigError(f"out is {config.out}; the picture is written as .png or .jpg")
    if out.resolve() == config.image.resolve():
        raise ConfigError(f"out is the picture itself, {config.out}; name another file")
    return out


def _speaker(config: AskConfig) -> "Backbone":
    """The model: a checkpoint of ours by its card, any other folder with a model as transformers reads it."""
    folder = model_folder(config.checkpoint)
    if (folder / "config.json").is_file() and not (folder / CARD).is_file():
        return load_backbone(Choice("hf"), folder, config.device)
    return load_speaker(folder, device=config.device)
