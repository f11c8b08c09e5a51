"""What is asked of told scenes is answered truly, and quotes go back to where it stands."""

import itertools
import re
from collections.abc import Mapping

import numpy as np
import pytest

from instar import markup
from pretraining.exchange import Question
from pretraining.scenes import Scene, draw
from pretraining.told import ANGLE, MEANING, MEANINGS, Teller


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    """Some that lend names."""
    return [draw("told", number, "plain", most=4) for number in range(20)]


def _asked(scenes: list[Scene], kind: str) -> list[Question]:
    return [getattr(Teller(scene, np.random.default_rng(k)), kind)() for k, scene in enumerate(scenes)]


def test_what_moved_is_elsewhere_and_what_it_was_put_on_is_under_it(scenes: list[Scene]) -> None:
    stacked = 0
    for question in _asked(scenes * 3, "moved"):
        told = [markup.SCENE.parse(f"<scene>{part}</scene>")["objects"]
                for part in re.findall("<scene>(.*?)</scene>", question.text, re.DOTALL)]  # fmt: skip
        said = [markup.LOCATED_SENTENCE.parse(row) for row in question.answer.split("\n")]
        onto = len(said) > len(told) - 1
        moved, bases = (said[::2], said[1::2]) if onto else (said, [])
        for one, (before, after) in zip(moved, itertools.pairwise(told), strict=True):
            assert one in after
            assert one not in before
            others = [row for row in after if row not in before and row != one]
            assert len(others) <= 1, "but for what is under it, nothing changed"
            assert all(_above(one, row) for row in others)
        for base, one in zip(bases, moved, strict=False):
            assert _above(one, base)
            stacked += 1
    assert stacked > 5


def _above(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Or at the edge of the picture, beyond which it cannot be."""
    edge = min(one["cx"], 1 - one["cx"]) - one["w"] / 2
    return abs(one["cx"] - other["cx"]) < 0.02 or edge < 0.02


def test_what_is_read_stands_in_the_told_scene(scenes: list[Scene]) -> None:
    for question in _asked(scenes, "read"):
        assert question.answer in question.text
        assert f"the {markup.LOCATED_SENTENCE.parse(question.answer)['object']}" in question.text
    for question in _asked(scenes, "turned"):
        assert f" {ANGLE.parse(question.answer)['angle']} degrees" in question.text


def test_what_was_done_is_written_as_the_question_tells_it(scenes: list[Scene]) -> None:
    for question in _asked(scenes, "done"):
        step = question.answer.removeprefix("Step 1: ")
        row = markup.MOVES["spatula" if step.startswith("Sweep") else "suction"].parse(step)
        assert row["object"] in question.text
        assert f"by {row['degrees']} degrees" in question.text
        for quote in question.quotes:
            said = question.answer[quote.start : quote.stop]
            assert question.text[quote.source :].startswith(said)
        assert len(question.quotes) == 4


def test_what_a_comparative_fits_differs_from_the_other_as_in_the_examples(scenes: list[Scene]) -> None:
    dark = 0
    for question in _asked(scenes * 3, "likened"):
        said = [markup.LOCATED.parse(one) for one in re.findall(r"<p>.*?\}</b>", question.text)]
        *lessons, pair = zip(said[::2], said[1::2], strict=True)
        answer = markup.LOCATED_SENTENCE.parse(question.answer)
        (other,) = (one for one in pair if one != answer)
        less = re.search("(less )?(daxer|blicker|modier|kobar)[?:]", question.text)
        assert less is not None
        for more, fewer in lessons:
            one, two = (fewer, more) if less.group(1) else (more, fewer)
            assert _darkness(answer) - _darkness(other) == _darkness(one) - _darkness(two)
            assert np.sign(answer["h"] - other["h"]) == np.sign(one["h"] - two["h"])
        dark += _darkness(answer) != _darkness(other)
    assert 5 < dark < 55


def test_what_a_comparative_means_is_how_the_examples_differ(scenes: list[Scene]) -> None:
    found = set()
    for question in _asked(scenes * 3, "meant"):
        one, two = (markup.LOCATED.parse(row) for row in re.findall(r"<p>.*?\}</b>", question.text)[:2])
        less = re.search("less (daxer|blicker|modier|kobar)", question.text) is not None
        height, dark = np.sign(one["h"] - two["h"]), _darkness(one) - _darkness(two)
        more = bool(max(height, dark) > 0)
        words = ("lighter", "darker") if dark else ("lower", "higher")
        meaning = MEANING.parse(question.answer)["meaning"]
        found.add(meaning)
        assert question.answer == f"{words[more != less]}."
        shown, wanted = question.senses[0], question.senses[-1]
        assert MEANINGS[wanted.meaning] == meaning
        assert (shown.meaning != wanted.meaning) == less
        assert all(
            question.text[: one.stop].endswith(("daxer", "blicker", "modier", "kobar")) for one in question.senses
        )
    assert len(found) == 4


def _darkness(row: Mapping[str, str]) -> int:
    return int(row["object"].startswith("dark "))


def test_what_is_told_again_goes_back_to_the_same_thing(scenes: list[Scene]) -> None:
    for question in _asked(scenes, "moved"):
        text = question.text
        for quote in question.again:
            names = [re.findall("<p>([^<]*)$", text[:place])[0] for place in (quote.start, quote.source)]
            assert names[0] == names[1]
            assert re.fullmatch(r"</p> at <b>\([\d., ]*\), \{[\d., ]*\}</b>\.", text[quote.start : quote.stop])


def test_what_moved_is_given_away_by_the_first_digit_that_differs(scenes: list[Scene]) -> None:
    for question in _asked(scenes, "moved"):
        for sign in question.signs:
            again = next(one for one in question.again if one.start < sign.source <= one.stop)
            now = question.text[again.start : sign.source]
            before = question.text[again.source :][: len(now)]
            assert now[:-1] == before[:-1]
            assert now[-1] != before[-1]
            assert question.answer[sign.start : sign.stop].startswith("<p>")
            name = question.answer[sign.start : sign.stop]
            assert question.text[: again.start].endswith(name)
