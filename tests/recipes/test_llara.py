"""Tests of the LLaRA recipe: what it asks, what it answers, and that it reads what it wrote."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from instar.chat import Conversation, Recipe
from instar.demo import Context, Episode, Instruction, Reference, SceneObject, Step
from instar.embodiments.vima import VIMA
from instar.errors import ConfigError, DataError, MismatchError, ReplyError
from instar.plugins import choice_of, make
from instar.recipes.llara import Llara
from instar.wording import OURS, wording
from tests.golden import assert_golden
from tests.toy import BOWL, toy_action, toy_episode, toy_observation, toy_reference

STEP_1 = (
    "Step 1: Pick up the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[30]</r> degrees, "
    "and drop it at <b>(0.703, 0.641)</b>."
)
STEP_2 = (
    "Step 2: Pick up the <p>green heart</p> at <b>(0.391, 0.469)</b>, rotate <r>[-91]</r> degrees, "
    "and drop it at <b>(0.195, 0.469)</b>."
)


def asked(episode: Episode, t: int, recipe: Llara | None = None) -> str:
    recipe = recipe or Llara()
    return recipe.ask(episode.context(t, recipe.past)).question


def long_episode(length: int) -> Episode:
    """`length` moves of the block from one side to the other."""
    first = toy_episode().steps[0].observation
    steps = [Step(first, toy_action((50 + k, 90), (150 + k, 80), k)) for k in range(length)]
    return replace(toy_episode(), steps=steps)


def with_text(text: str, **references: Reference) -> Context:
    return replace(toy_episode().context(0, 0), instruction=Instruction(text, references))


def test_is_a_recipe_with_options_that_make_it_again() -> None:
    recipe = make("recipes", "llara:describe=false,past=3,camera=top")
    assert recipe == Llara(describe=False, past=3, camera="top")
    assert isinstance(recipe, Recipe)
    assert make("recipes", choice_of("recipes", recipe)) == recipe


def test_asks_with_the_picture_the_task_and_the_format() -> None:
    context = toy_episode("object").context(0, 8)
    conversation = Llara().ask(context)
    picture, task, how = conversation.question.split("\n")
    assert picture == "<image>"
    assert task == "<task>Put all objects into <p>blue bowl</p> at <b>(0.496, 0.609), {0.230, 0.305}</b>.</task>"
    assert how == wording().format["suction"]
    assert conversation.images == (context.observation.images["front"],)


def test_describes_a_scene_by_the_boxes_of_its_objects() -> None:
    task = re.search("<task>.*</task>", asked(toy_episode("scene"), 0), re.DOTALL)
    assert task is not None
    assert task[0] == (
        "<task>Rearrange to this <scene><p>blue bowl</p> at <b>(0.699, 0.617), {0.230, 0.305}</b>.\n"
        "<p>red swirl block</p> at <b>(0.699, 0.633), {0.090, 0.180}</b>.\n"
        "<p>green heart</p> at <b>(0.191, 0.461), {0.074, 0.148}</b>.</scene>.</task>"
    )


def test_without_description_names_objects_and_leaves_scenes_as_their_slot() -> None:
    plain = Llara(describe=False)
    assert "<task>Rearrange to this scene.</task>" in asked(toy_episode("scene"), 0, plain)
    assert "<task>Put all objects into <p>blue bowl</p>.</task>" in asked(toy_episode("object"), 0, plain)


def test_every_place_of_a_slot_is_replaced_and_other_braces_stay() -> None:
    context = with_text("{a} before {b-1} {w, h} {a}", a=toy_reference("object"), **{"b-1": toy_reference("scene")})
    task = Llara(describe=False).ask(context).question.split("\n")[1]
    assert task == "<task><p>blue bowl</p> before b-1 {w, h} <p>blue bowl</p></task>"


def test_what_was_done_is_told_without_names() -> None:
    question = asked(toy_episode(), 1)
    told = STEP_1.replace("<p>red swirl block</p>", "object")
    assert question.endswith(f"\nYou have finished: {told}")
    assert "You have finished" not in asked(toy_episode(), 0)


def test_tells_of_the_last_steps_only_and_numbers_them_from_the_start() -> None:
    question = asked(long_episode(5), 4, Llara(past=2))
    assert re.findall(r"Step (\d+):", question) == ["3", "4"]
    assert "You have finished" not in asked(long_episode(5), 4, Llara(past=0))


def test_a_longer_memory_than_asked_for_changes_nothing() -> None:
    recipe = Llara(past=2)
    episode = long_episode(5)
    assert recipe.ask(episode.context(4, 4)).question == recipe.ask(episode.context(4, 2)).question


def test_answers_with_all_remaining_steps() -> None:
    assert Llara().answer(toy_episode(), 0) == f"{STEP_1}\n{STEP_2}"
    assert Llara().answer(toy_episode(), 1) == STEP_2


def test_the_single_form_answers_with_the_step_at_hand_and_its_own_number() -> None:
    single = Llara(multi=False)
    assert [single.answer(toy_episode(), t) for t in (0, 1)] == [STEP_1, STEP_2]
    assert single.horizon == 1


def test_sweeps_with_a_spatula() -> None:
    episode = toy_episode(spatula=1.0)
    assert wording().format["spatula"] in asked(episode, 0)
    first, _ = Llara().answer(episode, 0).split("\n")
    assert first == (
        "Step 1: Sweep the <p>red swirl block</p> at <b>(0.203, 0.719)</b>, rotate <r>[0]</r> degrees, "
        "and stop at <b>(0.703, 0.641)</b>."
    )
    assert "Sweep the object at" in asked(episode, 1)


def test_an_answer_is_never_longer_than_what_can_be_read() -> None:
    episode, recipe = long_episode(10), Llara(longest=4)
    answer = recipe.answer(episode, 3)
    assert re.findall(r"Step (\d+):", answer) == ["4", "5", "6", "7"]
    assert recipe.read(answer, episode.context(3, 8)).shape == (4, 6)


@pytest.mark.parametrize("t", [0, 1])
@pytest.mark.parametrize("kind", [0.0, 1.0])
def test_reads_back_what_it_wrote(t: int, kind: float) -> None:
    episode = toy_episode(spatula=kind)
    read = Llara().read(Llara().answer(episode, t), episode.context(t, 8))
    wanted = np.stack([episode.action(k) for k in range(t, episode.length)])
    assert read.shape == wanted.shape
    assert np.allclose(read, wanted, atol=[0.0005, 0.0006, 0, 0.0005, 0.0006, math.radians(0.5)])


positions = st.tuples(st.floats(0.25, 0.75), st.floats(-0.5, 0.5), st.just(0.0))
actions = st.tuples(positions, positions, st.floats(-180, 180)).map(
    lambda parts: np.array([*parts[0], *parts[1][:2], math.radians(parts[2])])
)


@settings(derandomize=True, max_examples=50, deadline=None)
@given(st.lists(actions, min_size=1, max_size=8), st.data())
def test_an_answer_read_and_taken_as_a_demonstration_gives_the_same_answer(
    moves: list[np.ndarray], data: st.DataObject
) -> None:
    recipe = Llara()
    first = toy_episode().steps[0].observation
    episode = replace(toy_episode(), steps=[Step(first, move) for move in moves])
    t = data.draw(st.integers(0, len(moves) - 1))
    answer = recipe.answer(episode, t)
    read = recipe.read(answer, episode.context(t, 8))
    known = [Step(first, move) for move in moves[:t]]
    again = recipe.answer(replace(episode, steps=[*known, *(Step(first, move) for move in read)]), t)
    assert again == answer
    assert re.fullmatch(recipe.grammar(episode.context(t, 8)).pattern(), answer)


def test_cut_from_an_episode_or_grown_in_a_rollout_the_question_is_the_same() -> None:
    for episode in (toy_episode("scene"), toy_episode("object", spatula=1.0), long_episode(7)):
        for recipe in (Llara(), Llara(past=1), Llara(past=0, describe=False)):
            grown = Context(episode.robot, episode.instruction, episode.steps[0].observation)
            for t in range(episode.length):
                cut = recipe.ask(episode.context(t, recipe.past))
                assert recipe.ask(grown).turns == cut.turns
                assert [image.digest for image in recipe.ask(grown).images] == [image.digest for image in cut.images]
                if t + 1 < episode.length:
                    grown = grown.after(episode.action(t), episode.steps[t + 1].observation, recipe.past)


def test_reads_the_loose_spelling_of_released_models() -> None:
    reply = " " + STEP_1.replace("(0.203, ", "(0.203,  ").replace("0.703, ", "0.703,") + " \n"
    assert np.array_equal(
        Llara().read(reply, toy_episode().context(0, 8)), Llara().read(STEP_1, toy_episode().context(0, 8))
    )


@pytest.mark.parametrize("tail", ["\nStep 2: Pick up the <p>green he", "\n", "\n\nThat is all.", "\nStep 2"])
def test_a_last_line_that_was_cut_is_left_out(tail: str) -> None:
    assert Llara().read(STEP_1 + tail, toy_episode().context(0, 8)).shape == (1, 6)


def test_the_single_form_reads_one_step_of_two() -> None:
    assert Llara(multi=False).read(f"{STEP_1}\n{STEP_2}", toy_episode().context(0, 8)).shape == (1, 6)


@pytest.mark.parametrize(
    ("reply", "t", "position", "expected"),
    [
        ("", 0, 0, "'Step'"),
        ("I cannot see it.", 0, 0, "'Step'"),
        (STEP_1[:-12], 0, len(STEP_1) - 12, "y1"),
        (STEP_1, 1, 5, "expected 2 for step"),
        (STEP_2, 0, 5, "expected 1 for step"),
        (f"{STEP_2}\n{STEP_2}", 0, 5, "expected 1 for step"),
        (STEP_1.replace("0.203", "1.203"), 0, 50, "from 0 to 1 for x0"),
        (STEP_1.replace("Pick up", "Sweep"), 0, 8, "'Pick'"),
    ],
)
def test_a_reply_that_makes_no_sense_is_refused_at_its_place(reply: str, t: int, position: int, expected: str) -> None:
    with pytest.raises(ReplyError, match=re.escape(expected)) as caught:
        Llara().read(reply, toy_episode().context(t, 8))
    assert caught.value.position == position


def test_a_garbled_reply_is_refused_and_never_crashes() -> None:
    rng = np.random.default_rng(0)
    context = toy_episode().context(0, 8)
    letters = list(STEP_1)
    for _ in range(300):
        garbled = letters.copy()
        for place in rng.integers(0, len(letters), 3):
            garbled[place] = chr(int(rng.integers(10, 126)))
        try:
            read = Llara().read("".join(garbled), context)
        except ReplyError:
            continue
        assert np.array_equal(VIMA.actions.clip(read), read)


def test_relies_on_one_camera() -> None:
    assert [camera.name for camera in Llara(camera="top").robot(VIMA).cameras] == ["top"]
    with pytest.raises(MismatchError, match="no camera 'wrist'"):
        Llara(camera="wrist").robot(VIMA)


def test_the_top_camera_sees_the_same_action_elsewhere() -> None:
    recipe, episode = Llara(camera="top"), toy_episode()
    assert recipe.ask(episode.context(0, 8)).images == (episode.steps[0].observation.images["top"],)
    assert recipe.answer(episode, 0) != Llara().answer(episode, 0)
    read = recipe.read(recipe.answer(episode, 0), episode.context(0, 8))
    assert np.allclose(read[0, :2], episode.action(0)[:2], atol=0.0006)


def test_a_robot_with_other_actions_is_refused_before_the_first_question() -> None:
    arm = replace(VIMA, actions=replace(VIMA.actions, mode="delta"))
    with pytest.raises(MismatchError, match="those of robot 'vima' are delta"):
        Llara().robot(arm)
    with pytest.raises(MismatchError, match="Choose another recipe"):
        Llara().ask(replace(toy_episode().context(0, 8), robot=arm))


def test_a_reference_without_known_objects_cannot_be_described() -> None:
    hidden = replace(toy_reference("scene"), objects=(SceneObject(4, "bowl", "blue", {"top": BOWL}),))
    with pytest.raises(DataError, match="reference 'goal' has no known objects in camera 'front'"):
        Llara().ask(with_text("Make {goal}.", goal=hidden))
    nameless = replace(toy_reference("object"), objects=())
    with pytest.raises(DataError, match="reference 'thing' has no known objects;"):
        Llara(describe=False).ask(with_text("Take {thing}.", thing=nameless))


def test_a_hidden_object_is_left_out_of_a_described_scene() -> None:
    reference = toy_reference("scene")
    hidden = replace(reference, objects=(*reference.objects, SceneObject(7, "star", "gray", {})))
    assert Llara().ask(with_text("{s}", s=hidden)).question == Llara().ask(with_text("{s}", s=reference)).question


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("Look at <image>.", "stands for a picture"), ("Take {thing}.", "points to thing; its references are: none")],
)
def test_an_instruction_that_cannot_be_asked_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        Llara().ask(with_text(text))


def test_an_observation_without_the_picture_is_refused() -> None:
    context = toy_episode().context(0, 8)
    images = {"top": context.observation.images["top"]}
    with pytest.raises(DataError, match="no picture of camera 'front'"):
        Llara().ask(replace(context, observation=replace(context.observation, images=images)))


def test_a_past_step_without_an_action_is_refused() -> None:
    context = replace(toy_episode().context(1, 8), past=(Step(toy_observation(()), None),))
    with pytest.raises(DataError, match="step 1 of the past has no action"):
        Llara().ask(context)


def test_options_that_cannot_work_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="past=-1"):
        Llara(past=-1)
    with pytest.raises(ConfigError, match="longest=0"):
        Llara(longest=0)
    with pytest.raises(DataError, match="no such file"):
        Llara(wording=str(tmp_path / "pack.yaml"))


def test_another_wording_is_used_and_shows_in_the_hash(tmp_path: Path) -> None:
    path = tmp_path / "pack.yaml"
    path.write_text(OURS.read_text(encoding="utf-8").replace("You have finished", "Done"), encoding="utf-8")
    other = Llara(wording=str(path))
    assert "\nDone: Step 1: " in asked(toy_episode(), 1, other)
    assert other.wording_hash != Llara().wording_hash == wording().hash


def conversations() -> Iterator[tuple[str, Conversation]]:
    recipes = {"D-inBC": Llara(), "inBC single": Llara(describe=False, multi=False), "top": Llara(camera="top")}
    episodes = {
        "scene": toy_episode("scene"),
        "object": toy_episode("object"),
        "sweep": toy_episode("object", spatula=1.0),
    }
    for called, recipe in recipes.items():
        for kind, episode in episodes.items():
            for t in range(episode.length):
                answer = recipe.answer(episode, t)
                yield f"{called}, {kind}, step {t}", recipe.ask(episode.context(t, recipe.past)).answered(answer)


def test_conversations_are_those_in_the_golden_file() -> None:
    assert_golden("llara", conversations())
