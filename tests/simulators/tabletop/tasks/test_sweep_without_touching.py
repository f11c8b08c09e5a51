"""Sweeping around a line."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from instar.demo import Box
from instar.rollout import Outcome, rollout
from instar.simulator import Task, Trial
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.problem import Problem, Verdict
from instar.simulators.tabletop.tasks.sets import HALF, NOVEL_TASK, OTHER_HALF
from tests.simulators.tabletop.tasks.play import Table, looks, tables

NAME = "sweep_without_touching"
OUTSIDE, INSIDE = (0.65, 0.3), (0.39, 0.0)


def _problem(count: int, word: str) -> Problem:
    """One with so many blocks to sweep, and so many asked for."""
    problems = (draw_problem(Task(NAME, NOVEL_TASK), seed) for seed in range(900_000, 900_200))
    return next(p for p in problems if len(p.bodies) == 2 + 2 * count and f"sweep {word} " in p.text)


def _judged(problem: Problem, places: Sequence[tuple[float, float]]) -> Verdict:
    """The verdict on blocks that were put at places by hand; targets come first."""
    problem.rule.begin(problem.bodies)
    blocks = [replace(b, x=x, y=y, yaw=0.0) for b, (x, y) in zip(problem.bodies[2:], places, strict=True)]
    return problem.rule.judge([*problem.bodies[:2], *blocks], {})


def test_as_many_as_asked_for_in_the_area_is_success() -> None:
    assert _judged(_problem(1, "one"), [INSIDE, OUTSIDE]).success
    assert _judged(_problem(2, "all"), [INSIDE, (0.35, 0.1), OUTSIDE, OUTSIDE]).success
    assert not _judged(_problem(2, "two"), [INSIDE, OUTSIDE, OUTSIDE, OUTSIDE]).over
    assert _judged(_problem(3, "any"), [OUTSIDE, INSIDE, *[OUTSIDE] * 4]).success


def test_more_than_asked_for_is_failure() -> None:
    verdict = _judged(_problem(2, "one"), [INSIDE, (0.35, 0.1), OUTSIDE, OUTSIDE])
    assert verdict.failure == "2 blocks are in the area; 1 were asked for"


def test_a_block_of_the_other_kind_in_the_area_is_failure() -> None:
    problem = _problem(1, "one")
    assert _judged(problem, [OUTSIDE, INSIDE]).failure == f"a {problem.bodies[3].name} is in the area"


@pytest.mark.parametrize(
    ("place", "inside"),
    [
        ((0.304 + 0.016, 0.0), True),
        ((0.304 + 0.014, 0.0), False),
        ((0.476 - 0.006, 0.0), True),
        ((0.476 - 0.004, 0.0), False),
        ((0.39, 0.150 - 0.006), True),
        ((0.39, 0.150 - 0.004), False),
        ((0.39, -0.150 + 0.016), True),
    ],
)
def test_where_the_area_ends(place: tuple[float, float], *, inside: bool) -> None:
    """VIMA-Bench looks at points 15 mm below and 5 mm above a block's centre, on both axes."""
    assert _judged(_problem(1, "one"), [place, OUTSIDE]).success == inside


def test_sweeping_straight_over_the_line_is_failure() -> None:
    failed = 0
    for table in tables(NAME, NOVEL_TASK):
        block = table.simulator.bodies[2]
        way = block.place - INSIDE
        crossing = INSIDE[1] + way[1] * (0.496 - INSIDE[0]) / way[0]  # where the straight way meets the line
        if abs(crossing) < 0.07 and len(table.simulator.bodies) == 4:
            assert table.sweep(block, *INSIDE).reason == "a block touched the line"
            failed += 1
    assert failed > 5


def test_only_blocks_that_are_to_be_swept_may_not_touch_the_line() -> None:
    problem = _problem(1, "one")
    problem.rule.begin(problem.bodies)
    trail = np.array([[0.6, 0.0, 0.0], [0.496, 0.0, 0.0], [0.56, 0.0, 0.0]])
    assert not problem.rule.judge(problem.bodies, {problem.bodies[3].id: trail}).over
    assert problem.rule.judge(problem.bodies, {problem.bodies[2].id: trail}).failure == "a block touched the line"


def test_the_expert_goes_around_the_line_within_llaras_eight_steps() -> None:
    records = [rollout(None, Tabletop(), Trial(Task(NAME, NOVEL_TASK), seed)) for seed in range(900_000, 900_030)]
    assert {record.outcome for record in records} == {Outcome.SUCCESS}
    assert 2 <= np.mean([record.steps for record in records]) <= 4


def test_area_and_line_lie_where_vima_bench_has_them() -> None:
    table = Table(NAME, NOVEL_TASK, 900_000)
    area, line = table.observation.objects[:2]
    # As seen in the real simulator, but for what blocks hide.
    assert area.boxes["front"] == Box(86, 41, 170, 74)
    assert area.boxes["top"] == Box(86, 9, 170, 56)
    assert line.boxes["top"] == Box(105, 57, 151, 67)
    assert [thing.id for thing in table.observation.objects][:3] == [4, 5, 6]


def test_blocks_and_pictures() -> None:
    for table in looks(NAME, NOVEL_TASK):
        area, line, *blocks = table.simulator.bodies
        count = len(blocks) // 2
        wanted, others = {b.texture for b in blocks[:count]}, {b.texture for b in blocks[count:]}
        assert len(wanted) == len(others) == 1
        assert wanted != others
        assert wanted | others <= set(HALF)
        assert {area.texture, line.texture} <= set(OTHER_HALF)
        assert area.texture != line.texture
        assert all(body.shape.name == "small block" for body in blocks)
        references = table.instruction.references
        shown = {slot: reference.objects[0].name for slot, reference in references.items()}
        assert shown == {"swept_obj": blocks[0].name, "bounds": area.name, "constraint": line.name}
        assert references["swept_obj"].objects[0].boxes["top"] == Box(102, 37, 154, 89)  # seven times as large


def test_every_word_for_an_amount_is_used() -> None:
    texts = [draw_problem(Task(NAME, NOVEL_TASK), seed).text for seed in range(900_000, 900_100)]
    assert {text.split()[4] for text in texts} == {"any", "one", "two", "three", "all"}
