"""The models that come with instar: ordinary checkpoint folders inside the package, found by their names."""

import difflib
from pathlib import Path
from typing import Final

from instar.errors import ConfigError

MODELS: Final = Path(__file__).parent / "models"
CARD: Final = "README.md"  # of a model: a heading, then what it is


def names() -> list[str]:
    """The names of the models in the package, sorted."""
    return sorted(config.parent.name for config in MODELS.glob("*/config.json"))


def summary(name: str) -> str:
    """The first line of text in a model's card; empty where there is none."""
    card = MODELS / name / CARD
    if not card.is_file():
        return ""
    text = card.read_text(encoding="utf-8")
    if text.startswith("---\n"):  # what model hubs read
        text = text.partition("\n---\n")[2]
    return next((line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")), "")


def model_folder(model: str) -> Path:
    """The folder of the user's called `model`, else that of the shipped model by this name.

    Raises ConfigError with what may be meant where there is neither.
    """
    if Path(model).is_dir():
        return Path(model)
    known = names()
    if model in known:
        return MODELS / model
    close = difflib.get_close_matches(model, known, n=1)
    there = f"; there are: {', '.join(known)}" if known else ""
    meant = f"; did you mean {close[0]!r}?" if close else f"{there}; name the folder of a downloaded checkpoint"
    raise ConfigError(f"model {model} is no folder, and none of this name comes with instar{meant}")
