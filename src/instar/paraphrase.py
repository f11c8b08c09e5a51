"""Instructions in other words that mean the same: the sentences of the tabletop and of VIMA-Bench, and any other.

Some words are for teaching and others for judging, so that a policy is never judged by words that it was taught.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np


@dataclass(frozen=True)
class Form:
    """A sentence that is said in several ways; `<names>` stand for the words and `{slots}` that change."""

    said: tuple[str, ...]
    judged: tuple[str, ...]  # what policies are told when they are judged; each has all the names of `said`
    taught: tuple[str, ...]  # what demonstrations are told in; none of them is in `judged`

    def drawn(self, rng: np.random.Generator, *, taught: bool) -> str:
        """One of the ways to say it otherwise."""
        ways = self.taught if taught else self.judged
        return ways[int(rng.integers(len(ways)))]


# The first that fits a sentence counts, so the narrower stand above the wider.
FORMS: Final = (
    Form(
        ("Sweep <amount> <thing> into <area> without exceeding <line>.",),
        judged=(
            "Push <amount> <thing> into <area>, but never past <line>.",
            "Never go past <line> while you brush <amount> <thing> into <area>.",
            "Get <amount> <thing> inside <area> with the spatula; <line> must not be crossed.",
        ),
        taught=(
            "Move <amount> <thing> to <area> along the table; stop before <line>.",
            "The job is to bring <amount> <thing> into <area>, and <line> is the limit.",
        ),
    ),
    Form(
        (
            "Without touching <line>, sweep <amount> <thing> into <area>.",
            "Sweep <amount> <thing> into <area> without touching <line>.",
        ),
        judged=(
            "Push <amount> <thing> into <area>, and keep clear of <line>.",
            "Keep clear of <line> while you brush <amount> <thing> into <area>.",
            "Get <amount> <thing> inside <area> with the spatula; nothing may come into contact with <line>.",
        ),
        taught=(
            "Move <amount> <thing> to <area> along the table and leave <line> alone.",
            "The job is to bring <amount> <thing> into <area> with no contact to <line>.",
        ),
    ),
    Form(
        ("Rotate <thing> by <angle> degrees.", "Rotate <thing> <angle> degrees."),
        judged=(
            "Turn <thing> by <angle> degrees.",
            "Give <thing> a turn of <angle> degrees.",
            "By <angle> degrees, spin <thing> on the spot.",
        ),
        taught=(
            "Let <thing> turn through <angle> degrees.",
            "<angle> degrees is how far <thing> has to turn.",
            "Make <thing> revolve by <angle> degrees.",
        ),
    ),
    Form(
        ("Put the <texture> object in <scene> into the <base> object.",),
        judged=(
            "In <scene> there is a <texture> object: place it inside the <base> object.",
            "Move the <texture> object that you see in <scene> to the inside of the <base> object.",
            "Into the <base> object goes the <texture> object of <scene>.",
        ),
        taught=(
            "<scene> shows a <texture> object, which should end up inside the <base> object.",
            "Pick the <texture> object out of <scene> and drop it into the <base> object.",
        ),
    ),
    Form(
        (
            "Put all objects that have the same profile as <base> into it.",
            "Put all objects with the same profile as <base> into it.",
        ),
        judged=(
            "Everything shaped like <base> belongs inside it.",
            "Gather in <base> every object whose outline equals its own.",
            "Fill <base> with all the things that share its outline.",
        ),
        taught=(
            "All the objects with an outline like that of <base> should end up inside it.",
            "Pick whatever is of the same form as <base> and drop it in there.",
        ),
    ),
    Form(
        ("Put all objects with the same texture as <base> into it.",),
        judged=(
            "Everything that is patterned like <base> belongs inside it.",
            "Gather in <base> every object whose surface looks like its own.",
            "Fill <base> with all the things that share its pattern.",
        ),
        taught=(
            "All the objects with a surface like that of <base> should end up inside it.",
            "Pick whatever has the same pattern as <base> and drop it in there.",
        ),
    ),
    Form(
        ("Put the object that has the same colour as <base> into it.",),
        judged=(
            "One object is coloured like <base>: place it in there.",
            "Move the thing whose colour equals that of <base> to the inside of that very one.",
            "Which object shares its colour with <base>? It belongs inside.",
        ),
        taught=(
            "The object with a colour like that of <base> should end up inside it.",
            "Pick what is just as coloured as <base> and drop it in there.",
        ),
    ),
    Form(
        ("Find <thing> and put it into <base>.",),
        judged=(
            "Somewhere there is <thing>; place it inside <base>.",
            "Look for <thing>, then drop it in <base>.",
            "<base> is where <thing> goes, once you have found it.",
        ),
        taught=(
            "Search the table for <thing>, pick it and drop it into <base>.",
            "<thing> is hidden somewhere here; it should end up inside <base>.",
        ),
    ),
    Form(
        ("Put into <base> whichever <thing> is <adjective>.",),
        judged=(
            "One <thing> is <adjective>: place that one inside <base>.",
            "The <thing> that is <adjective> belongs in <base>.",
            "Choose the <thing> that is <adjective> and move it into <base>.",
        ),
        taught=(
            "Pick the <thing> which is <adjective> and drop it into <base>.",
            "Of each <thing> on the table, the one that is <adjective> should end up inside <base>.",
        ),
    ),
    Form(
        ("See how <lesson>.",),
        judged=("Here are examples: <lesson>.", "Observe that <lesson>.", "From these pictures learn that <lesson>."),
        taught=("It can be seen that <lesson>.", "Keep in mind how <lesson>."),
    ),
    Form(
        ("<more> is <adjective> than <less>.",),
        judged=("Compared with <less>, <more> is <adjective>.", "Note that <more> is <adjective> than <less>."),
        taught=("Seen beside <less>, <more> is <adjective>.", "We call <more> <adjective> when we think of <less>."),
    ),
    Form(
        ("This is a <noun>: <thing>.", "This is a <noun> <thing>."),
        judged=("Here you see a <noun>: <thing>.", "<thing> is called a <noun>.", "We say <noun> to <thing>."),
        taught=("The word <noun> means <thing>.", "Remember <thing> as a <noun>."),
    ),
    Form(
        ("Put <thing> into <first>, then into <second>.", "Put <thing> into <first> then <second>."),
        judged=(
            "Move <thing> to the inside of <first>, and after that of <second>.",
            "<thing> goes in <first> and, once it was there, in <second>.",
        ),
        taught=(
            "Drop <thing> into <first> to start with, and into <second> when that is done.",
            "Two stops for <thing>: <first>, and after it <second>.",
        ),
    ),
    Form(
        ("Finally, restore it to its original container.", "Finally restore it into its original container."),
        judged=(
            "At the end, bring it back to where it was in the beginning.",
            "Last of all, return it to the container that it came from.",
        ),
        taught=(
            "When that is done, it goes home into its first container.",
            "Then let it go back to the container where it started.",
        ),
    ),
    Form(
        ("First, put <thing> into <base>; then put the object that was previously to its <side> into the same one.",),
        judged=(
            "Place <thing> inside <base>, and after that its former neighbour on the <side> side as well.",
            "Into <base> goes <thing> to begin with, and next whatever lay <side> of it before.",
            "Start by moving <thing> to the inside of <base>; what used to be on its <side> follows it there.",
        ),
        taught=(
            "Start with <thing>, which goes inside <base>; the one that lay on its <side> goes the same way.",
            "Two objects go inside <base>: <thing>, and then its neighbour to the <side> as it was at first.",
        ),
    ),
    Form(
        ("First put <thing> into <base> then put the object that was previously at its <side> into the same <again>.",),
        judged=(
            "Place <thing> inside <base>, and after that its former neighbour on the <side> side in <again> as well.",
            "Into <base> goes <thing> to begin with, and next into <again> whatever lay <side> of it before.",
        ),
        taught=(
            "Start with <thing>, which goes inside <base>; the one that lay on its <side> goes inside <again> next.",
            "Drop <thing> in <base>, and then drop its neighbour to the <side>, as it was at first, in <again>.",
        ),
    ),
    Form(
        ("Stack objects in this order: <pictures>.", "Stack objects in this order <pictures>."),
        judged=(
            "Pile the objects up as these pictures show, one after the other: <pictures>.",
            "Build the stack step by step like here: <pictures>.",
            "<pictures>: follow this sequence to put the objects on top of each other.",
        ),
        taught=(
            "Make a tower of the objects, layer by layer, as in <pictures>.",
            "As in <pictures>, lay one object upon another.",
        ),
    ),
    Form(
        ("For <thing>, follow this motion: <pictures>.", "Follow this motion for <thing>: <pictures>."),
        judged=(
            "Let <thing> travel as these pictures show: <pictures>.",
            "Move <thing> along the way that is seen here: <pictures>.",
            "<pictures>: repeat this path with <thing>.",
        ),
        taught=(
            "Along the path of <pictures>, carry <thing>.",
            "Take <thing> through the places that these pictures show: <pictures>.",
        ),
    ),
    Form(
        (
            "Rearrange the objects to the setup in <scene>, and then restore how they were.",
            "Rearrange objects to this setup <scene> and then restore.",
        ),
        judged=(
            "Make everything look like <scene>; after that, bring all of it back to where it is now.",
            "Move the things to where <scene> has them, and undo it when you are done.",
        ),
        taught=(
            "First everything should stand as in <scene>, then as it stands at present.",
            "Bring about what <scene> shows, and then put everything back.",
        ),
    ),
    Form(
        ("Rearrange the table to this <scene>.", "Rearrange to this <scene>."),
        judged=(
            "Make the table look like <scene>.",
            "Move things around until all is as in <scene>.",
            "<scene> shows how it should be; tidy up accordingly.",
        ),
        taught=("Everything should stand as in <scene>.", "Bring about what <scene> shows."),
    ),
    Form(
        ("To twist is defined as rotating by one specific angle, as in these examples: <examples>.",),
        judged=(
            "What it means to twist is to turn by one certain angle, which is shown here: <examples>.",
            "These pictures teach by which angle things turn when they are twisted: <examples>.",
        ),
        taught=(
            "Twisting means a turn by an angle that you can work out from here: <examples>.",
            "Look at <examples> to learn how far an object turns when it is twisted.",
        ),
    ),
    Form(
        ('"Twist" is defined as rotating object a specific angle.',),
        judged=("What it means to twist is to turn by one certain angle.",),
        taught=("Twisting means a turn by an angle that you can work out.",),
    ),
    Form(
        ("For examples: From <before> to <after>.",),
        judged=("For instance, <before> becomes <after>.",),
        taught=("It can be seen that <before> turns into <after>.",),
    ),
    Form(
        ("From <before> to <after>.",),
        judged=("In the same way, <before> becomes <after>.",),
        taught=("Likewise, <before> turns into <after>.",),
    ),
    Form(
        ("Now twist all <texture> objects.",),
        judged=(
            "Do this to every object that is <texture>.",
            "All the <texture> objects have to be twisted like that.",
        ),
        taught=("Twist whatever is <texture>.", "It is the <texture> objects that you should twist now."),
    ),
    Form(
        ("Put <thing> into <base>.",),
        judged=(
            "Into <base>, place <thing>.",
            "Move <thing> to the inside of <base>.",
            "<base> is where <thing> belongs.",
            "Take <thing> and drop it in <base>.",
        ),
        taught=(
            "Pick <thing> and let it go inside <base>.",
            "<thing> should end up in <base>.",
            "Carry <thing> over to <base> and drop it there.",
        ),
    ),
)

# For instructions of a form that is not known.
POLITE: Final = Form(
    ("<text>",),
    judged=(
        "Please do the following: <text>",
        "Could you help me with this? <text>",
        "Here is what I would like you to do. <text>",
        "<text> Thank you.",
    ),
    taught=("Your task: <text>", "I need this done. <text>", "<text> That is all."),
)

ONE_WORD: Final = ("angle", "noun")  # names that stand for a single word

_NAME: Final = re.compile(r"<(\w+)>")


def paraphrased(text: str, rng: np.random.Generator, *, taught: bool = False) -> str:
    """`text` in other words, with the same `{slots}` and names of things; in those for teaching if `taught`.

    Where one of its sentences has no form that is known, the text stays and is asked for politely.
    """
    sentences = re.split(r"(?<=\.)\s+", text.strip())
    found = [_reworded(sentence, rng, taught=taught) for sentence in sentences]
    known = [sentence for sentence in found if sentence is not None]
    if len(known) == len(sentences):
        return " ".join(known)
    return POLITE.drawn(rng, taught=taught).replace("<text>", text)


def _reworded(sentence: str, rng: np.random.Generator, *, taught: bool) -> str | None:
    """One sentence in other words, None if its form is unknown."""
    for pattern, form in _patterns():
        found = pattern.fullmatch(sentence)
        if found is not None:
            parts = _NAME.split(form.drawn(rng, taught=taught))
            said = "".join(found[part] if k % 2 else part for k, part in enumerate(parts))
            return said[0].upper() + said[1:]
    return None


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Form], ...]:
    return tuple((_pattern(said), form) for form in FORMS for said in form.said)


def _pattern(said: str) -> re.Pattern[str]:
    """What a sentence of this form looks like."""
    parts = _NAME.split(said)  # words and names in turn
    words = [f"(?P<{part}>{_kind(part)})" if k % 2 else re.escape(part) for k, part in enumerate(parts)]
    return re.compile("".join(words))


def _kind(name: str) -> str:
    return r"\S+" if name in ONE_WORD else ".+?"
