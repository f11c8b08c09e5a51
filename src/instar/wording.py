"""What LLaRA's recipe and auxiliary tasks say to a model, apart from the markup: one YAML file that can be replaced."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import ClassVar, Final

import numpy as np

from instar.edges import checked
from instar.errors import DataError
from instar.files import digest, read_yaml
from instar.markup import Tool

OURS: Final = Path(__file__).parent / "recipes" / "llara.yaml"


@dataclass(frozen=True)
class Wording:
    """A wording pack. Placeholders are names in braces; other braces are text."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}  # a text that nobody reads is a misspelt one

    task: str  # around the instruction, {task}
    format: Mapping[Tool, str]  # how an action is written
    history: str  # before what was done so far, {steps}
    obj_det: tuple[str, ...]
    obj_loc: tuple[str, ...]
    act_pred: tuple[str, ...]
    fut_pred: tuple[str, ...]
    spa_rel: tuple[str, ...]
    tmp_rel: tuple[str, ...]
    sentences: tuple[str, ...] = ()  # what the user may say after the task; a pack may do without
    bins: Mapping[Tool, str] = field(default_factory=dict)  # how an action is written in five characters; likewise

    @property
    def hash(self) -> str:
        """Changes with every word; goes where a model must be asked as it was taught."""
        optional = ("sentences", "bins")
        return digest({key: words for key, words in asdict(self).items() if words or key not in optional})


# What an auxiliary task must mention, and how many templates LLaRA draws from.
FAMILIES: Final[Mapping[str, tuple[int, tuple[str, ...]]]] = {
    "obj_det": (15, ()),
    "obj_loc": (15, ("object",)),
    "act_pred": (15, ("scene",)),
    "fut_pred": (15, ("action",)),
    "spa_rel": (14, ("ego", "ref", "example")),
    "tmp_rel": (14, ("scene", "ego", "ref", "example")),
}
SENTENCES: Final = 15
_PLACEHOLDERS: Final = ("task", "steps", *sorted({name for _, needed in FAMILIES.values() for name in needed}))
_MARK: Final = re.compile(r"<image[0-9]*>")  # as in a conversation, or as in LLaVA-style files


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{name}` in `values` replaced once; what is put in is not looked at again."""
    if not values:
        return template
    around, names = _gapped(template, tuple(values))
    return around % tuple([values[name] for name in names])


@functools.lru_cache(maxsize=1024)
def _gapped(template: str, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """`template` with a gap for every `{name}` of `names`, and whose gaps they are."""
    either = "|".join(re.escape(name) for name in names)
    words, *found = re.split(rf"\{{({either})\}}", template)
    around = "%s".join(text.replace("%", "%%") for text in (words, *found[1::2]))
    return around, tuple(found[0::2])


def drawn(templates: tuple[str, ...], rng: np.random.Generator) -> str:
    """One of `templates`."""
    return templates[int(rng.integers(len(templates)))]


def drawn_each(templates: tuple[str, ...], rng: np.random.Generator, count: int) -> list[str]:
    """What `count` calls of `drawn` would give, with one call of `rng`."""
    return [templates[k] for k in rng.integers(len(templates), size=count).tolist()] if count else []


def wording(path: str = "") -> Wording:
    """The wording pack at `path`, or our own. Raises DataError that says what is wrong with it."""
    return _read(Path(path) if path else OURS)


@functools.lru_cache(maxsize=16)
def _read(path: Path) -> Wording:
    pack = checked(Wording, read_yaml(path), f"{path}: wording pack")
    problems = _problems(pack)
    if problems:
        raise DataError(f"{path}: wording pack: " + "; ".join(problems))
    return pack


def _problems(pack: Wording) -> list[str]:
    """Everything that would make a question wrong."""
    found = [
        f"{key} has nothing for {name}"
        for key, told in (("format", pack.format), ("bins", pack.bins))
        for name in ("suction", "spatula")
        if name not in told and (told or key == "format")
    ]
    if len(pack.sentences) not in {0, SENTENCES}:
        found.append(f"sentences has {len(pack.sentences)} sentences, not {SENTENCES}")
    for family, (count, _) in FAMILIES.items():
        if (there := len(getattr(pack, family))) != count:
            found.append(f"{family} has {there} templates, not {count}")
    for where, text, needed in _sentences(pack):
        found += [f"{where} {problem}" for problem in _flaws(text, needed)]
    if (times := pack.task.count("{task}")) > 1:  # with `visual`, each would show the reference pictures again
        found.append(f"task has {{task}} {times} times, not once")
    return found


def _flaws(text: str, needed: Sequence[str]) -> Iterator[str]:
    """What is wrong with a sentence that must mention what is `needed`, and nothing else that there is to mention."""
    if not text.strip():
        yield "is empty"
    for name in (*needed, *(name for name in _PLACEHOLDERS if name not in needed)):
        if (f"{{{name}}}" in text) != (name in needed):
            yield f"lacks {{{name}}}" if name in needed else f"has {{{name}}}, which nothing is put into"
    if mark := _MARK.search(text):
        yield f"holds {mark.group()!r}, which stands for a picture"


def _sentences(pack: Wording) -> list[tuple[str, str, tuple[str, ...]]]:
    """Every sentence: where it is, what it says, and what it must mention."""
    single = [("task", pack.task, ("task",)), ("history", pack.history, ("steps",))]
    told = {"format": pack.format, "bins": pack.bins}
    formats = [(f"{key}.{name}", text, ()) for key in told for name, text in told[key].items()]
    said = [(f"sentences[{k}]", text, ()) for k, text in enumerate(pack.sentences)]
    families = [
        (f"{family}[{k}]", text, needed)
        for family, (_, needed) in FAMILIES.items()
        for k, text in enumerate(getattr(pack, family))
    ]
    return [*single, *formats, *said, *families]
