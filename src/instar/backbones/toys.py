"""Small models by name, as a command line names them: "llava", "smolvlm,layers=4", "demo,hidden=64"."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from instar.backbones.tiny import DEMO, Size, demo_model, make_tiny
from instar.errors import ConfigError


@dataclass(frozen=True)
class Words:
    """What a small model's tokenizer should know."""

    texts: Iterable[str] = ()  # their words become tokens
    phrases: Iterable[str] = ()  # each becomes one token; the demo model's tokenizer only


def toy(family: str, options: Mapping[str, Any], folder: Path, seed: int, words: Words) -> Path:
    """A random model of `family` in `folder`; the options are those of Size. Raises ConfigError for an unknown one."""
    try:
        size = replace(DEMO if family == "demo" else Size(), **options)
    except TypeError as error:
        known = ", ".join(item.name for item in fields(Size))
        raise ConfigError(f"tiny:{family}: {error}; a toy model has the options {known}") from error
    if family == "demo":
        return demo_model(folder, seed, words.texts, words.phrases, size)
    return make_tiny(family, folder, seed, words.texts, size)
