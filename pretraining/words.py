"""What the tokenizer knows: the words of scenes and tasks; and sentences that always read the same, a token each.

A digit is a token of its own, always. What stands around numbers and names in answers is one token too: a box is
twenty tokens in place of forty, and every forward pass is that much shorter.
"""

import re
from collections.abc import Iterator
from typing import Final

from instar.wording import wording
from pretraining.questions import (
    ALIKE,
    BESIDE,
    BESIDE_BEFORE,
    BESIDE_POINT,
    BLOCKED,
    BOTH,
    COUNT,
    ELSEWHERE,
    LIKENED_ALIKE,
    LIKENED_TWO,
    LIST,
    NOTHING,
    NUMBERS,
    POINTS,
    WHAT,
    WHERE,
)
from pretraining.scenes import EVERY_SHAPE, EVERY_TEXTURE
from pretraining.told import DONE, LIKENED, MEANINGS, MEANT, MOVED, READ, STACKED, TURNED

_PLACEHOLDER: Final = re.compile(r"\{[a-z]*\}")
_SHORTEST: Final = 20  # characters of a sentence that is worth a token
GLUE: Final = (
    "</p> at <b>(0.",
    ", 0.",
    "), {0.",
    "}</b>.",
    "}</b>.\n<p>",
    "}</b>.</scene>",
    "<scene><p>",
    ": Pick up the <p>",
    ": Sweep the <p>",
    "Pick up the <p>",
    "Sweep the <p>",
    ": Pick up the object at <b>(0.",
    ": Sweep the object at <b>(0.",
    ")</b>, rotate <r>[",
    "]</r> degrees, and drop it at <b>(0.",
    "]</r> degrees, and stop at <b>(0.",
    ")</b>.\nStep ",
    "</p> from <p>",
    " with 2d center distance (x,y) of <d>(",
    ")</d> and euclidean center distance of <e>0.",
    "horizontally containing",
    "vertically containing",
)


def phrases() -> list[str]:
    """Sentences and glue that become one token each."""
    words = wording("")
    templates = [*words.obj_det, *words.obj_loc, *words.act_pred, *words.fut_pred, *words.spa_rel, *words.tmp_rel]
    templates += [words.history, *words.sentences, *words.format.values(), *words.bins.values()]
    pieces = {piece for template in templates for piece in _PLACEHOLDER.split(template)}
    return [*GLUE, *sorted(piece for piece in pieces if len(piece) >= _SHORTEST)]


def texts() -> Iterator[str]:
    """What words are learned from, each often enough to become a token."""
    names = [f"{texture} {shape}" for texture in EVERY_TEXTURE for shape in EVERY_SHAPE]
    asked = [template.format(name) for template in (*WHERE, *WHAT, *COUNT, *ALIKE) for name in ("red block", "bowls")]
    seen = (BLOCKED, BOTH, POINTS, BESIDE, BESIDE_POINT, BESIDE_BEFORE, ELSEWHERE, LIKENED_ALIKE, LIKENED_TWO)
    told = [
        _PLACEHOLDER.sub("", form)
        for forms in (READ, MOVED, STACKED, TURNED, LIKENED, MEANT, *seen, *DONE.values(), MEANINGS)
        for form in forms
    ]
    task = _TASKS.split()
    for _ in range(5):
        yield from names[::7]
        yield from (*asked, *LIST, *told, NOTHING)
        yield from (form for word in (*NUMBERS, *task, *EVERY_SHAPE) for form in (word, f" {word}", f" {word}s"))


_TASKS: Final = """Put put the into Rotate by degrees This is a Stack objects in this order Rearrange to object that was
previously its north south west east then same one First Finally restore it original container Sweep any all without
exceeding touching dax zup blicket wug daxer blicker modier kobar See how than whichever less more Follow motion for
with texture profile as examples defined rotating specific angle from Now twist setup and they were table scene on"""
