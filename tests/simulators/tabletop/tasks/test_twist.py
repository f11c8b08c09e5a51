"""Twisting as the examples do."""

import numpy as np
import pytest

from instar.simulator import Task
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.sets import ASYMMETRIC, SUITES
from tests.simulators.tabletop.tasks.play import Table, looks, tables

ANGLES = {30, 60, 90, 120, 150}


def _told(table: Table) -> tuple[list[Body], int]:
    """What to twist, by the named texture, and how far in degrees clockwise, by the pictures."""
    _, _, named = table.instruction.text.partition("Now twist all ")
    wanted = [body for body in table.simulator.bodies if body.texture == named.removesuffix(" objects.")]
    pictures = draw_problem(Task("twist", table.suite), table.seed).pictures
    turns = set()
    for k in (1, 2, 3):
        (before,), (after,) = pictures[f"before_twist_{k}"].bodies, pictures[f"after_twist_{k}"].bodies
        assert (before.x, before.y, before.z, before.shape) == (after.x, after.y, after.z, after.shape)
        turns.add(round(np.degrees(before.yaw - after.yaw)))
    (turn,) = turns
    return wanted, turn


def _one(count: int) -> Table:
    return next(table for table in tables("twist") if len(_told(table)[0]) == count)


@pytest.mark.parametrize("suite", SUITES)
def test_twisting_all_of_the_texture_is_success(suite: str) -> None:
    for table in tables("twist", suite, range(900_000, 900_012)):
        wanted, turn = _told(table)
        ends = [table.carry(body, body.x, body.y, spin=-turn) for body in wanted]
        assert [end.success for end in ends] == [False] * (len(ends) - 1) + [True]


def test_the_other_way_round_or_not_far_enough_is_not_success() -> None:
    table = next(table for table in tables("twist") if len(_told(table)[0]) == 1 and _told(table)[1] == 60)
    (body,), turn = _told(table)
    assert not table.carry(body, body.x, body.y, spin=turn).terminated
    assert not table.carry(body, body.x, body.y, spin=-turn - 44).terminated
    assert table.carry(body, body.x, body.y, spin=-turn + 32).success  # ten degrees short, in all


def test_a_twisted_thing_must_stay_within_five_centimetres() -> None:
    table = _one(1)
    (body,), turn = _told(table)
    step = 0.06 if body.y < 0 else -0.06
    assert not table.carry(body, body.x, body.y + step, spin=-turn).terminated
    assert table.carry(body, body.x, body.y + step * 0.75).success


def test_a_thing_of_another_texture_where_a_goal_is_fails() -> None:
    table = _one(1)
    (body,), _ = _told(table)
    other = next(other for other in table.simulator.bodies if other.texture != body.texture)
    assert table.carry(other, body.x, body.y).reason == f"the {other.name} is where it should not be"


@pytest.mark.parametrize("suite", SUITES)
def test_one_or_two_of_three_share_the_named_texture(suite: str) -> None:
    counts: set[int] = set()
    turns: set[int] = set()
    for table in looks("twist", suite):
        wanted, turn = _told(table)
        counts.add(len(wanted))
        turns.add(turn)
        assert len(table.simulator.bodies) == 3
        assert {body.shape.name for body in table.simulator.bodies} <= {*ASYMMETRIC, "letter R"}
    assert counts == {1, 2}
    assert turns == ANGLES


def test_examples_are_scenes_with_a_shape_of_the_goal_in_another_texture() -> None:
    for table in looks("twist"):
        wanted, _ = _told(table)
        assert len(table.instruction.references) == 6
        for reference in table.instruction.references.values():
            assert reference.kind == "scene"
            (thing,) = reference.objects
            assert thing.id == 2
            assert thing.shape in {body.shape.name for body in wanted}
            assert thing.texture != wanted[0].texture
            assert reference.images["front"].pixels[0, 0].tolist() == [239, 239, 239]
