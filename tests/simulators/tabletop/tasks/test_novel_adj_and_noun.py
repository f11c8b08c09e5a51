"""Things by an invented noun and an invented comparative."""

import re

from instar.simulators.tabletop.tasks.sets import EVERY_BASE, EVERY_TWIN, KIT, NOVEL_TASK, OTHER_HALF
from tests.simulators.tabletop.tasks.play import Table, looks, tables

NAME = "novel_adj_and_noun"


def test_the_right_one_in_the_base_is_success() -> None:
    for table in tables(NAME, NOVEL_TASK, range(900_000, 900_012)):
        base, wanted = table.simulator.bodies[:2]
        assert table.carry(wanted, base.x, base.y).success


def test_the_right_one_is_the_one_that_the_words_mean() -> None:
    for table in looks(NAME, NOVEL_TASK):
        _, wanted, opposite = table.simulator.bodies[:3]
        (more,), (less,) = (table.instruction.references[f"demo_{which}_obj_1"].objects for which in _WHICH)
        taller = wanted.z > opposite.z
        if more.texture == less.texture:
            said = more.boxes["front"].top < less.boxes["front"].top
        else:
            taller, said = wanted.texture.startswith("dark "), more.texture.startswith("dark ")
        assert (taller == said) == (" is less " not in table.instruction.text)


_WHICH = ("blicker", "less_blicker")


def test_anything_else_in_the_base_is_failure() -> None:
    failed = 0
    for table in tables(NAME, NOVEL_TASK, range(900_000, 900_010)):
        base, _, opposite, *extras = table.simulator.bodies
        for other in (opposite, *(extra for extra in extras if extra.shape.loose)):
            again = Table(NAME, NOVEL_TASK, table.seed)
            assert again.carry(other, base.x, base.y).reason == f"the {other.name} is where it should not be"
            failed += 1
    assert failed > 15


def test_two_extra_things_have_other_shapes() -> None:
    kinds: set[bool] = set()
    for table in looks(NAME, NOVEL_TASK):
        base, wanted, opposite, *extras = table.simulator.bodies
        assert wanted.shape.name == opposite.shape.name
        assert len(extras) == 2
        assert not {extra.shape.name for extra in extras} & {base.shape.name, wanted.shape.name}
        assert {base.shape.name, wanted.shape.name} <= {*KIT, *EVERY_BASE}
        assert base.texture in OTHER_HALF
        assert {wanted.texture, opposite.texture} <= set(EVERY_TWIN)
        kinds |= {extra.shape.loose for extra in extras}
    assert kinds == {True, False}


def test_nouns_are_taught_first_and_stand_in_the_request() -> None:
    for table in looks(NAME, NOVEL_TASK):
        found = re.match(
            r"This is a (\w+): {(\w+)}\. This is a (\w+): {(\w+)}\. See how {demo_", table.instruction.text
        )
        assert found is not None
        nouns = {found[2]: found[1], found[4]: found[3]}
        assert f". Put into the {nouns['base_obj']} whichever {nouns['dragged_obj']} is " in table.instruction.text
        assert [reference.kind for reference in table.instruction.references.values()] == ["object"] * 8
        for slot in nouns:
            assert table.instruction.references[slot].objects[0].texture == "gray"
