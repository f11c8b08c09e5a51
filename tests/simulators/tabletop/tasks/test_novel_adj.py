"""Things by an invented comparative."""

import re

import numpy as np
import pytest

from instar.demo import Box
from instar.simulator import Task
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.novel_adj import ADJECTIVES
from instar.simulators.tabletop.tasks.sets import DRAGGED, EVERY_TWIN, FIRST_TWINS, NOVEL_DRAGGED, SECOND_TWINS, SUITES
from tests.simulators.tabletop.tasks.play import Table, looks, tables

PAIRS = (1, 2, 3)
LESSON = ", ".join(rf"{{demo_blicker_obj_{k}}} is (\w+) than {{demo_less_blicker_obj_{k}}}" for k in PAIRS)
TEXT = re.compile(rf"See how {LESSON}\. Put into {{base_obj}} whichever {{dragged_obj}} is (less )?(\w+)\.")


def _measure(texture: str, box: Box) -> tuple[int, int]:
    """What may be compared: how high something looks from the front, and whether it is dark."""
    return box.bottom - box.top, int(texture.startswith("dark "))


def _pair(table: Table, k: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The more and the less of a pair of pictures."""
    things = [table.instruction.references[f"demo_{which}_obj_{k}"].objects for which in ("blicker", "less_blicker")]
    (more,), (less,) = things
    return _measure(more.texture, more.boxes["front"]), _measure(less.texture, less.boxes["front"])


def _told(table: Table) -> tuple[Body, Body, str]:
    """Which of two things the words mean, the other, and what the adjective is about."""
    found = TEXT.fullmatch(table.instruction.text)
    assert found is not None
    assert len({found[1], found[2], found[3], found[5]}) == 1
    things = table.simulator.bodies[1:]
    (height, shade), (less_height, less_shade) = _pair(table, 1)
    about = "height" if shade == less_shade else "shade"
    ascending = sorted(things, key=lambda body: body.z if about == "height" else body.texture.startswith("dark "))
    more_is_more = height > less_height if about == "height" else shade > less_shade
    wants_most = more_is_more == (found[4] is None)
    return (ascending[1], ascending[0], about) if wants_most else (ascending[0], ascending[1], about)


@pytest.mark.parametrize("suite", SUITES)
def test_the_one_that_the_words_mean_in_the_base_is_success(suite: str) -> None:
    for table in tables("novel_adj", suite, range(900_000, 900_012)):
        wanted, _, _ = _told(table)
        base = table.simulator.bodies[0]
        assert table.carry(wanted, base.x, base.y).success


@pytest.mark.parametrize("suite", SUITES)
def test_its_opposite_in_the_base_is_failure(suite: str) -> None:
    for table in tables("novel_adj", suite, range(900_000, 900_012)):
        _, opposite, _ = _told(table)
        base = table.simulator.bodies[0]
        transition = table.carry(opposite, base.x, base.y)
        assert transition.terminated
        assert transition.reason == f"the {opposite.name} is where it should not be"


def test_all_three_pairs_teach_the_same() -> None:
    for table in looks("novel_adj"):
        _, _, about = _told(table)
        signs = set()
        for k in PAIRS:
            (height, shade), (less_height, less_shade) = _pair(table, k)
            assert (shade == less_shade) == (about == "height")
            signs.add(np.sign(height - less_height) if about == "height" else np.sign(shade - less_shade))
        assert len(signs) == 1
        assert 0 not in signs


def test_pictures_of_a_pair_show_one_shape_from_above_and_the_rest_is_gray() -> None:
    for table in looks("novel_adj"):
        references = table.instruction.references
        assert all(reference.kind == "object" for reference in references.values())
        assert len(references) == 8
        for k in PAIRS:
            (more,), (less,) = (references[f"demo_{which}_obj_{k}"].objects for which in ("blicker", "less_blicker"))
            assert more.shape == less.shape
            assert more.boxes["top"] == less.boxes["top"]
            assert more.texture.removeprefix("dark ") == less.texture.removeprefix("dark ")
        base, *things = table.simulator.bodies
        assert references["base_obj"].objects[0].name == f"gray {base.shape.name}"
        assert references["dragged_obj"].objects[0].name == f"gray {things[0].shape.name}"


def test_heights_differ_by_two_usual_heights() -> None:
    seen = 0
    for table in looks("novel_adj"):
        wanted, opposite, about = _told(table)
        tall = sorted(body.shape.box[1][2] for body in (wanted, opposite))
        if about == "shade":
            assert tall[0] == tall[1]
            continue
        usual = (tall[1] - tall[0]) / 2
        assert 0.029 < usual < 0.033
        assert 0.3 <= tall[0] / usual <= 0.4
        (gray,) = draw_problem(Task("novel_adj", table.suite), table.seed).pictures["dragged_obj"].bodies
        assert gray.shape.box[1][2] == pytest.approx(usual)
        for body in (wanted, opposite):
            assert body.shape.solids[0].z1 == body.shape.box[1][2]  # what is touched is as high as what is seen
            assert body.z == pytest.approx(body.shape.nominal[2] / 2)
        seen += 1
    assert 8 < seen < 22


@pytest.mark.parametrize(
    ("suite", "shapes", "textures"),
    [
        ("placement", set(DRAGGED) - {"block"}, FIRST_TWINS),
        ("combinatorial", set(DRAGGED) - {"block"}, SECOND_TWINS),
        ("novel_object", set(NOVEL_DRAGGED), EVERY_TWIN),
    ],
)
def test_things_are_those_of_the_level_and_come_light_and_dark(
    suite: str, shapes: set[str], textures: tuple[str, ...]
) -> None:
    seen: set[str] = set()
    for table in looks("novel_adj", suite):
        things = table.simulator.bodies[1:]
        pictured = [reference.objects[0] for slot, reference in table.instruction.references.items() if "demo" in slot]
        found = {thing.texture for thing in things} | {thing.texture for thing in pictured}
        assert found <= set(textures)
        seen |= found
        assert {thing.shape for thing in pictured} | {thing.shape.name for thing in things} <= shapes
    assert {texture.startswith("dark ") for texture in seen} == {True, False}


def test_every_adjective_is_used_with_and_without_less() -> None:
    texts = [table.instruction.text for table in looks("novel_adj")]
    for adjective in ADJECTIVES:
        assert any(f"dragged_obj}} is {adjective}." in text for text in texts)
        assert any(f"dragged_obj}} is less {adjective}." in text for text in texts)
