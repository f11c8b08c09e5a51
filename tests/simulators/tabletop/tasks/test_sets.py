"""The levels: what is trained on, and what is kept from training."""

from collections.abc import Iterator

import pytest

from instar.benchmarks.grid import FIRST_SEED
from instar.benchmarks.tabletop import TabletopBenchmark
from instar.demos.played import SEEDS
from instar.demos.tabletop import TabletopDemos
from instar.simulator import Task
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks import FAMILIES, sets
from instar.simulators.tabletop.tasks.placing import Placing
from instar.simulators.tabletop.tasks.problem import Problem
from instar.simulators.tabletop.tasks.sweeping import Sweeping
from instar.simulators.tabletop.textures import LIGHT, NAMES

TRAINED = (
    "sweep_without_exceeding", "rotate", "scene_understanding", "visual_manipulation", "twist", "novel_adj",
    "novel_noun", "follow_order", "rearrange", "manipulate_old_neighbor", "pick_in_order_then_restore",
    "rearrange_then_restore", "same_shape",
)  # fmt: skip
NOVEL = ("sweep_without_touching", "novel_adj_and_noun", "follow_motion", "same_texture")
# In no set that is trained on.
UNSEEN = {
    "brick", "magma", "orange", "pink", "red and green stripe", "green and blue stripe", "red and purple polka dot",
    "yellow and green polka dot", "yellow swirl", "purple paisley",
}  # fmt: skip
ANYWHERE = {"shorter block"}  # the one square thing that fits into every square base


def _tasks(suite: str) -> tuple[str, ...]:
    return tuple(family.name for family in FAMILIES if suite in family.suites)


def _problems(suite: str, seeds: int = 12) -> Iterator[tuple[str, Problem]]:
    for name in _tasks(suite):
        for seed in range(seeds):
            yield name, draw_problem(Task(name, suite), seed)


def _light(textures: set[str]) -> set[str]:
    return {texture.removeprefix("dark ") for texture in textures}


def _wanted(problem: Problem) -> list[Body]:
    """What is to be moved."""
    if isinstance(problem.rule, Sweeping):
        numbers = set(problem.rule.targets)
    else:
        assert isinstance(problem.rule, Placing)
        numbers = {goal.body for goal in problem.rule.goals}
    return [body for body in problem.bodies if body.id in numbers]


def test_levels_have_the_tasks_of_vima_bench_in_llaras_order() -> None:
    assert _tasks("placement") == _tasks("combinatorial") == TRAINED
    assert _tasks("novel_object") == TRAINED[1:]
    assert _tasks("novel_task") == NOVEL
    groups = dict.fromkeys((trial.task.suite, trial.task.name) for trial in TabletopBenchmark(per_task=1).episodes())
    levels = {"placement": TRAINED, "combinatorial": TRAINED, "novel_object": TRAINED[1:], "novel_task": NOVEL}
    assert list(groups) == [(level, task) for level, tasks in levels.items() for task in tasks]
    assert len(groups) == 42


def test_demonstrations_are_of_trained_tasks_on_seeds_of_their_own() -> None:
    names = {id.split("/")[2] for id in TabletopDemos(episodes=100).ids()}
    assert names == set(TRAINED)
    assert SEEDS <= FIRST_SEED


def test_sets_are_as_large_as_those_of_vima_bench_and_do_not_overlap() -> None:
    sizes = {
        19: sets.FIRST, 20: sets.SECOND, 24: sets.HALF, 25: sets.OTHER_HALF, 14: sets.DRAGGED, 5: sets.NOVEL_DRAGGED,
        4: sets.BASES, 2: sets.NOVEL_BASES, 8: sets.ASYMMETRIC, 18: sets.KIT, 6: sets.EVERY_BASE,
        28: sets.SECOND_TWINS, 66: sets.EVERY_TWIN,
    }  # fmt: skip
    assert {size: len(set(names)) for size, names in sizes.items()} == {size: size for size in sizes}
    assert len(set(sets.FIRST_TWINS)) == 24
    assert not set(sets.FIRST) & set(sets.SECOND)
    assert set(LIGHT) - set(sets.FIRST) - set(sets.SECOND) == UNSEEN
    assert not set(sets.HALF) & set(sets.OTHER_HALF)
    assert {*sets.HALF, *sets.OTHER_HALF} == set(LIGHT)
    assert not set(sets.DRAGGED) & set(sets.NOVEL_DRAGGED)
    assert not set(sets.BASES) & set(sets.NOVEL_BASES)
    assert not set(sets.FIRST_TWINS) & set(sets.SECOND_TWINS)
    assert {*sets.FIRST_TWINS, *sets.SECOND_TWINS, *sets.EVERY_TWIN} <= set(NAMES)


def test_novel_objects_are_never_trained_on() -> None:
    def shapes(suite: str) -> set[str]:
        return {body.shape.name for _, problem in _problems(suite) for body in problem.bodies}

    assert shapes("placement") & shapes("novel_object") == ANYWHERE
    trained = {*sets.DRAGGED, *sets.BASES, *ANYWHERE, "small block", "three-sided rectangle", "line"}
    assert shapes("combinatorial") <= trained
    novel = {*sets.NOVEL_DRAGGED, *sets.NOVEL_BASES}
    assert shapes("novel_object") - ANYWHERE == novel
    assert novel <= shapes("novel_task")


def test_pictures_show_no_novel_object_in_training_either() -> None:
    novel = {*sets.NOVEL_DRAGGED, *sets.NOVEL_BASES}
    for _, problem in _problems("placement"):
        assert not novel & {body.shape.name for picture in problem.pictures.values() for body in picture.bodies}


@pytest.mark.parametrize(
    ("suite", "moved", "bases"),
    [("placement", sets.FIRST, sets.SECOND), ("combinatorial", sets.SECOND, sets.FIRST)],
)
def test_textures_change_places_between_training_and_new_combinations(
    suite: str, moved: tuple[str, ...], bases: tuple[str, ...]
) -> None:
    for name, problem in _problems(suite):
        assert _light({body.texture for body in _wanted(problem)}) <= set(moved), name
        first = problem.bodies[0]
        if not first.shape.loose:  # the base itself; distractors may have its shape in any texture of the level
            assert first.texture in bases, name


def test_unseen_textures_are_kept_from_training() -> None:
    for name, problem in _problems("placement"):
        pictured = [body for picture in problem.pictures.values() for body in picture.bodies]
        # A thing that plays no part in a rearrangement may have any texture, as in VIMA-Bench.
        there = _wanted(problem) if name.startswith("rearrange") else problem.bodies
        assert not UNSEEN & _light({body.texture for body in (*there, *pictured)}), name
    novel = {body.texture for _, problem in _problems("novel_object", 40) for body in problem.bodies}
    assert novel >= UNSEEN
