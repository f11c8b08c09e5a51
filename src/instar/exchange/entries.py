"""One conversation in LLaVA's style, and the same as a sample of ours.

    {"image": ["<episode>/rgb_front/a_scene.png", "<episode>/rgb_front/0.jpg"],
     "conversations": [{"from": "human", "value": "<image1> ... <image0> ..."}, {"from": "gpt", "value": "..."}],
     "id": "<episode>_0"}

`<imageN>` is the N-th of the listed pictures, `<image>` the first. Where several pictures are listed and all marks are
`<image>`, the k-th mark is the k-th picture, as in LLaVA's own data of several pictures.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final, Literal

from instar.chat import IMAGE, Sample, Shown, Turn
from instar.demo import original
from instar.errors import DataError
from instar.files import JSON

Style = Literal["llara", "llava"]

MARK: Final = re.compile(r"<image([0-9]{0,6})>")
SPEAKERS: Final[Mapping[str, Literal["system", "user", "assistant"]]] = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_NAMES: Final = {"user": "human", "assistant": "gpt", "system": "system"}


@dataclass(frozen=True)
class Parsed:
    """An entry that makes sense."""

    id: str  # "" where the entry has none
    turns: tuple[Turn, ...]
    shows: tuple[Shown, ...]  # one for each mark
    began_with_answer: bool = False  # an answer before the first question was left out


def entry(sample: Sample, *, seeing: bool, style: Style) -> dict[str, Any]:
    """`sample` as LLaRA writes it, or as LLaVA does; `seeing` is whether an auxiliary task made it.

    LLaRA numbers the pictures of acting samples and lists the observation last. LLaVA lists pictures in the order of
    the text and names a single one by itself. Raises DataError where the sample does not know its pictures.
    """
    conversation = sample.conversation
    if len(sample.shows) != len(conversation.images):
        raise DataError(f"{sample.id}: does not know where its pictures come from; build the samples again")
    listed = _listed(sample.shows, style)
    marks = iter(_marks(sample.shows, listed, seeing=seeing, style=style))
    turns = [{"from": _NAMES[turn.role], "value": _marked(sample.id, turn.text, marks)} for turn in conversation.turns]
    pictures: dict[str, Any] = {"image": listed[0] if style == "llava" and len(listed) == 1 else listed}
    pictures = pictures if listed else {}
    named = {"id": _id(sample, seeing=seeing)}
    return {**named, **pictures, "conversations": turns} if seeing else {**pictures, "conversations": turns, **named}


def _listed(shows: Sequence[Shown], style: Style) -> list[str]:
    if style == "llava":
        return [shown.name for shown in shows]
    return list(dict.fromkeys(shown.name for shown in sorted(shows, key=lambda shown: shown.number)))


def _marks(shows: Sequence[Shown], listed: Sequence[str], *, seeing: bool, style: Style) -> list[str]:
    bare = style == "llava" or (seeing and len(listed) == 1)
    return [IMAGE if bare else f"<image{listed.index(shown.name)}>" for shown in shows]


def _marked(id: str, text: str, marks: Iterator[str]) -> str:
    numbered = [found.group() for found in MARK.finditer(text) if found.group(1)]
    if numbered:
        raise DataError(f"{id}: its text holds {numbered[0]!r}, which would stand for a picture; reword it")
    return MARK.sub(lambda _: next(marks), text)


def _id(sample: Sample, *, seeing: bool) -> str:
    """LLaRA's id for a sample that was built, its own for one that was imported."""
    place, found, number = sample.id.rpartition(f"/{sample.kind}")
    if not found or (number and not re.fullmatch(r"/\d+", number)):
        return sample.id
    episode, _, view = place.rpartition("/")
    if not seeing:
        return f"{original(episode)}_{view}"
    return f"{sample.kind}/{sample.shows[0].name}" if sample.shows else f"{sample.kind}/{place}"


def parse(value: JSON) -> Parsed:
    """A sample's turns and pictures. Raises DataError that says what is wrong with the entry, but not where it is."""
    if not isinstance(value, dict):
        raise DataError(f"should be an object with conversations, is {_shown(value)}")
    listed = _images(value.get("image"))
    turns, dropped = _answered(_turns(value.get("conversations")))
    numbers = _numbers([turn.text for turn in turns], len(listed))
    unseen = [name for number, name in enumerate(listed) if number not in numbers]
    if unseen:
        raise DataError(f"lists the picture {unseen[0]!r}, which the text has no place for; put {IMAGE} into it")
    plain = tuple(Turn(turn.role, MARK.sub(IMAGE, turn.text), turn.learn) for turn in turns)
    shows = tuple(Shown(listed[number], number) for number in numbers)
    id = _identified(value.get("id"))
    for text in (id, *listed, *(turn.text for turn in plain)):
        _require_whole(text)
    return Parsed(id, plain, shows, dropped)


def _require_whole(text: str) -> None:
    """Refuse what JSON can escape and no file can hold. Raises DataError."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        raise DataError(f"holds {half}, half of a surrogate pair, which is no character; leave it out") from error


def _images(value: JSON) -> list[str]:
    listed = [] if value is None or value == "" else value if isinstance(value, list) else [value]
    for name in listed:
        if not isinstance(name, str) or not name:
            raise DataError(f"image should be a path or a list of paths, is {_shown(value)}")
        require_inside(name)
    return [PurePosixPath(name).as_posix() for name in listed]


def require_inside(name: str) -> None:
    """Refuse the name of a picture that leads out of its folder. Raises DataError."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise DataError(f"the picture {name!r} should be a path inside the folder of pictures")


def _turns(value: JSON) -> list[Turn]:
    if not isinstance(value, list) or not value:
        raise DataError(f"conversations should be a list of turns, is {_shown(value)}")
    return [_turn(number, turn) for number, turn in enumerate(value)]


def _turn(number: int, value: JSON) -> Turn:
    speaker, text = (value.get("from"), value.get("value")) if isinstance(value, dict) else (None, None)
    if not isinstance(speaker, str) or speaker not in SPEAKERS or not isinstance(text, str):
        known = ", ".join(SPEAKERS)
        raise DataError(f'turn {number} should be {{"from": one of {known}, "value": text}}, is {_shown(value)}')
    role = SPEAKERS[speaker]
    return Turn(role, text, learn=role == "assistant")


def _answered(turns: list[Turn]) -> tuple[list[Turn], bool]:
    """Questions and answers in turn, after what the system says; an answer before the first question is left out."""
    first = 1 if turns[0].role == "system" else 0
    dropped = len(turns) > first and turns[first].role == "assistant"
    kept = [*turns[:first], *turns[first + dropped :]]
    for number, turn in enumerate(kept[first:]):
        expected = "assistant" if number % 2 else "user"
        if turn.role != expected:
            raise DataError(
                f"turn {first + dropped + number} is said by {_NAMES[turn.role]}, expected {_NAMES[expected]}; "
                "questions and answers should take turns"
            )
    if not kept or kept[-1].role != "assistant":
        raise DataError("ends without an answer; there is nothing to learn from its last turn")
    return kept, dropped


def _numbers(texts: Sequence[str], listed: int) -> list[int]:
    """Which of the listed pictures each mark stands for, in the order of the text."""
    found = [match.group(1) for text in texts for match in MARK.finditer(text)]
    if listed > 1 and found and not any(found):
        if len(found) != listed:
            raise DataError(
                f"lists {listed} pictures and has {len(found)} marks {IMAGE}; number them, {IMAGE[:-1]}0> ..."
            )
        return list(range(listed))
    numbers = [int(number or 0) for number in found]
    beyond = [number for number in numbers if number >= listed]
    if beyond:
        raise DataError(
            f"its text shows picture {beyond[0]} of {listed}, counted from 0; list it, or take the mark out"
        )
    return numbers


def _identified(value: JSON) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _shown(value: JSON) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
