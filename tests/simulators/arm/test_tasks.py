"""The tasks: their experts solve them, their rules know right from wrong, and nothing is told that is not so."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from instar.errors import SimulatorError
from instar.simulator import Task
from instar.simulators.arm.palette import RGB, SEEN, SUITES, UNSEEN, Palette
from instar.simulators.arm.selection import BY_NAME, TASKS, steps_of
from instar.simulators.arm.simulator import draw_problem
from instar.simulators.arm.tasks.close_jar import Closing
from instar.simulators.arm.tasks.drawers import Drawer
from instar.simulators.arm.tasks.open_drawer import Opening
from instar.simulators.arm.tasks.pick_and_lift import Lifting
from instar.simulators.arm.tasks.problem import Rule
from instar.simulators.arm.tasks.push_buttons import Pushing
from instar.simulators.arm.tasks.put_in_drawer import Stowing
from instar.simulators.arm.tasks.reach_and_drag import Dragging
from instar.simulators.arm.tasks.slide_block import Sliding
from instar.simulators.arm.tasks.sweep_to_dustpan import Sweeping
from instar.simulators.arm.words import templates_of
from tests.simulators.arm.playing import needs_mujoco, played, problem_of


@needs_mujoco
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("suite", SUITES)
def test_the_expert_solves_it_in_half_the_time(task: str, suite: str) -> None:
    problem = problem_of(task, 200_003, suite)
    assert played(problem, problem.rule, round(0.75 * steps_of(task, 5.0))).success


@needs_mujoco
@pytest.mark.parametrize("task", TASKS)
def test_doing_nothing_is_neither_success_nor_failure(task: str) -> None:
    from instar.simulators.arm.world import World

    problem = problem_of(task, 1)
    assert not problem.rule.judge(World(problem.things)).over


def _other_button(rule: Rule) -> Rule:
    assert isinstance(rule, Pushing)
    return replace(rule, buttons=rule.buttons[::-1])


def _other_block(rule: Rule) -> Rule:
    assert isinstance(rule, Lifting)
    return replace(rule, blocks=rule.blocks[::-1])


def _other_target(rule: Rule) -> Rule:
    assert isinstance(rule, Sliding | Dragging)
    return replace(rule, targets=rule.targets[::-1])


def _other_pan(rule: Rule) -> Rule:
    assert isinstance(rule, Sweeping)
    return replace(rule, pans=rule.pans[::-1])


def _other_jar(rule: Rule) -> Rule:
    assert isinstance(rule, Closing)
    return replace(rule, jars=rule.jars[::-1])


def _other_drawer(rule: Rule) -> Rule:
    assert isinstance(rule, Opening)
    level = "top" if rule.drawer.level != "top" else "bottom"
    return replace(rule, drawer=Drawer(rule.drawer.cabinet, level))


def _other_load(rule: Rule) -> Rule:
    assert isinstance(rule, Stowing)
    return replace(rule, blocks=rule.blocks[::-1])


@needs_mujoco
@pytest.mark.parametrize(
    ("task", "otherwise", "reason"),
    [
        ("push_buttons", _other_button, r"the \w+ button was pushed where the \w+ button was next"),
        ("pick_and_lift", _other_block, r"the \w+ block was lifted where the \w+ block was asked for"),
        ("slide_block_to_target", _other_target, r"the block is on the \w+ target, not on the \w+ target"),
        ("reach_and_drag", _other_target, r"the block is on the \w+ target, not on the \w+ target"),
        ("sweep_to_dustpan", _other_pan, r"dirt is in the \w+ dustpan, not in the \w+ dustpan"),
        ("close_jar", _other_jar, r"the lid is on the \w+ jar, not on the \w+ jar"),
        ("open_drawer", _other_drawer, r"the \w+ drawer was opened where the \w+ one was asked for"),
        ("put_in_drawer", _other_load, r"the \w+ block is in the drawer, not the \w+ block"),
    ],
)
def test_what_was_not_asked_for_is_a_failure_that_says_why(
    task: str, otherwise: Callable[[Rule], Rule], reason: str
) -> None:
    problem = problem_of(task, 2)
    verdict = played(problem, otherwise(problem.rule))
    assert not verdict.success
    assert re.fullmatch(reason, verdict.failure)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("suite", SUITES)
def test_words_are_filled_in_and_speak_of_what_is_there(task: str, suite: str) -> None:
    told = set()
    for seed in range(40):
        problem = problem_of(task, seed, suite)
        assert not re.search(r"[{}]", problem.text)
        colors = {word for word in re.findall(r"\w+", problem.text) if word in RGB} - {"white"}
        assert colors <= {thing.color for thing in problem.things}
        told.add(problem.text)
    assert len(told) >= 6


def test_every_template_is_used() -> None:
    for task in TASKS:
        names = [f"{task}_{k}" for k in (1, 2, 3)] if task == "push_buttons" else [task]
        for name in names:
            assert len(templates_of(name)) == 3


@pytest.mark.parametrize("task", TASKS)
def test_suites_share_no_colours(task: str) -> None:
    shown: dict[str, set[str]] = {
        suite: {thing.color for seed in range(30) for thing in problem_of(task, seed, suite).things} for suite in SUITES
    }
    assert not (shown[SEEN] & shown[UNSEEN]) - {"", "white"}  # the ball is white in both


def test_suites_share_no_sizes() -> None:
    sizes = {suite: [Palette(suite, np.random.default_rng(seed)).size() for seed in range(200)] for suite in SUITES}
    low, high = min(sizes[SEEN]), max(sizes[SEEN])
    assert not [size for size in sizes[UNSEEN] if low - 0.03 < size < high + 0.03]
    assert min(sizes[UNSEEN]) < low < high < max(sizes[UNSEEN])


def test_the_same_seed_is_the_same_problem() -> None:
    for task in TASKS:
        one, two, other = (problem_of(task, seed) for seed in (5, 5, 6))
        assert (one.text, one.things) == (two.text, two.things)
        assert one.things != other.things


def test_unknown_tasks_and_suites_are_refused() -> None:
    with pytest.raises(SimulatorError, match="no task 'open_drawers'; did you mean 'open_drawer'"):
        draw_problem(Task("open_drawers", SEEN), 0)
    with pytest.raises(SimulatorError, match="no suite 'unsen'; did you mean 'unseen'"):
        draw_problem(Task("open_drawer", "unsen"), 0)


def test_there_are_at_least_eight_tasks_with_names_of_their_own() -> None:
    assert len(set(TASKS)) == len(TASKS) == len(BY_NAME) >= 8
