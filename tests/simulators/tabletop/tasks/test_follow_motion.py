"""Moving a thing as three pictures do."""

import numpy as np
import pytest

from instar.simulator import Task
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.tasks.sets import KIT, NOVEL_TASK
from tests.simulators.tabletop.tasks.play import Table, looks, tables

NAME = "follow_motion"
LATER = "the step did not reach the next goal"
Place = tuple[float, float]


def _way(table: Table) -> list[Place]:
    """Where the pictures show the object, one after another."""
    pictures = draw_problem(Task(NAME, NOVEL_TASK), table.seed).pictures
    frames = [pictures[f"frame_{k}"].bodies for k in range(3)]
    return [(bodies[0].x, bodies[0].y) for bodies in frames]


def test_both_moves_are_success() -> None:
    for table in tables(NAME, NOVEL_TASK, range(900_000, 900_010)):
        start, first, second = _way(table)
        moved = table.simulator.bodies[0]
        assert (moved.x, moved.y) == pytest.approx(start)
        assert not table.carry(moved, *first).terminated
        assert table.carry(moved, *second).success


def test_a_step_that_reaches_nothing_is_failure() -> None:
    table = Table(NAME, NOVEL_TASK, 900_000)
    moved, middle = table.simulator.bodies
    assert table.carry(middle, 0.3, 0.4).reason == LATER
    table = Table(NAME, NOVEL_TASK, 900_000)
    assert table.carry(moved, 0.5, 0.0).reason == LATER


def test_the_second_move_first_is_failure() -> None:
    table = next(t for t in tables(NAME, NOVEL_TASK) if _way(t)[0] != pytest.approx(_way(t)[2]))
    assert table.carry(table.simulator.bodies[0], *_way(table)[2]).reason == LATER


def test_the_way_goes_round_a_circle_to_neighbouring_points() -> None:
    turns: set[tuple[int, ...]] = set()
    for table in looks(NAME, NOVEL_TASK):
        offsets = np.array(_way(table)) - (0.5, 0.0)
        assert np.hypot(*offsets.T) == pytest.approx(0.19)
        points = np.degrees(np.arctan2(offsets[:, 1], offsets[:, 0])) / 72
        assert points == pytest.approx(np.rint(points), abs=1e-6)
        turns.add(tuple((int(step) + 2) % 5 - 2 for step in np.rint(np.diff(points))))
    assert turns == {(-1, -1), (-1, 1), (1, -1), (1, 1)}


def test_pictures_show_the_object_around_a_thing_that_is_not_on_the_table() -> None:
    for table in looks(NAME, NOVEL_TASK):
        moved, middle = table.simulator.bodies
        references = table.instruction.references
        assert [(reference.kind, len(reference.objects)) for reference in references.values()] == [
            ("object", 1), ("scene", 2), ("scene", 2), ("scene", 2)
        ]  # fmt: skip
        assert references["dragged_obj"].objects[0].name == moved.name
        names = {tuple(thing.name for thing in references[f"frame_{k}"].objects) for k in range(3)}
        ((first, second),) = names
        assert first == moved.name
        assert second not in (moved.name, middle.name)


def test_things_begin_at_their_whole_nominal_height() -> None:
    for table in looks(NAME, NOVEL_TASK):
        for body in table.simulator.bodies:
            assert body.z == body.shape.nominal[2]
            assert body.shape.name in (*KIT, "block")
        assert table.simulator.bodies[1].place == pytest.approx((0.5, 0.0))
