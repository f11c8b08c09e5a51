"""Instructions in other words that mean the same: the sentences of the tabletop and of VIMA-Bench, and any other."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np


@dataclass(frozen=True)
class Form:
    """A sentence that is said in several ways; `<names>` stand for the words and `{slots}` that change."""

    said: tuple[str, ...]
    instead: tuple[str, ...]  # each with all the names of `said`


# The first that fits a sentence counts, so the narrower stand above the wider.
FORMS: Final = (
    Form(
        ("Sweep <amount> <thing> into <area> without exceeding <line>.",),
        (
            "Push <amount> <thing> into <area>, but never past <line>.",
            "Never go past <line> while you brush <amount> <thing> into <area>.",
            "Get <amount> <thing> inside <area> with the spatula; <line> must not be crossed.",
        ),
    ),
    Form(
        (
            "Without touching <line>, sweep <amount> <thing> into <area>.",
            "Sweep <amount> <thing> into <area> without touching <line>.",
        ),
        (
            "Push <amount> <thing> into <area>, and keep clear of <line>.",
            "Keep clear of <line> while you brush <amount> <thing> into <area>.",
            "Get <amount> <thing> inside <area> with the spatula; nothing may come into contact with <line>.",
        ),
    ),
    Form(
        ("Rotate <thing> by <angle> degrees.", "Rotate <thing> <angle> degrees."),
        (
            "Turn <thing> by <angle> degrees.",
            "Give <thing> a turn of <angle> degrees.",
            "By <angle> degrees, spin <thing> on the spot.",
        ),
    ),
    Form(
        ("Put the <texture> object in <scene> into the <base> object.",),
        (
            "In <scene> there is a <texture> object: place it inside the <base> object.",
            "Move the <texture> object that you see in <scene> to the inside of the <base> object.",
            "Into the <base> object goes the <texture> object of <scene>.",
        ),
    ),
    Form(
        (
            "Put all objects that have the same profile as <base> into it.",
            "Put all objects with the same profile as <base> into it.",
        ),
        (
            "Everything shaped like <base> belongs inside it.",
            "Gather in <base> every object whose outline equals its own.",
            "Fill <base> with all the things that share its outline.",
        ),
    ),
    Form(
        ("Put all objects with the same texture as <base> into it.",),
        (
            "Everything that is patterned like <base> belongs inside it.",
            "Gather in <base> every object whose surface looks like its own.",
            "Fill <base> with all the things that share its pattern.",
        ),
    ),
    Form(
        ("Put the object that has the same colour as <base> into it.",),
        (
            "One object is coloured like <base>: place it in there.",
            "Move the thing whose colour equals that of <base> to the inside of that very one.",
            "Which object shares its colour with <base>? It belongs inside.",
        ),
    ),
    Form(
        ("Find <thing> and put it into <base>.",),
        (
            "Somewhere there is <thing>; place it inside <base>.",
            "Look for <thing>, then drop it in <base>.",
            "<base> is where <thing> goes, once you have found it.",
        ),
    ),
    Form(
        ("Put into <base> whichever <thing> is <adjective>.",),
        (
            "One <thing> is <adjective>: place that one inside <base>.",
            "The <thing> that is <adjective> belongs in <base>.",
            "Choose the <thing> that is <adjective> and move it into <base>.",
        ),
    ),
    Form(
        ("See how <lesson>.",),
        ("Here are examples: <lesson>.", "Observe that <lesson>.", "From these pictures learn that <lesson>."),
    ),
    Form(
        ("<more> is <adjective> than <less>.",),
        ("Compared with <less>, <more> is <adjective>.", "Note that <more> is <adjective> than <less>."),
    ),
    Form(
        ("This is a <noun>: <thing>.", "This is a <noun> <thing>."),
        ("Here you see a <noun>: <thing>.", "<thing> is called a <noun>.", "We say <noun> to <thing>."),
    ),
    Form(
        ("Put <thing> into <first>, then into <second>.", "Put <thing> into <first> then <second>."),
        (
            "Move <thing> to the inside of <first>, and after that of <second>.",
            "<thing> goes in <first> and, once it was there, in <second>.",
        ),
    ),
    Form(
        (
            "Finally, restore it to its original container.",
            "Finally restore it into its original container.",
        ),
        (
            "At the end, bring it back to where it was in the beginning.",
            "Last of all, return it to the container that it came from.",
        ),
    ),
    Form(
        ("First, put <thing> into <base>; then put the object that was previously to its <side> into the same one.",),
        (
            "Place <thing> inside <base>, and after that its former neighbour on the <side> side as well.",
            "Into <base> goes <thing> to begin with, and next whatever lay <side> of it before.",
            "Start by moving <thing> to the inside of <base>; what used to be on its <side> follows it there.",
        ),
    ),
    Form(
        ("First put <thing> into <base> then put the object that was previously at its <side> into the same <again>.",),
        (
            "Place <thing> inside <base>, and after that its former neighbour on the <side> side in <again> as well.",
            "Into <base> goes <thing> to begin with, and next into <again> whatever lay <side> of it before.",
        ),
    ),
    Form(
        ("Stack objects in this order: <pictures>.", "Stack objects in this order <pictures>."),
        (
            "Pile the objects up as these pictures show, one after the other: <pictures>.",
            "Build the stack step by step like here: <pictures>.",
            "<pictures>: follow this sequence to put the objects on top of each other.",
        ),
    ),
    Form(
        (
            "For <thing>, follow this motion: <pictures>.",
            "Follow this motion for <thing>: <pictures>.",
        ),
        (
            "Let <thing> travel as these pictures show: <pictures>.",
            "Move <thing> along the way that is seen here: <pictures>.",
            "<pictures>: repeat this path with <thing>.",
        ),
    ),
    Form(
        (
            "Rearrange the objects to the setup in <scene>, and then restore how they were.",
            "Rearrange objects to this setup <scene> and then restore.",
        ),
        (
            "Make everything look like <scene>; after that, bring all of it back to where it is now.",
            "Move the things to where <scene> has them, and undo it when you are done.",
        ),
    ),
    Form(
        ("Rearrange the table to this <scene>.", "Rearrange to this <scene>."),
        (
            "Make the table look like <scene>.",
            "Move things around until all is as in <scene>.",
            "<scene> shows how it should be; tidy up accordingly.",
        ),
    ),
    Form(
        ("To twist is defined as rotating by one specific angle, as in these examples: <examples>.",),
        (
            "What it means to twist is to turn by one certain angle, which is shown here: <examples>.",
            "These pictures teach by which angle things turn when they are twisted: <examples>.",
        ),
    ),
    Form(
        ('"Twist" is defined as rotating object a specific angle.',),
        ("What it means to twist is to turn by one certain angle.",),
    ),
    Form(("For examples: From <before> to <after>.",), ("For instance, <before> becomes <after>.",)),
    Form(("From <before> to <after>.",), ("In the same way, <before> becomes <after>.",)),
    Form(
        ("Now twist all <texture> objects.",),
        ("Do this to every object that is <texture>.", "All the <texture> objects have to be twisted like that."),
    ),
    Form(
        ("Put <thing> into <base>.",),
        (
            "Into <base>, place <thing>.",
            "Move <thing> to the inside of <base>.",
            "<base> is where <thing> belongs.",
            "Take <thing> and drop it in <base>.",
        ),
    ),
)

# For instructions of a form that is not known.
POLITE: Final = (
    "Please do the following: <text>",
    "Could you help me with this? <text>",
    "Here is what I would like you to do. <text>",
    "<text> Thank you.",
)

ONE_WORD: Final = ("angle", "noun")  # names that stand for a single word

_NAME: Final = re.compile(r"<(\w+)>")


def paraphrased(text: str, rng: np.random.Generator) -> str:
    """`text` in other words, with the same `{slots}` and names of things.

    Where one of its sentences has no form that is known, the text stays and is asked for politely.
    """
    sentences = re.split(r"(?<=\.)\s+", text.strip())
    found = [_reworded(sentence, rng) for sentence in sentences]
    known = [sentence for sentence in found if sentence is not None]
    return " ".join(known) if len(known) == len(sentences) else _drawn(POLITE, rng).replace("<text>", text)


def _reworded(sentence: str, rng: np.random.Generator) -> str | None:
    """One sentence in other words, None if its form is unknown."""
    for pattern, instead in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            parts = _NAME.split(_drawn(instead, rng))
            said = "".join(found[part] if k % 2 else part for k, part in enumerate(parts))
            return said[0].upper() + said[1:]
    return None


def _drawn(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    return tuple((_pattern(said), form.instead) for form in FORMS for said in form.said)


def _pattern(said: str) -> re.Pattern[str]:
    """What a sentence of this form looks like."""
    parts = _NAME.split(said)  # words and names in turn
    words = [f"(?P<{part}>{_kind(part)})" if k % 2 else re.escape(part) for k, part in enumerate(parts)]
    return re.compile("".join(words))


def _kind(name: str) -> str:
    return r"\S+" if name in ONE_WORD else ".+?"
