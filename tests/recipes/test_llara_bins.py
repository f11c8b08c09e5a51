"""Tests of actions in five characters: LLaRA's golden values, and that what is written can be read."""

import hashlib
import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar.compat import degrees
from instar.demo import Episode, Step
from instar.embodiments.vima import FRONT, VIMA
from instar.errors import DataError, ReplyError
from instar.plugins import make
from instar.recipes.llara import Llara
from instar.recipes.llara_bins import CHARACTERS, MOVE, SLOTS, Bins
from tests.toy import toy_episode

BINS = [Llara(actions="bins"), Llara(actions="image-bins")]
COMPAT = [replace(recipe, compat=True) for recipe in BINS]

# LLaRA's sample vima_v6/follow_order/000000 in image coordinates: two actions as numbers, and as text.
GOLDEN = {
    "┘直土直╦": [0.46484375, 0.6171875, 0.7109375, 0.6171875, 0.5],
    "制館博館╦": [0.28125, 0.6328125, 0.76953125, 0.6328125, 0.5],
}


def seen(numbers: list[float]) -> np.ndarray:
    """The action (6,) whose pixels and turn are those numbers."""
    (x0, y0), (x1, y1) = FRONT.lift(np.array(numbers[:4]).reshape(2, 2) * (256, 128) + 1e-3)
    return np.array([x0, y0, 0.0, x1, y1, math.radians(numbers[4] * 360 - 180)])


@pytest.mark.parametrize(("text", "numbers"), GOLDEN.items())
@pytest.mark.parametrize("compat", [True, False])
def test_the_characters_are_those_of_llara(text: str, numbers: list[float], *, compat: bool) -> None:
    assert Bins(picture=True, compat=compat).done(seen(numbers), "suction", FRONT, VIMA) == text


def test_there_are_256_different_characters_and_none_is_ordinary_text() -> None:
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 256
    assert CHARACTERS[round(0.5 * 255)] == CHARACTERS[31128 - 31000] == "╦"
    assert all(ord(letter) > 127 for letter in CHARACTERS)
    # Of the tokens 31000 to 31255 of Llama's vocabulary, in that order.
    assert hashlib.sha256(CHARACTERS.encode()).hexdigest().startswith("5a83fe319b5a7a8c78e2e828254de887")
    assert [CHARACTERS.index(letter) for letter in "┘直土直╦"] == [119, 157, 181, 157, 128]


def test_a_move_is_five_characters_and_a_decoder_can_say_nothing_else() -> None:
    assert all(re.fullmatch(MOVE.pattern(), text) for text in GOLDEN)
    for other in ("", "┘直土直", "┘直土直╦╦", "Aaaaa", "┘直土直5"):
        assert not re.fullmatch(MOVE.pattern(), other)
    for letter in CHARACTERS:
        assert MOVE.parse(letter * 5) == dict.fromkeys(SLOTS, letter)


@pytest.mark.parametrize("recipe", [*BINS, *COMPAT])
def test_answers_are_numbered_and_five_characters_long(recipe: Llara) -> None:
    lines = recipe.answer(toy_episode(), 0).split("\n")
    assert [line[:8] for line in lines] == ["Step 1: ", "Step 2: "]
    assert all(len(line) == 13 and set(line[8:]) <= set(CHARACTERS) for line in lines)
    assert recipe.answer(toy_episode(spatula=1.0), 1).startswith("Step 2: ")


places = st.tuples(st.floats(0.25, 0.75), st.floats(-0.5, 0.5), st.just(0.0))
actions = st.tuples(places, places, st.floats(-180, 180)).map(
    lambda parts: np.array([*parts[0], *parts[1][:2], math.radians(parts[2])])
)


def episode_of(move: np.ndarray) -> Episode:
    return replace(toy_episode(), steps=[Step(toy_episode().steps[0].observation, move)])


@settings(derandomize=True, max_examples=60, deadline=None)
@given(actions)
@pytest.mark.parametrize("recipe", [*BINS, *COMPAT])
def test_an_action_survives_its_characters_to_half_a_step(recipe: Llara, move: np.ndarray) -> None:
    episode = episode_of(move)
    read = recipe.read(recipe.answer(episode, 0), episode.context(0, 0))[0]
    # Half of 1/255 of the range, and what the published code cuts off: a pixel and a degree.
    pixel, degree = (1, 1.0) if recipe.compat else (0, 0.0)
    across = (0.5 * 256 / 255 + pixel) / 251 if recipe.actions == "image-bins" else 0.5 / 255
    down = (0.5 * 128 / 255 + pixel) / 178 if recipe.actions == "image-bins" else 0.25 / 255
    assert np.all(np.abs(read[[1, 4]] - move[[1, 4]]) <= across + 1e-6)
    assert np.all(np.abs(read[[0, 3]] - move[[0, 3]]) <= down + 1e-6)
    turned = math.degrees(math.remainder(read[5] - move[5], math.tau))
    assert abs(turned) <= 180 / 255 + degree + 1e-3


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.text(alphabet=CHARACTERS, min_size=5, max_size=5))
@pytest.mark.parametrize("recipe", BINS)
def test_what_was_read_is_written_with_the_same_characters(recipe: Llara, text: str) -> None:
    read = recipe.read(f"Step 1: {text}", toy_episode().context(0, 0))
    again = recipe.answer(episode_of(read[0]), 0).removeprefix("Step 1: ")
    if recipe.actions == "bins":
        assert again[:4] == text[:4]
    assert again[4] == text[4] or {again[4], text[4]} == {CHARACTERS[0], CHARACTERS[-1]}  # -180 and 180 are one turn


def test_no_turn_is_said_with_the_nearest_character_and_read_as_less_than_a_degree() -> None:
    move = np.array([0.5, 0.0, 0.0, 0.5, 0.0, 0.0])
    for recipe in (*BINS, *COMPAT):
        answer = recipe.answer(episode_of(move), 0)
        assert answer.endswith("╦")
        read = recipe.read(answer, toy_episode().context(0, 0))
        assert math.degrees(read[0, 5]) == pytest.approx(128 / 255 * 360 - 180, abs=1e-4)
        assert 0.7 < math.degrees(read[0, 5]) < 0.71


def test_the_turn_is_counted_about_plus_z_without_the_sign_of_sentences() -> None:
    more = Llara(actions="bins").answer(episode_of(np.array([0.5, 0.0, 0.0, 0.5, 0.0, math.radians(90)])), 0)
    assert CHARACTERS.index(more[-1]) == round(0.75 * 255)


def test_the_past_is_told_in_the_same_characters() -> None:
    for recipe in (*BINS, *COMPAT):
        answer = recipe.answer(toy_episode(), 0).split("\n")[0]
        assert recipe.ask(toy_episode().context(1, 8)).question.endswith(f"\nYou have finished: {answer}")


def test_the_published_way_tells_a_turn_read_as_a_whole_degree_nearer_to_none() -> None:
    recipe = Llara(actions="bins", compat=True)
    read = recipe.read(f"Step 1: {CHARACTERS[:4]}{CHARACTERS[200]}", toy_episode().context(0, 0))[0]
    whole = degrees(read)
    assert whole == int(200 / 255 * 360 - 180)
    told = recipe.answer(episode_of(read), 0)
    assert told[-1] == CHARACTERS[round((whole + 180) / 360 * 255)]


@pytest.mark.parametrize(
    ("reply", "count"),
    [("┘直土直╦制館博館╦", 2), ("Well: ┘直 and 土直╦!", 1), ("┘直土直╦制館", 1), ("┘直土直╦" * 12, 8)],
)
def test_the_published_reader_takes_known_characters_by_fives(reply: str, count: int) -> None:
    assert Llara(actions="image-bins", compat=True).read(reply, toy_episode().context(0, 0)).shape == (count, 6)


@pytest.mark.parametrize("reply", ["", "Step 1: ", "┘直土直", "Step 1: (0.5, 0.5)"])
@pytest.mark.parametrize("recipe", [BINS[0], COMPAT[0]])
def test_a_reply_without_five_characters_is_refused(recipe: Llara, reply: str) -> None:
    with pytest.raises(ReplyError):
        recipe.read(reply, toy_episode().context(0, 0))


@pytest.mark.parametrize("reply", ["Step 2: ┘直土直╦", "Step 1: ┘直土直╦!", "┘直土直╦"])
def test_the_strict_reader_wants_a_numbered_line(reply: str) -> None:
    with pytest.raises(ReplyError):
        BINS[0].read(reply, toy_episode().context(0, 0))


@pytest.mark.parametrize("x", [0.2, 0.8])
def test_an_action_off_the_table_cannot_be_said(x: float) -> None:
    with pytest.raises(DataError, match="cannot be said in 256 steps"):
        BINS[0].answer(episode_of(np.array([x, 0.0, 0.0, 0.5, 0.0, 0.0])), 0)


@pytest.mark.parametrize("choice", ["llara:actions=bins", "llara:actions=image-bins,compat=true"])
def test_is_a_recipe_with_options_that_make_it_again(choice: str) -> None:
    recipe: Any = make("recipes", choice)
    assert recipe in (*BINS, *COMPAT)
