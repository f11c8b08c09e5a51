"""Every kind of LLaRA's behaviour-cloning data on its toy episode, character by character, and what differs by default.

The expected texts are the outputs of LLaRA's own functions on this toy; the format instruction is that of our pack.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from instar.chat import Conversation
from instar.demo import Episode
from instar.errors import DataError
from instar.plugins import make
from instar.recipes.llara import Llara
from instar.wording import wording
from tests.golden import assert_golden
from tests.toy import toy_episode, whole_pixel_episode

FMT = wording().format["suction"]
SCENE = (
    "<scene><p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.\n"
    "<p>red swirl block</p> at <b>(0.699, 0.633), {0.090, 0.180}</b>.\n"
    "<p>green heart</p> at <b>(0.191, 0.461), {0.074, 0.148}</b>.</scene>"
)
ALONE = "<p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>"
FIRST = (
    "Pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, "
    "and drop it at <b>(0.703, 0.641)</b>."
)
SECOND = (
    "Pick up the <p>green heart</p> at <b>(0.391, 0.469)</b>, rotate <r>[-90]</r> degrees, "
    "and drop it at <b>(0.195, 0.469)</b>."
)
DONE = f"\nYou have finished: Step 1: {FIRST}".replace("<p>red swirl block</p>", "object")
RAW, SEEN = ("ʀ得վ量ച", "好ң好☆否"), ("氏码園朝ച", "更初得初否")

Said = tuple[str, str]  # question and answer


def said(options: str, t: int, episode: Episode | None = None) -> Said:
    recipe: Llara = make("recipes", f"llara:compat=true{',' if options else ''}{options}")
    episode = episode or whole_pixel_episode()
    return recipe.ask(episode.context(t, recipe.past)).question, recipe.answer(episode, t)


def task(words: str) -> str:
    return f"<image>\n<task>{words}</task>\n"


KINDS: dict[str, tuple[Said, Said]] = {
    "describe=false": (  # inBC
        (task("Rearrange to this scene.") + FMT, f"Step 1: {FIRST}\nStep 2: {SECOND}"),
        (task("Rearrange to this scene.") + FMT + DONE, f"Step 2: {SECOND}"),
    ),
    "": (  # D-inBC
        (task(f"Rearrange to this {SCENE}.") + FMT, f"Step 1: {FIRST}\nStep 2: {SECOND}"),
        (task(f"Rearrange to this {SCENE}.") + FMT + DONE, f"Step 2: {SECOND}"),
    ),
    "multi=false": (  # D-inBC single, with its step labels that count from the number of all steps
        (task(f"Rearrange to this {SCENE}.") + FMT, f"Step 2: {FIRST}"),
        (task(f"Rearrange to this {SCENE}.") + FMT + DONE, f"Step 3: {SECOND}"),
    ),
    "visual=true": (  # D-inBC visual
        (task(f"Rearrange to this <image>{SCENE}.") + FMT, f"Step 1: {FIRST}\nStep 2: {SECOND}"),
        (task(f"Rearrange to this <image>{SCENE}.") + FMT + DONE, f"Step 2: {SECOND}"),
    ),
    "actions=bins,describe=false": (  # RT2
        (task("Rearrange to this scene."), f"Step 1: {RAW[0]}\nStep 2: {RAW[1]}"),
        (task("Rearrange to this scene.") + f"\nYou have finished: Step 1: {RAW[0]}", f"Step 2: {RAW[1]}"),
    ),
    "actions=bins": (  # D-RT2
        (task(f"Rearrange to this {SCENE}."), f"Step 1: {RAW[0]}\nStep 2: {RAW[1]}"),
        (task(f"Rearrange to this {SCENE}.") + f"\nYou have finished: Step 1: {RAW[0]}", f"Step 2: {RAW[1]}"),
    ),
    "actions=image-bins,describe=false": (  # I-RT2
        (task("Rearrange to this scene."), f"Step 1: {SEEN[0]}\nStep 2: {SEEN[1]}"),
        (task("Rearrange to this scene.") + f"\nYou have finished: Step 1: {SEEN[0]}", f"Step 2: {SEEN[1]}"),
    ),
    "actions=image-bins": (  # I-D-RT2
        (task(f"Rearrange to this {SCENE}."), f"Step 1: {SEEN[0]}\nStep 2: {SEEN[1]}"),
        (task(f"Rearrange to this {SCENE}.") + f"\nYou have finished: Step 1: {SEEN[0]}", f"Step 2: {SEEN[1]}"),
    ),
}


@pytest.mark.parametrize("options", KINDS)
def test_every_kind_is_that_of_llara_on_its_toy(options: str) -> None:
    assert tuple(said(options, t) for t in (0, 1)) == KINDS[options]


@pytest.mark.parametrize(("options", "words"), [("describe=false", "<p>blue bowl</p>"), ("", ALONE)])
def test_a_picture_of_one_object_becomes_its_name_or_its_name_and_box(options: str, words: str) -> None:
    question, _ = said(options, 0, whole_pixel_episode("object"))
    assert question == task(f"Put all objects into {words}.") + FMT


def test_a_spatula_sweeps_and_is_told_its_own_format() -> None:
    question, answer = said("describe=false", 0, whole_pixel_episode("object", spatula=1.0))
    assert question.endswith(wording().format["spatula"])
    assert answer.split("\n")[0] == (
        "Step 1: Sweep the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[0]</r> degrees, "
        "and stop at <b>(0.703, 0.641)</b>."
    )


def test_through_the_top_camera_the_same_action_is_elsewhere() -> None:
    # Front pixel (52, 92) is x = 58 / 178 + 0.25, y = 49 / 251 - 0.5; seen from the top: 252 * 58 / 178 + 1, 51.
    _, answer = said("camera=top", 0)
    assert f"at <b>({51 / 256:.3f}, {83 / 128:.3f})</b>, rotate <r>[30]</r>" in answer


@pytest.mark.parametrize("options", [*KINDS, "visual=true,describe=false", "multi=false,actions=bins"])
def test_every_kind_is_read_back_to_its_pixel(options: str) -> None:
    episode = whole_pixel_episode()
    recipe: Llara = make("recipes", f"llara:compat=true{',' if options else ''}{options}")
    for t in (0, 1):
        read = recipe.read(recipe.answer(episode, t), episode.context(t, recipe.past))
        assert len(read) == min(recipe.horizon, 2 - t)
        wanted = episode.action(t)
        assert abs(read[0] - wanted)[[0, 1, 3, 4]].max() < 0.006  # a pixel or a bin
        assert abs(read[0, 5] - wanted[5]) < 0.03


def test_by_default_answers_are_exact_and_numbered_from_the_step_at_hand() -> None:
    single = Llara(multi=False)
    assert single.answer(toy_episode(), 1).startswith("Step 2: ")
    assert "[-91]" in single.answer(toy_episode(), 1)  # 90.6 degrees, rounded


def test_by_default_five_characters_are_asked_for_in_words() -> None:
    told = [
        Llara(actions="bins").ask(toy_episode(spatula=spatula).context(0, 8)).question.split("\n")[-1]
        for spatula in (0.0, 1.0)
    ]
    assert told == [wording().bins["suction"], wording().bins["spatula"]]


def test_pictures_of_references_follow_the_observation_in_the_order_of_the_task() -> None:
    episode = toy_episode()
    scene = episode.instruction.references["scene"]
    asked = Llara(visual=True).ask(episode.context(1, 8))
    assert asked.images == (episode.steps[1].observation.images["front"], scene.images["front"])
    assert asked.question.startswith("<image>\n<task>Rearrange to this <image><scene>")


def test_a_reference_without_a_picture_of_the_camera_cannot_be_shown() -> None:
    episode = toy_episode()
    scene = episode.instruction.references["scene"]
    blind = replace(scene, images={"top": scene.images["top"]})
    episode = replace(episode, instruction=replace(episode.instruction, references={"scene": blind}))
    with pytest.raises(DataError, match="reference 'scene' has no picture of camera 'front'"):
        Llara(visual=True).ask(episode.context(0, 0))


def conversations() -> Iterator[tuple[str, Conversation]]:
    options = ("actions=bins", "actions=image-bins,multi=false", "visual=true,sentence=3", "spaces=2,describe=false")
    for chosen in (*options, *(f"compat=true,{kind}" for kind in ("describe=false", "multi=false,visual=true"))):
        recipe: Llara = make("recipes", f"llara:{chosen}")
        for t in (0, 1):
            episode = toy_episode()
            yield f"{chosen}, step {t}", recipe.ask(episode.context(t, 8)).answered(recipe.answer(episode, t))


def test_conversations_are_those_in_the_golden_file() -> None:
    assert_golden("llara_kinds", conversations())


def test_no_kind_leaves_a_slot_unfilled() -> None:
    for options in KINDS:
        question, answer = said(options, 1)
        assert not re.search(r"\{[a-z_]+\}", question.replace(FMT, "") + answer)
