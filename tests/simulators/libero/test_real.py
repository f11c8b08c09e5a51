"""What is only true of the real LIBERO: its tasks, its wordings, and that an episode is the same again."""

from collections.abc import Iterator

import numpy as np
import pytest

from instar.demo import Context
from instar.simulator import Task
from instar.simulators.libero import Libero
from instar.simulators.libero.protocol import suites
from instar.testing import assert_same_context
from tests.simulators.libero.stand_in import needs_the_real_one

pytestmark = needs_the_real_one
DOWN = np.array([0.0, 0.0, -0.5, 0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope="module")
def real() -> Iterator[Libero]:
    simulator = Libero(cameras="agentview+eye_in_hand", height=128, width=128)
    yield simulator
    simulator.close()


def begun(simulator: Libero, suite: str, number: int, seed: int) -> Context:
    """The context before the first action."""
    instruction, observation = simulator.reset(Task(suites()[suite].tasks[number], suite), seed)
    return Context(simulator.robot, instruction, observation)


def test_an_episode_is_the_same_alone_and_after_others(real: Libero) -> None:
    def played(simulator: Libero) -> list[Context]:
        context = begun(simulator, "libero_object", 1, 3)
        contexts = [context]
        for _ in range(3):
            context = context.after(DOWN, simulator.step(DOWN).observation, 1)
            contexts.append(context)
        return contexts

    other = Libero(cameras="agentview+eye_in_hand", height=128, width=128)
    alone = played(other)
    other.close()
    begun(real, "libero_object", 0, 1)
    begun(real, "libero_object", 1, 7)
    real.step(DOWN)
    for one, again in zip(alone, played(real), strict=True):
        assert_same_context(one, again)


def test_the_hand_goes_where_an_action_says_and_its_fingers_too(real: Libero) -> None:
    before = begun(real, "libero_object", 0, 0).observation.state
    for _ in range(5):
        after = real.step(np.array([1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])).observation.state
    assert after[0] - before[0] > 0.02
    assert after[2] - before[2] < -0.02
    assert np.abs(after[6:]).sum() < np.abs(before[6:]).sum()  # fingers close


@pytest.mark.parametrize("suite", suites())
def test_every_suite_can_be_entered(real: Libero, suite: str) -> None:
    context = begun(real, suite, 0, 49)
    assert context.observation.state[2] > 0
    assert len({image.digest for image in context.observation.images.values()}) == 2
