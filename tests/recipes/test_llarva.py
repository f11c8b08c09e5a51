"""LLARVA's recipe: the published sentences and numbers, traces in the picture, and replies in every wording."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from instar.chat import Recipe
from instar.demo import Episode
from instar.embodiments.panda import JOINTS
from instar.errors import ConfigError, DataError, ReplyError
from instar.recipes.llarva import Llarva
from tests.arm import FRONT, PANDA
from tests.arm import arm_episode as episode

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


def test_asks_for_another_way_where_nobody_saw_the_end_effector() -> None:
    blind = replace(PANDA, cameras=(replace(FRONT, world_to_pixel=None),))
    with pytest.raises(DataError, match=r"nobody saw the end effector in camera 'front'.*trace=none"):
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
