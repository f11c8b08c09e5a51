"""What is only true of the real RLBench: that its tasks, cameras and joints are what we take them for."""

import os
from collections.abc import Iterator

import numpy as np
import pytest

from instar.simulators.rlbench import RLBench
from instar.simulators.rlbench.options import VARIABLE
from tests.simulators.rlbench.stand_in import TASK, begun

pytestmark = pytest.mark.skipif(
    not os.environ.get(VARIABLE), reason=f"{VARIABLE} names no interpreter that has RLBench"
)


@pytest.fixture(scope="module")
def real() -> Iterator[RLBench]:
    simulator = RLBench()
    yield simulator
    simulator.close()


def test_an_episode_begins_again_with_the_same_words_and_joints(real: RLBench) -> None:
    first, again = begun(real, seed=1), begun(real, seed=1)
    assert first.instruction.text == again.instruction.text
    np.testing.assert_allclose(first.observation.state, again.observation.state, atol=1e-3)


def test_joints_go_as_fast_as_they_are_told(real: RLBench) -> None:
    before = begun(real).observation.state
    for _ in range(10):
        seen = real.step(np.array([0.2, 0, 0, 0, 0, 0, 0.2, 1.0])).observation
    np.testing.assert_allclose((seen.state - before)[[0, 6]], 0.1, atol=0.02)
    assert seen.state[7] == 1.0


def test_the_hand_is_before_the_front_camera(real: RLBench) -> None:
    seen = begun(real).observation
    u, v = real.robot.camera("front").project(seen.state[8:])
    assert 0 < u < 128
    assert 0 < v < 128
    assert np.ptp(seen.images["front"].pixels) > 100


def test_the_doctor_finds_nothing_wrong(real: RLBench) -> None:
    assert {finding.level for finding in real.examine()} <= {"ok", "warn"}
    assert TASK.name in real.greeting["tasks"]
