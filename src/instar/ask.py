"""Ask a checkpoint something about a picture, in the words it was taught or your own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from typing_extensions import Doc

from instar.chat import IMAGE, Conversation, Turn
from instar.checkpoint import load_speaker
from instar.demo import Image
from instar.errors import ConfigError
from instar.files import door
from instar.progress import Progress, silent


@dataclass(frozen=True)
class AskConfig:
    """A question about a picture."""

    checkpoint: Annotated[tyro.conf.Positional[Path], Doc("folder that `instar train` wrote")]
    question: Annotated[str, Doc("what to ask")]
    image: Annotated[Path, Doc("a PNG or JPEG file")]
    device: Annotated[str, Doc("auto, cpu or cuda")] = "auto"


@dataclass(frozen=True)
class Answer:
    """What was asked and what the model said."""

    question: str
    reply: str


def ask(config: AskConfig, _progress: Progress = silent) -> Answer:
    """The model's own words, unconstrained. Raises DataError for a checkpoint or picture that cannot be read."""
    if IMAGE in config.question:
        raise ConfigError(f"the question must not contain {IMAGE!r}: the picture is put before it")
    with door(config.image):
        image = Image.encoded(config.image.read_bytes())
    _ = image.pixels  # damage shows before the model is loaded
    speaker = load_speaker(config.checkpoint, device=config.device)
    conversation = Conversation((Turn("user", f"{IMAGE}\n{config.question}"),), (image,))
    return Answer(config.question, speaker.generate([conversation], [None])[0])
