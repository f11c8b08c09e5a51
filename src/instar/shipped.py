"""The models that come with instar: ordinary checkpoint folders inside the package, found by their names."""

from pathlib import Path
from typing import Final

from instar.errors import ConfigError
from instar.plugins import meant

MODELS: Final = Path(__file__).parent / "models"
README: Final = "README.md"  # of a model: a heading, then what it is
CARD: Final = "card.json"  # of a model that was taught to act: by what


def names() -> list[str]:
    """The names of the models in the package, sorted."""
    return sorted(config.parent.name for config in MODELS.glob("*/config.json"))


def policies() -> list[str]:
    """The names of those that have learned to act."""
    return [name for name in names() if (MODELS / name / CARD).is_file()]


def summary(name: str) -> str:
    """The first sentence of a model's card; empty where there is none."""
    card = MODELS / name / README
    if not card.is_file():
        return ""
    text = card.read_text(encoding="utf-8")
    if text.startswith("---\n"):  # what model hubs read
        text = text.partition("\n---\n")[2]
    paragraphs = (" ".join(one.split()) for one in text.split("\n\n") if not one.lstrip().startswith("#"))
    first, stop, _ = next(filter(None, paragraphs), "").partition(". ")
    return first + stop.strip()


def model_folder(model: str) -> Path:
    """The folder of the user's called `model`, else that of the shipped model by this name.

    Raises ConfigError with what may be meant where there is neither.
    """
    if Path(model).is_dir():
        return Path(model)
    if model in names():
        return MODELS / model
    raise ConfigError(
        f"model {model} is no folder of a downloaded checkpoint, and none of this name comes with instar"
        f"{meant(model, names())}"
    )
