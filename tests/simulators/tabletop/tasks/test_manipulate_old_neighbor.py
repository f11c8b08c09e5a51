"""An object first, and then what was beside it."""

import pytest

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.tasks.sets import SUITES
from tests.simulators.tabletop.tasks.play import Table, tables

STEPS = {"north": (-0.125, 0.0), "south": (0.125, 0.0), "west": (0.0, -0.25), "east": (0.0, 0.25)}


def _told(table: Table) -> tuple[Body, Body, Body]:
    """The pictured object, its neighbour and the base, found by the words and the pictures."""
    wanted, base = table.pictured("dragged_obj"), table.pictured("base_obj")
    (side,) = [side for side in STEPS if side in table.instruction.text]
    x, y = wanted.x + STEPS[side][0], wanted.y + STEPS[side][1]
    (neighbor,) = [body for body in table.bodies.values() if (body.x, body.y) == pytest.approx((x, y))]
    return wanted, neighbor, base


@pytest.mark.parametrize("suite", SUITES)
def test_the_object_and_then_its_neighbour_is_success(suite: str) -> None:
    for table in tables("manipulate_old_neighbor", suite, range(900_000, 900_005)):
        wanted, neighbor, base = _told(table)
        assert not table.carry(wanted, base.x, base.y).terminated
        assert table.carry(neighbor, base.x, base.y).success


def test_the_neighbour_first_is_failure() -> None:
    for table in tables("manipulate_old_neighbor", seeds=range(900_000, 900_005)):
        _, neighbor, base = _told(table)
        transition = table.carry(neighbor, base.x, base.y)
        assert transition.terminated
        assert not transition.success
        assert transition.reason == f"the {neighbor.name} is where it should get only later"


def test_another_object_in_the_base_is_failure() -> None:
    table = Table("manipulate_old_neighbor", "placement", 900_001)
    wanted, neighbor, base = _told(table)
    other = next(body for body in table.bodies.values() if body.id not in (wanted.id, neighbor.id, base.id))
    assert table.carry(other, base.x, base.y).reason == f"the {other.name} is where it should not be"


def test_five_different_objects_stand_in_a_grid_beside_the_base() -> None:
    cells = {(x, y) for x in (0.375, 0.5, 0.625) for y in (-0.25, 0.0)}
    for table in tables("manipulate_old_neighbor"):
        *loose, base = table.simulator.bodies
        assert len({body.name for body in loose}) == 5
        assert {(body.x, body.y) for body in loose} < cells
        assert (base.x, base.y, base.yaw) == (0.5, 0.25, 0.0)
        assert not base.shape.loose
        assert [body.id for body in loose] == [5, 6, 7, 8, 9]
        assert [(body.x, body.y) for body in loose] == sorted((body.x, body.y) for body in loose)  # row by row


def test_every_side_is_asked_for() -> None:
    texts = [table.instruction.text for table in tables("manipulate_old_neighbor")]
    assert all(any(side in text for text in texts) for side in STEPS)
