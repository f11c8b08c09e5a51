"""What has the texture of the base goes into it."""

from instar.simulators.tabletop.tasks.sets import EVERY_BASE, HALF, KIT, NOVEL_TASK, OTHER_HALF
from tests.simulators.tabletop.tasks.play import Table, tables


def test_both_things_with_the_texture_in_the_base_is_success() -> None:
    for table in tables("same_texture", NOVEL_TASK, range(900_000, 900_010)):
        base = table.simulator.bodies[0]
        alike = [body for body in table.bodies.values() if body.texture == base.texture and body.shape.loose]
        assert len(alike) == 2
        assert not table.carry(alike[0], base.x, base.y).terminated
        assert table.carry(alike[1], base.x, base.y).success


def test_a_thing_in_another_texture_in_the_base_is_failure() -> None:
    table = Table("same_texture", NOVEL_TASK, 900_000)
    base, other = table.simulator.bodies[0], table.simulator.bodies[-1]
    assert table.carry(other, base.x, base.y).reason == f"the {other.name} is where it should not be"


def test_shapes_and_textures_are_those_of_the_novel_tasks() -> None:
    for table in tables("same_texture", NOVEL_TASK):
        base, *moved, other = table.simulator.bodies
        assert base.shape.name in EVERY_BASE
        assert base.texture in OTHER_HALF
        assert other.texture in HALF
        assert {body.shape.name for body in (*moved, other)} <= {*KIT, "shorter block"}
        (picture,) = table.instruction.references["base_obj"].objects
        assert picture.name == base.name
