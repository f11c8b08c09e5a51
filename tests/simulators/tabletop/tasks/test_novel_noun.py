"""Things by invented names."""

import re

import pytest

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.tasks.novel_noun import NOUNS
from instar.simulators.tabletop.tasks.sets import SUITES
from tests.simulators.tabletop.tasks.play import Table, looks, tables

TEXT = re.compile(
    r"This is a (\w+): {(\w+)}\. This is a (\w+): {(\w+)}\. Put the (?P<wanted>\w+) into the (?P<base>\w+)\."
)


def _told(table: Table) -> tuple[Body, Body]:
    """What to put into what, by the words and the pictures."""
    found = TEXT.fullmatch(table.instruction.text)
    assert found is not None
    slots = {found[1]: found[2], found[3]: found[4]}
    assert set(slots) <= set(NOUNS)
    shapes = [table.instruction.references[slots[found[word]]].objects[0].shape for word in ("wanted", "base")]
    wanted, base = ([body for body in table.bodies.values() if body.shape.name == shape] for shape in shapes)
    assert len(wanted) == len(base) == 1  # the distractor has a third shape
    return wanted[0], base[0]


@pytest.mark.parametrize("suite", SUITES)
def test_the_one_in_the_other_by_their_names_is_success(suite: str) -> None:
    for table in tables("novel_noun", suite, range(900_000, 900_010)):
        wanted, base = _told(table)
        assert table.carry(wanted, base.x, base.y).success


def test_the_third_thing_in_the_base_is_failure() -> None:
    failed = 0
    for table in tables("novel_noun", seeds=range(900_000, 900_010)):
        (_, base), other = _told(table), table.simulator.bodies[-1]
        transition = table.carry(other, base.x, base.y)
        assert transition.terminated == other.shape.loose
        if other.shape.loose:
            assert transition.reason == f"the {other.name} is where it should not be"
            failed += 1
    assert failed > 2


def test_pictures_show_the_shapes_in_gray() -> None:
    table = Table("novel_noun", "placement", 900_000)
    wanted, base = _told(table)
    for slot, body in (("dragged_obj_1", wanted), ("base_obj", base)):
        reference = table.instruction.references[slot]
        assert reference.kind == "object"
        assert [(thing.id, thing.name) for thing in reference.objects] == [(0, f"gray {body.shape.name}")]


def test_sentences_come_in_either_order_and_all_nouns_are_used() -> None:
    texts = [table.instruction.text for table in looks("novel_noun")]
    assert {text.index("{base_obj}") < text.index("{dragged_obj_1}") for text in texts} == {True, False}
    assert all(any(f"Put the {noun}" in text for text in texts) for noun in NOUNS)
