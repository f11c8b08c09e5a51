"""As the picture has it, and then as it was."""

import pytest

from instar.simulator import Task
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.placing import Placing
from instar.simulators.tabletop.tasks.sets import SUITES
from tests.simulators.tabletop.tasks.play import Table, tables


def _ways(table: Table) -> list[tuple[Body, tuple[float, float], tuple[float, float]]]:
    """Each body that the picture shows, where it shows it, and where it began."""
    scene = draw_problem(Task(table.name, table.suite), table.seed).pictures["scene"].bodies
    begun = {body.name: body for body in table.simulator.bodies}
    return [(begun[body.name], (body.x, body.y), (begun[body.name].x, begun[body.name].y)) for body in scene]


def _with(count: int, *, bodies: int) -> Table:
    """A problem in which so many things are to be moved, of so many on the table."""
    return next(
        table
        for table in tables("rearrange_then_restore")
        if len(table.instruction.references["scene"].objects) == count and len(table.bodies) == bodies
    )


@pytest.mark.parametrize("suite", SUITES)
def test_all_there_and_all_back_is_success(suite: str) -> None:
    solved = 0
    for table in tables("rearrange_then_restore", suite, range(900_000, 900_010)):
        ways = _ways(table)
        if len(ways) == 1:
            continue  # a distractor may be in the way
        ends = [table.carry(body, *there) for body, there, _ in ways]
        ends += [table.carry(body, *back) for body, _, back in ways]
        assert [end.success for end in ends] == [False] * (len(ends) - 1) + [True]
        solved += 1
    assert solved > 2


def test_back_before_all_were_there_does_not_count_as_done() -> None:
    table = _with(2, bodies=2)
    (one, there, back), (two, yonder, home) = _ways(table)
    for body, place in ((one, there), (one, back), (two, yonder)):
        assert not table.carry(body, *place).terminated
    assert table.carry(two, *home).success  # the first is back already


def test_it_is_not_done_when_all_is_only_rearranged() -> None:
    table = _with(2, bodies=2)
    for body, there, _ in _ways(table):
        assert not table.carry(body, *there).terminated


def test_a_distractor_that_was_in_the_way_may_stay_away() -> None:
    gave_way = 0
    for table in tables("rearrange_then_restore"):
        if len(table.bodies) == 2 and len(_ways(table)) == 1:
            (_, there, _), other = _ways(table)[0], table.simulator.bodies[1]
            if (other.x, other.y) == pytest.approx(there):
                assert table.expert().success
                assert table.bodies[6].place != pytest.approx(other.place, abs=0.05)
                gave_way += 1
    assert gave_way > 3


def test_a_distractor_on_a_start_place_at_the_end_is_failure() -> None:
    table = next(t for t in tables("rearrange_then_restore") if _blocked_by(t) is False)
    (moved, there, back), other = _ways(table)[0], table.simulator.bodies[1]
    assert not table.carry(moved, *there).terminated
    assert not table.carry(other, *back).terminated  # only the end counts
    assert table.carry(moved, *back).reason == f"the {other.name} is where it should not be"


def _blocked_by(table: Table) -> bool | None:
    """Whether the one distractor stands on the goal; None where there is no distractor."""
    ways = _ways(table)
    if len(ways) > 1:
        return None
    rule = draw_problem(Task(table.name, table.suite), table.seed).rule
    assert isinstance(rule, Placing)
    return any(goal.close(table.simulator.bodies[1]) for goal in rule.goals)
