"""Physics and the hand that holds."""

import numpy as np
import pytest

from instar.simulators.arm import things
from instar.simulators.arm.kinematics import down, kinematics
from instar.simulators.arm.tasks.problem import fallen
from instar.simulators.arm.world import World
from tests.simulators.arm.playing import needs_mujoco

pytestmark = needs_mujoco
SECONDS = 0.2


def go(world: World, place: tuple[float, float, float], *, opened: bool, steps: int = 5) -> None:
    """Bring the hand to `place`, pointing down."""
    joints = kinematics().joints(down(np.array(place), 0.0), world.joints)
    start = world.joints
    for step in range(1, steps + 1):
        world.move(start + (joints - start) * step / steps, opened=opened, seconds=SECONDS)


def one_block() -> World:
    return World([things.block("block 0", "red", 0.0225, (0.45, 0.1, 0.0))])


def test_things_rest_where_they_were_put() -> None:
    world = one_block()
    assert world.place("block 0") == pytest.approx([0.45, 0.1, 0.0225], abs=1e-3)
    assert world.speed("block 0") < 1e-3
    assert world.hand.place == pytest.approx([0.42, 0.0, 0.25], abs=1e-3)


def test_the_hand_gets_where_it_is_sent_to_less_than_a_millimetre() -> None:
    world = one_block()
    go(world, (0.5, -0.1, 0.12), opened=True)
    assert np.linalg.norm(world.hand.place - (0.5, -0.1, 0.12)) < 1e-3


def test_what_it_closes_on_is_held_and_comes_along_until_it_opens() -> None:
    world = one_block()
    go(world, (0.45, 0.1, 0.0225), opened=True)
    assert world.held == ""
    go(world, (0.45, 0.1, 0.0225), opened=False, steps=1)
    assert world.held == "block 0"
    go(world, (0.5, -0.1, 0.15), opened=False)
    assert world.place("block 0") == pytest.approx(world.hand.place, abs=3e-3)
    go(world, (0.5, -0.1, 0.15), opened=True, steps=2)
    assert world.held == ""
    assert world.place("block 0")[2] < 0.03


def test_closing_beside_a_thing_holds_nothing() -> None:
    world = one_block()
    go(world, (0.45, 0.0, 0.0225), opened=True)
    go(world, (0.45, 0.0, 0.0225), opened=False, steps=1)
    assert world.held == ""
    assert world.place("block 0") == pytest.approx([0.45, 0.1, 0.0225], abs=1e-3)


def test_a_block_without_a_grip_is_not_held() -> None:
    world = World([things.block("block 0", "red", 0.0225, (0.45, 0.1, 0.0), gripped=False)])
    go(world, (0.45, 0.1, 0.0225), opened=True)
    go(world, (0.45, 0.1, 0.0225), opened=False, steps=1)
    assert world.held == ""


def test_a_button_springs_back_until_it_is_latched() -> None:
    world = World([things.button("button 0", "red", 1.0, (0.45, 0.0, 0.0))])
    assert world.shift("button 0") == pytest.approx(0.0, abs=1e-3)
    low = things.BUTTON_TOP - things.PRESS + 0.009
    go(world, (0.45, 0.0, low), opened=False)
    assert world.shift("button 0") < -0.75 * things.PRESS
    go(world, (0.45, 0.0, 0.15), opened=False)
    assert world.shift("button 0") == pytest.approx(0.0, abs=2e-3)
    world.latch("latch button 0")
    go(world, (0.45, 0.0, 0.15), opened=False, steps=2)
    assert world.shift("button 0") == pytest.approx(-things.PRESS, abs=2e-3)


def test_what_is_painted_is_seen_in_looks_taken_since() -> None:
    world = World([things.button("button 0", "red", 1.0, (0.45, 0.0, 0.0))])
    before = world.look
    world.paint("button 0 lamp", things.LIT)
    assert (before.colors != world.look.colors).any()


def test_what_falls_off_the_table_is_named() -> None:
    thing = things.block("block 0", "red", 0.0225, (1.3, 0.0, 0.0))
    assert fallen(World([thing]), [thing]) == "the red block fell off the table"
    near = things.block("block 0", "red", 0.0225, (0.5, 0.0, 0.0))
    assert fallen(World([near]), [near]) == ""


def test_the_same_moves_give_the_same_world() -> None:
    worlds = [one_block(), one_block()]
    for world in worlds:
        go(world, (0.45, 0.1, 0.0225), opened=True)
        go(world, (0.45, 0.1, 0.0225), opened=False, steps=1)
    one, two = (world.look for world in worlds)
    assert np.array_equal(one.joints, two.joints)
