"""Whoever writes also reads: every grammar gives back what it was given, and its pattern admits what it writes."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar.errors import ConfigError, DataError, ReplyError
from instar.grammar import Choice, Fixed, Grammar, Integer, Maybe, Repeat, Space, Text
from instar.numerals import fixed_pattern, integer_pattern

POINT = Grammar("(", Fixed("x", 3, 0, 1), ",", Space(), Fixed("y", 3, 0, 1), ")")
STEP = Grammar("Step ", Integer("step", 1), ": move ", "<p>", Text("name"), "</p> ", Choice("way", ("up", "upside")))
PLAN = Grammar(
    Repeat("plan", Grammar(STEP, Maybe(" by ", Fixed("angle", 1, -180, 180)))), Maybe("\n# ", Text("note", "\n"))
)


def test_writes_and_reads_a_point() -> None:
    assert POINT.format({"x": 0.5, "y": 0.25}) == "(0.500, 0.250)"
    assert POINT.parse("(0.500, 0.250)") == {"x": 0.5, "y": 0.25}


@pytest.mark.parametrize("text", ["(0.301,  0.727)", "(0.301,0.727)", "(0.301,\n0.727)"])
def test_forgives_white_space_only_where_a_space_stands(text: str) -> None:
    assert POINT.parse(text) == {"x": 0.301, "y": 0.727}
    with pytest.raises(ReplyError):
        POINT.parse(" " + text)


def test_writes_minus_zero_where_it_is_told_to() -> None:
    change = Grammar(Fixed("x", 3, -2, 2, minus_zero=True), ".")
    for value in (-0.0004, -0.5, 0.0004, 2):
        text = change.format({"x": value})
        assert text == f"{value:.3f}."
        assert re.fullmatch(change.pattern(), text)
        assert change.parse(text)["x"] == pytest.approx(value, abs=0.0005)
    assert not re.fullmatch(change.pattern(), "-2.001.")


def test_a_choice_of_single_characters_takes_any_character() -> None:
    choice = Choice("letter", ("]", "^", "-", "\\", "&", "~", "[", "ب", "直"))
    for letter in choice.options:
        assert re.fullmatch(choice.pattern(), letter)
        assert Grammar(choice, "!").parse(f"{letter}!") == {"letter": letter}
    assert not any(re.fullmatch(choice.pattern(), other) for other in ("a", "", "[]", "_", "`"))


def test_text_that_looks_like_formatting_is_text() -> None:
    share = Grammar("100% of %s: ", Text("name", "."), ".")
    assert share.format({"name": "50%d"}) == "100% of %s: 50%d."
    assert share.parse("100% of %s: 50%d.") == {"name": "50%d"}


def test_a_missing_value_is_named_wherever_it_is_missing() -> None:
    with pytest.raises(DataError, match="no value for the slot 'y'"):
        POINT.format({"x": 0.5})
    with pytest.raises(DataError, match="no value for the slot 'name'"):
        PLAN.format({"plan": [{"step": 1, "way": "up"}]})


def test_never_writes_minus_zero() -> None:
    assert Grammar(Fixed("x", 2)).format({"x": -0.001}) == "0.00"


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "'('"),
        ("(0.5, 1.5)", 6, "a number from 0 to 1 for y"),
        ("(0.500, 0.250", 13, "')'"),
        ("(0.500, 0.250) and", 14, "the end"),
    ],
)
def test_an_unreadable_reply_says_where_and_what_was_expected(text: str, position: int, expected: str) -> None:
    with pytest.raises(ReplyError) as caught:
        POINT.parse(text)
    assert caught.value.position == position
    assert caught.value.expected == expected


def test_the_furthest_place_that_made_sense_is_named() -> None:
    with pytest.raises(ReplyError, match="expected 'by '") as caught:
        PLAN.parse("Step 1: move <p>a</p> up and away")
    assert caught.value.position == 25


@pytest.mark.parametrize("value", [{"x": 2.0, "y": 0.0}, {"x": 0.5}, {"x": 0.5, "y": 0.5, "z": 1.0}])
def test_refuses_to_write_what_it_could_not_read(value: dict[str, float]) -> None:
    with pytest.raises(DataError):
        POINT.format(value)


def test_refuses_declarations_that_cannot_be_read_back() -> None:
    with pytest.raises(ConfigError, match="must be followed by"):
        Grammar(Text("name"), " at")
    with pytest.raises(ConfigError, match="more than once"):
        Grammar(Integer("a"), " ", Integer("a"))
    with pytest.raises(ConfigError, match="needs a slot"):
        Maybe("please")


names = st.text(st.characters(blacklist_characters="<>\n", blacklist_categories=["Cs"]), min_size=1, max_size=20)
steps = st.fixed_dictionaries(
    {"step": st.integers(1, 10**6), "name": names, "way": st.sampled_from(["up", "upside"])},
    optional={"angle": st.integers(-1800, 1800).map(lambda tenth: tenth / 10)},
)
plans = st.fixed_dictionaries(
    {"plan": st.lists(steps, min_size=1, max_size=8)},
    optional={"note": st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), min_size=1)},
)


@settings(max_examples=200, deadline=None)
@given(plans)
def test_reads_back_what_it_wrote(plan: dict[str, Any]) -> None:
    text = PLAN.format(plan)
    assert PLAN.parse(text) == plan
    assert re.fullmatch(PLAN.pattern(), text)


@settings(max_examples=100, deadline=None)
@given(st.integers(-2000, 2000), st.integers(0, 3000))
def test_integer_pattern_admits_exactly_the_range(low: int, width: int) -> None:
    pattern = re.compile(integer_pattern(low, low + width))
    probes = {
        low - 1,
        low,
        low + 1,
        low + width // 2,
        low + width - 1,
        low + width,
        low + width + 1,
        0,
        9,
        10,
        -10,
        100,
    }
    for probe in probes:
        assert bool(pattern.fullmatch(str(probe))) == (low <= probe <= low + width), (pattern.pattern, probe)
    assert not pattern.fullmatch("-0")
    assert not pattern.fullmatch("007")


@settings(max_examples=100, deadline=None)
@given(st.integers(-3000, 3000), st.integers(0, 4000))
def test_fixed_pattern_admits_exactly_the_range(low: int, width: int) -> None:
    high = low + width
    pattern = re.compile(fixed_pattern(2, low / 100, high / 100))
    for probe in {low - 1, low, low + 1, low + width // 2, high - 1, high, high + 1, 0, 99, 100, 101, -99, -101}:
        text = f"{probe / 100:.2f}"
        assert bool(pattern.fullmatch(text)) == (low <= probe <= high), (pattern.pattern, text)


@pytest.mark.parametrize("least", [0, 1, 3])
def test_items_may_depend_on_their_place(least: int) -> None:
    count = Grammar(Repeat("lines", lambda k: Grammar(Integer("n", k, k), "."), least=least, most=3))
    for length in range(4):
        values = {"lines": [{"n": k} for k in range(length)]}
        if length < least:
            assert not re.fullmatch(count.pattern(), "\n".join(f"{k}." for k in range(length)))
        else:
            assert count.parse(count.format(values)) == values
            assert re.fullmatch(count.pattern(), count.format(values))
    assert not re.fullmatch(count.pattern(), "1.")
    with pytest.raises(ReplyError, match="expected 0 for n"):
        count.parse("1.")


def test_the_range_from_zero_to_one_is_small() -> None:
    assert fixed_pattern(3, 0, 1) == r"(?:(?:0)\.[0-9]{3}|1\.000)"


def test_a_whole_number_of_endless_digits_is_a_miss_and_no_crash() -> None:
    with pytest.raises(ReplyError, match="whole number"):
        Grammar(Integer("a"), ".").parse("9" * 5000 + ".")
