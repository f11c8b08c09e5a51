"""The suite `real`: things named in words, and what is asked told from the scene alone."""

import pytest

from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.tasks.everyday import COLORS, VESSELS
from instar.simulators.tabletop.tasks.sets import REAL
from tests.simulators.tabletop.tasks.play import Table, tables

NAMES = ("target_object", "color_match", "cluttered_scene", "relative_height")


def _meant(table: Table) -> Body:
    """The one loose thing that the words fit."""
    text, into, loose = table.instruction.text, table.simulator.bodies[0], table.simulator.bodies[1:]
    match table.name:
        case "color_match":
            fitting = [body for body in loose if body.texture == into.texture]
        case "relative_height":
            heights = {body.shape.box[1][2]: body for body in loose}
            fitting = [heights[max(heights) if "tallest" in text else min(heights)]]
        case _:
            fitting = [body for body in loose if body.name in text]
    (body,) = fitting
    return body


@pytest.mark.parametrize("name", NAMES)
def test_the_thing_that_the_words_mean_in_the_vessel_is_success(name: str) -> None:
    for table in tables(name, REAL, range(900_000, 900_010)):
        into = table.simulator.bodies[0]
        assert into.shape.name in VESSELS
        assert into.shape.name in table.instruction.text
        assert table.carry(_meant(table), into.x, into.y).success


@pytest.mark.parametrize("name", NAMES)
def test_any_other_thing_in_the_vessel_is_failure(name: str) -> None:
    for seed in range(900_000, 900_003):
        into, _, *others = Table(name, REAL, seed).simulator.bodies
        for other in others:
            table = Table(name, REAL, seed)
            transition = table.carry(other, into.x, into.y)
            assert transition.terminated
            assert transition.reason == f"the {other.name} is where it should not be"


@pytest.mark.parametrize("name", NAMES)
def test_all_is_in_plain_colours_and_said_in_words(name: str) -> None:
    for table in tables(name, REAL, range(900_000, 900_010)):
        assert {body.texture for body in table.simulator.bodies} <= set(COLORS)
        assert not table.instruction.references
        assert "{" not in table.instruction.text


def test_clutter_has_things_like_the_one_that_is_meant() -> None:
    for table in tables("cluttered_scene", REAL, range(900_000, 900_020)):
        _, wanted, *others = table.simulator.bodies
        assert len(others) == 7
        assert sum(body.shape.name == wanted.shape.name for body in others) == 2
        assert sum(body.texture == wanted.texture for body in others) == 2


def test_heights_differ_by_more_than_a_centimetre() -> None:
    for table in tables("relative_height", REAL, range(900_000, 900_020)):
        _, *things = table.simulator.bodies
        low, middle, high = sorted(float(body.shape.box[1][2]) for body in things)
        assert middle - low > 0.01
        assert high - middle > 0.015
        assert len({body.texture for body in things}) == 3
