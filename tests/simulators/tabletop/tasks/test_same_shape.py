"""What has the profile of the base goes into it."""

from dataclasses import replace

import pytest

from instar.simulator import Task
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.sets import SUITES
from tests.simulators.tabletop.tasks.play import Table, tables


@pytest.mark.parametrize("suite", SUITES)
def test_both_things_with_the_profile_in_the_base_is_success(suite: str) -> None:
    for table in tables("same_shape", suite, range(900_000, 900_010)):
        base = table.pictured("base_obj")
        alike = [body for body in table.bodies.values() if body.shape.loose]
        alike = [body for body in alike if body.shape.profile == base.shape.profile]
        assert len(alike) == 2
        assert not table.carry(alike[0], base.x, base.y).terminated
        assert table.carry(alike[1], base.x, base.y).success


def test_a_thing_of_another_profile_in_the_base_is_failure() -> None:
    table = Table("same_shape", "placement", 900_000)
    base, other = table.pictured("base_obj"), table.simulator.bodies[-1]
    assert other.shape.profile != base.shape.profile
    assert table.carry(other, base.x, base.y).reason == f"the {other.name} is where it should not be"


@pytest.mark.parametrize(("base_name", "near"), [("bowl", 0.0875), ("container", 0.125)])
def test_how_near_is_near_depends_on_the_base(base_name: str, near: float) -> None:
    table = next(t for t in tables("same_shape") if t.pictured("base_obj").shape.name == base_name)
    base, (one, two) = table.pictured("base_obj"), table.simulator.bodies[1:3]
    rule = draw_problem(Task("same_shape", "placement"), table.seed).rule
    rule.begin(table.simulator.bodies)
    others = [body for body in table.simulator.bodies if body.id not in (one.id, two.id)]
    inside = replace(one, x=base.x, y=base.y)
    for away, reached in (
        (near + 0.01, False),
        (near - 0.01, True),
    ):  # the rule alone: a real thing would tip on a wall
        assert rule.judge([*others, inside, replace(two, x=base.x, y=base.y + away)], {}).success is reached


def test_nothing_begins_within_a_base_or_near_a_distractor() -> None:
    for suite in SUITES:
        for table in tables("same_shape", suite):
            base, *things = table.simulator.bodies
            assert all(abs(thing.place - base.place).max() > 0.08 for thing in things)
            assert all(((one.place - things[2].place) ** 2).sum() > 0.0875**2 for one in things[:2])
