"""One robot has one name, however a file spells it."""

import pytest

from instar.demos.rlds.standards import known
from instar.embodiments.registry import canonical, embodiment, title


@pytest.mark.parametrize("spelt", ["panda", "Panda", "franka", "Franka-Emika_Panda"])
def test_every_spelling_is_the_same_robot(spelt: str) -> None:
    assert canonical(spelt) == "panda"
    assert title(spelt) == "Franka"


def test_a_robot_that_nobody_entered_keeps_its_name() -> None:
    assert embodiment("My New Arm") is None
    assert canonical("My New Arm") == "my_new_arm"
    assert title("My New Arm") == "My New Arm"


def test_the_robots_of_known_datasets_are_entered() -> None:
    for name, standard in known().items():
        found = embodiment(standard.robot)
        assert found is not None, name
        assert found.name == standard.robot, name
