"""LLARVA's recipe: the published sentences and numbers, traces in the picture, and replies in every wording."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from instar.chat import Recipe
from instar.demo import Episode
from instar.embodiments.panda import JOINTS
from instar.embodiments.vima import FRONT as FRONT_OF_TABLE
from instar.errors import ConfigError, DataError, ReplyError
from instar.recipes.llarva import Llarva
from tests.arm import FRONT, PANDA
from tests.arm import arm_episode as episode
from tests.toy import toy_episode

ONLY_JOINTS = "+".join(JOINTS)


def asked(recipe: Llarva, t: int, one: Episode | None = None) -> str:
    return recipe.ask((one or episode()).context(t, recipe.past)).question


def test_it_is_a_recipe() -> None:
    assert isinstance(Llarva(), Recipe)


def test_the_published_question_is_asked_word_for_word() -> None:
    # Acceptance vector T1: four rows of whole noughts, then the current state as Python prints it.
    nought = "[0, 0, 0, 0, 0, 0, 0]"
    now = "[0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]"
    assert asked(Llarva(template="rlbench", trace="none", state=ONLY_JOINTS), 0) == (
        '<image>\nYou are a Franka robot using the joint control. The task is "open the top drawer", and the previous '
        f"five (including current) steps are [{nought}, {nought}, {nought}, {nought}, {now}]. Can you predict action "
        "of the next 1 step?"
    )


def test_the_published_agent_asked_otherwise_than_was_taught() -> None:
    agent = asked(Llarva(template="rlbench-agent", trace="none", state=ONLY_JOINTS), 0)
    assert "steps is [[0, 0" in agent
    assert agent.endswith(", can you predict action of the next 1 step?")
    traced = asked(Llarva(template="oxe-trace", trace="after", state=ONLY_JOINTS), 0)
    assert traced == agent.removesuffix("?") + " and the trajectories of the end effector?"


def test_the_published_answer_is_short_numbers_and_whole_pixels() -> None:
    one = episode(3)
    answer = Llarva(template="oxe-trace", trace="after").answer(one, 0)
    action, trace = answer.removeprefix("The next action step: ").split(". The trajectory: ")
    assert action == str(np.round(one.action(0), 4).tolist())
    assert trace == "[[64, 32], [64, 35], [64, 38]]"


def test_states_are_told_oldest_first_and_only_those_there_are() -> None:
    question = asked(Llarva(state="joint_1"), 2)
    assert "Its last 3 states, the newest last, are [[0.1000], [0.2000], [0.3000]]." in question
    assert "Its last 5 states, the newest last, are [[0.2000], " in asked(Llarva(state="joint_1"), 5)


def test_the_trace_runs_from_now_to_the_end_and_keeps_both() -> None:
    one = episode(9)
    recipe = Llarva(points=3)
    answer = recipe.answer(one, 2)
    assert answer.startswith("The trace: [[0.500, 0.300], [0.500, 0.375], [0.500, 0.450]]\nThe next actions: [[")
    assert Llarva(points=3, pixels=True).answer(one, 2).startswith("The trace: [[64, 38], [64, 48], [64, 57]]\n")


def test_what_was_seen_goes_before_what_can_be_worked_out() -> None:
    one = episode(3)
    seen = [replace(step.observation, effector={"front": (10.0, 20.0)}) for step in one.steps]
    one = replace(one, steps=[replace(step, observation=view) for step, view in zip(one.steps, seen, strict=True)])
    assert "[[10, 20], [10, 20], [10, 20]]" in Llarva(pixels=True).answer(one, 0)


def seen_at(places: dict[int, tuple[float, float]], length: int) -> Episode:
    """An episode in some of whose frames a detector saw the hand."""
    one = episode(length)
    seen = [
        replace(step.observation, effector={"front": places[t]} if t in places else {})
        for t, step in enumerate(one.steps)
    ]
    return replace(one, steps=[replace(step, observation=view) for step, view in zip(one.steps, seen, strict=True)])


def test_a_frame_between_two_sightings_has_a_point_of_its_own() -> None:
    one = seen_at({0: (10.0, 20.0), 3: (16.0, 26.0), 4: (18.0, 28.0)}, 5)
    assert "[[12, 22], [14, 24], [16, 26], [18, 28]]" in Llarva(pixels=True).answer(one, 1)
    # The published code closes gaps, and so does its template.
    assert Llarva(template="oxe-trace", trace="after").answer(one, 1).endswith(". The trajectory: [[16, 26], [18, 28]]")


def test_a_longer_gap_stays_one() -> None:
    one = seen_at({0: (10.0, 20.0), 3: (16.0, 26.0), 4: (18.0, 28.0)}, 8)
    recipe = Llarva(pixels=True, bridge=1)
    assert "The trace: [[10, 20], [16, 26], [18, 28]]\n" in recipe.answer(one, 0)
    assert "The trace: [[16, 26], [18, 28]]\n" in recipe.answer(one, 1), "it begins where the hand is seen again"
    assert recipe.answer(one, 5).startswith("The trace: []\n"), "the hand is not seen any more"
    assert recipe.read(recipe.answer(one, 5), one.context(5, recipe.past)).shape == (1, 8)


def test_a_hand_that_never_comes_into_the_picture_is_told_from_one_that_nobody_looked_for() -> None:
    turned = replace(FRONT, world_to_pixel=((0.0, 100.0, 0.0, 640.0), (100.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)))
    for t in (0, 3):
        with pytest.raises(DataError, match="never in the picture of camera 'front'"):
            Llarva().answer(replace(episode(), robot=replace(PANDA, cameras=(turned,))), t)


def test_asks_for_another_way_where_nobody_saw_the_end_effector() -> None:
    blind = replace(PANDA, cameras=(replace(FRONT, world_to_pixel=None),))
    with pytest.raises(DataError, match=r"nobody saw the end effector in camera 'front'.*trace=none.*instar trace"):
        Llarva().answer(replace(episode(), robot=blind), 0)
    assert Llarva(trace="none").answer(replace(episode(), robot=blind), 0).startswith("The next actions: [[")


@pytest.mark.parametrize("trace", ["before", "after", "none"])
@pytest.mark.parametrize("steps", [1, 4])
def test_reads_what_it_answers(trace: Any, steps: int) -> None:
    recipe, one = Llarva(trace=trace, steps=steps), episode()
    for t in range(one.length):
        read = recipe.read(recipe.answer(one, t), one.context(t, recipe.past))
        assert_allclose(read, [one.action(k) for k in range(t, min(t + steps, one.length))], atol=5e-5)


NUMBERS = "[0.0032, -0.0173, 0.0002, -0.0569, 0.0004, 0.0189, 0.0229, 1.0]"


@pytest.mark.parametrize(
    "reply",
    [
        f"The next action step: {NUMBERS}",
        f"The next action is: {NUMBERS}",
        f"The next step: {NUMBERS}",
        f"The next action step: {NUMBERS}. The trajectory: [[32, 58], [85, 44]]",
        f"The next step: {NUMBERS}. The trajectories of the end effector: []",
        f"The 2-D visual trace: [[32,58],[85,44]]\nThe next action is: {NUMBERS}",
        f"The trajectory: [[32, 58]]. The next action step: {NUMBERS}",
    ],
)
@pytest.mark.parametrize("recipe", [Llarva(), Llarva(template="rlbench", trace="none")])
def test_reads_every_published_wording_in_either_order(recipe: Llarva, reply: str) -> None:
    read = recipe.read(reply, episode().context(0, recipe.past))
    assert_allclose(read, [[0.0032, -0.0173, 0.0002, -0.0569, 0.0004, 0.0189, 0.0229, 1.0]])


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "1,1,0,0,0,",
        "The next action step: ",
        "The next action step: [1.0, 2.0]",
        "The next action step: [1e-05, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]",
        "The next action step: [nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]",
        "The next action step: [[0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]",
        f"The next action step: {NUMBERS}. The trajectory: ",
    ],
)
def test_what_cannot_be_read_is_a_typed_error(reply: str) -> None:
    for recipe in (Llarva(), Llarva(template="rlbench", trace="none")):
        with pytest.raises(ReplyError):
            recipe.read(reply, episode().context(0, recipe.past))


def test_templates_have_the_traces_that_were_published() -> None:
    with pytest.raises(ConfigError, match="the template rlbench needs trace=none, not before"):
        Llarva(template="rlbench")
    with pytest.raises(ConfigError, match="published for one step; steps is 3"):
        Llarva(template="teaser", steps=3)
    with pytest.raises(ConfigError, match="bridge=-1 must be 0 or more"):
        Llarva(bridge=-1)
    with pytest.raises(ConfigError, match="no dimension gripper in the state of panda; there are: joint_1"):
        Llarva(state="gripper").robot(PANDA)


def test_a_task_that_points_to_pictures_is_refused() -> None:
    with pytest.raises(DataError, match="tells tasks in words alone"):
        asked(Llarva(), 0, episode(words="put {dragged_obj} there"))


def test_the_published_subsampling_keeps_up_to_59_points() -> None:
    recipe = Llarva(template="oxe-trace", trace="after")
    for length, kept in ((1, 1), (59, 59), (60, 30), (89, 45), (90, 30)):
        seen = replace(episode().steps[0].observation, effector={"front": (0.5, 1.5)})
        step = replace(episode().steps[0], observation=seen)
        trace = recipe.answer(replace(episode(), steps=[step] * length), 0).partition("The trajectory: ")[2]
        # Python rounds halves to even numbers: 0.5 to 0 and 1.5 to 2.
        assert trace == str([[0, 2]] * kept)


def test_the_grammar_is_the_pattern_of_every_answer() -> None:
    one = episode()
    for recipe in (Llarva(steps=2), Llarva(trace="after", pixels=True), Llarva(template="oxe-trace", trace="after")):
        answers = [recipe.answer(one, t) for t in range(one.length)]
        assert all(first != second for first, second in pairwise(answers))
        grammar = recipe.grammar(one.context(0, recipe.past))
        assert all(grammar.format(grammar.parse(answer)) == answer for answer in answers)


def test_numbers_in_bins_lie_between_the_bounds_of_the_robot() -> None:
    recipe, one = Llarva(bins=256, trace="none", steps=2), episode()
    answer = recipe.answer(one, 0)
    said = [int(number) for number in re.findall(r"\d+", answer)]
    assert len(said) == 16
    assert (min(said) >= 0, max(said), said[7]) == (True, 255, 255), "the gripper is open, at its upper bound"
    read = recipe.read(answer, one.context(0, recipe.past))
    low, high = np.array(PANDA.actions.low), np.array(PANDA.actions.high)
    assert (np.abs(read - [one.action(0), one.action(1)]) <= (high - low) / 255 / 2 + 1e-12).all()
    widest = recipe.answer(replace(one, steps=[replace(one.steps[0], action=high + 5.0)]), 0)
    assert widest.endswith("[[255, 255, 255, 255, 255, 255, 255, 255]]"), "what is outside is said as the bound"


def test_the_grammar_of_bins_lets_nothing_else_pass() -> None:
    recipe, context = Llarva(bins=10, trace="none"), episode().context(0, 4)
    assert recipe.read("The next actions: [[9, 0, 0, 0, 0, 0, 0, 9]]", context)[0, 7] == 1.0
    with pytest.raises(ReplyError):
        recipe.read("The next actions: [[10, 0, 0, 0, 0, 0, 0, 9]]", context)


def test_the_robots_first_camera_is_the_one_if_nobody_says() -> None:
    two = replace(PANDA, cameras=(replace(FRONT, name="side"), FRONT))
    assert [camera.name for camera in Llarva().robot(two).cameras] == ["side"]
    assert [camera.name for camera in Llarva(camera="front").robot(two).cameras] == ["front"]


def test_a_table_without_an_arm_is_traced_by_what_its_actions_say() -> None:
    one = toy_episode()
    answer = Llarva(points=4, history=1).answer(one, 0)
    trace = re.findall(r"\[(\d\.\d+), (\d\.\d+)\]", answer.partition("\n")[0])
    start, end = FRONT_OF_TABLE.project([one.action(0)[:2], one.action(0)[3:5]]) / (256, 128)
    assert_allclose(np.array(trace[:2], float), [start, end], atol=6e-4)


def test_what_the_task_points_to_is_told_by_its_name() -> None:
    pointing = toy_episode("object")
    [reference] = pointing.instruction.references.values()
    question = Llarva(history=1).ask(pointing.context(0, 0)).question
    assert f"the {reference.objects[0].name}" in question
    assert "{" not in question


def test_a_whole_scene_has_no_name() -> None:
    with pytest.raises(DataError, match="points to pictures"):
        Llarva(history=1).ask(toy_episode("scene").context(0, 0))


def test_fewer_decimals_are_shorter_in_question_and_answer() -> None:
    recipe, one = Llarva(decimals=2, trace="none", state="joint_1"), episode()
    assert "are [[0.10]]." in asked(recipe, 0)
    answer = recipe.answer(one, 0)
    assert all(len(number.partition(".")[2]) == 2 for number in re.findall(r"\d+\.\d+", answer))
    assert_allclose(recipe.read(answer, one.context(0, 4)), [one.action(0)], atol=0.005 + 1e-12)
