"""What is only true of the real Meta-World: its cameras, its tasks, and that its experts solve them."""

import json
import os
import subprocess
from collections.abc import Iterator

import numpy as np
import pytest

from instar import plugins
from instar.demo import Context
from instar.simulator import Task
from instar.simulators.apart.child import drawn_with
from instar.simulators.apart.program import environment
from instar.simulators.metaworld import MetaWorld
from instar.simulators.metaworld.cameras import MOUNTS, MOVING, camera
from instar.simulators.metaworld.options import VARIABLE
from instar.simulators.metaworld.tasks import TASKS, suite_of
from instar.testing import assert_same_context
from tests.simulators.metaworld import surveyor
from tests.simulators.metaworld.stand_in import needs_the_real_one

pytestmark = needs_the_real_one


@pytest.fixture(scope="module")
def real() -> Iterator[MetaWorld]:
    simulator = MetaWorld()
    yield simulator
    simulator.close()


def begun(simulator: MetaWorld, task: str, seed: int) -> Context:
    """The context before the first action."""
    instruction, observation = simulator.reset(Task(task, suite_of(task)), seed)
    return Context(simulator.robot, instruction, observation)


def solved(simulator: MetaWorld, task: str, seed: int) -> list[Context]:
    """All contexts of the expert's episode. Fails where it does not solve it."""
    context = begun(simulator, task, seed)
    expert, contexts = simulator.expert(), [context]
    for _ in range(100):
        action = expert.act([context])[0].actions[0]
        transition = simulator.step(action)
        context = context.after(action, transition.observation, 1)
        contexts.append(context)
        if transition.success:
            return contexts
    raise AssertionError(f"{task}/{seed} is not solved")


@pytest.mark.parametrize("size", [(128, 256), (256, 256)], ids=str)
def test_every_camera_sees_the_goal_where_we_say(size: tuple[int, int]) -> None:
    order = [os.environ[VARIABLE], surveyor.__file__, *map(str, size), *MOUNTS]
    drawing = environment() | {"MUJOCO_GL": drawn_with()}
    said = subprocess.run(order, check=True, capture_output=True, text=True, env=drawing).stdout
    for name, (place, seen) in json.loads(said).items():
        height, width = size
        upright = np.array([width, height]) - seen if MOUNTS[name].turned else np.array(seen)
        off = camera(name, height, width, 0.0).project(place) - upright
        assert np.abs(off).max() < 1, f"{name}: {off} pixels off"


def test_a_narrower_field_of_view_is_calibrated_too() -> None:
    near = MetaWorld(fov=30, cameras="corner4+topview")
    far = MetaWorld(cameras="corner4+topview")
    observations = [begun(simulator, "push-v3", 5).observation for simulator in (near, far)]
    for name in ("corner4", "topview"):
        one, other = (observation.images[name].pixels for observation in observations)
        assert not np.array_equal(one, other)
    near.close()
    far.close()


def test_it_has_our_tasks_and_our_cameras(real: MetaWorld) -> None:
    assert sorted(real.greeting["tasks"]) == sorted(TASKS)
    every = MetaWorld(cameras="+".join([*MOUNTS, *MOVING]), height=32, width=64)
    observation = begun(every, "soccer-v3", 0).observation  # refuses mounts that are not ours
    every.close()
    assert len({image.digest for image in observation.images.values()}) == len(MOUNTS) + len(MOVING)


@pytest.mark.parametrize("task", ["reach-v3", "push-v3", "drawer-open-v3", "window-close-v3"])
def test_its_experts_solve_at_a_fifth_of_the_rate(real: MetaWorld, task: str) -> None:
    contexts = solved(real, task, 200_000)
    speeds = np.array([context.past[0].action for context in contexts[1:]])
    assert real.robot.actions.clip(speeds) == pytest.approx(speeds)
    assert 5 < len(speeds) < 60


def test_a_real_episode_is_the_same_alone_and_after_others(real: MetaWorld) -> None:
    other = MetaWorld()
    alone = solved(other, "assembly-v3", 3)
    other.close()
    for task in ("stick-pull-v3", "reach-v3"):
        solved(real, task, 1)
    for one, again in zip(alone, solved(real, "assembly-v3", 3), strict=True):
        assert_same_context(one, again)


def test_advice_that_is_not_followed_leaves_no_trace(real: MetaWorld) -> None:
    action = np.array([0.3, 0.2, -0.1, 1.0])
    begun(real, "pick-place-v3", 4)
    plain = [real.step(action).observation for _ in range(3)]
    begun(real, "pick-place-v3", 4)
    asked = []
    for _ in range(3):
        real.advice()
        asked.append(real.step(action).observation)
    for one, other in zip(plain, asked, strict=True):
        np.testing.assert_array_equal(one.state, other.state)
        assert one.images["corner4"].digest == other.images["corner4"].digest


def test_seeds_place_things_differently(real: MetaWorld) -> None:
    pictures = {begun(real, "push-v3", seed).observation.images["corner4"].digest for seed in range(5)}
    assert len(pictures) == 5


def test_it_is_whole_and_its_demonstrations_conform() -> None:
    findings = plugins.make("simulators", "metaworld").examine()
    assert not [finding for finding in findings if finding.level == "error"]
    assert "its scripted policy solves reach-v3/0" in findings[-1].text
