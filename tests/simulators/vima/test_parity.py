"""What is played live is what a plain loop over the benchmark records, as `demos.vima` reads it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from instar.demo import Context, Episode, Image, Observation, Reference
from instar.demos.vima import Vima
from instar.simulator import Task
from instar.simulators.apart.program import environment
from instar.simulators.tabletop.scenes import read_scene
from instar.simulators.vima import VimaBench, world
from instar.simulators.vima.partitions import PARTITIONS
from instar.simulators.vima.simulator import checkout_of, command
from instar.testing import assert_same_context
from studies.two_worlds import replayed
from tests.simulators.vima import recorder
from tests.simulators.vima.stand_in import needs_the_real_one, real_one, stand_in, write_checkout

# Each has another kind of prompt: an object, two objects, a scene, several scenes, a spatula.
REAL = [
    (Task("rotate", "placement"), 200_000),
    (Task("novel_noun", "combinatorial"), 200_001),
    (Task("same_shape", "novel_object"), 200_000),
    (Task("follow_motion", "novel_task"), 200_003),
    (Task("sweep_without_exceeding", "placement"), 200_000),
]


def recorded(simulator: VimaBench, folder: Path, task: Task, seed: int) -> tuple[Episode, Path]:
    """The oracle's episode in a plain loop, read as raw VIMA data, and the folder of its pictures."""
    python, checkout = command(simulator.python, simulator.checkout)[0], checkout_of(simulator.checkout)
    episode = folder / "vima_v6" / task.name / "000000"
    (folder / "files").mkdir(parents=True)
    order = [python, recorder.__file__, world.__file__, checkout, str(folder / "files"), str(episode)]
    order += [PARTITIONS[task.suite], task.name, str(seed)]
    subprocess.run(order, check=True, capture_output=True, env=environment())
    return Vima(folder).episode(f"vima_v6/{task.name}/000000"), episode


def assert_same_sight(live: Observation | Reference, read: Observation | Reference) -> None:
    """The same things in the same places, to the last pixel of the segmentation."""
    assert live.objects == read.objects
    for camera in ("front", "top"):
        np.testing.assert_array_equal(live.segmentation[camera], read.segmentation[camera])


def assert_played_as_recorded(simulator: VimaBench, folder: Path, task: Task, seed: int) -> None:
    """Play live what a plain loop recorded, and compare everything."""
    episode, pictures = recorded(simulator, folder, task, seed)
    instruction, observation = simulator.reset(task, seed)
    assert instruction.text == episode.instruction.text
    assert list(instruction.references) == list(episode.instruction.references)
    for slot, reference in instruction.references.items():
        there = episode.instruction.references[slot]
        assert reference.kind == there.kind
        assert_same_sight(reference, there)
        for camera, image in reference.images.items():
            np.testing.assert_array_equal(image.pixels, there.images[camera].pixels)
    expert = simulator.expert()
    for t in range(episode.length + 1):
        step = episode.steps[t]
        assert_same_sight(observation, step.observation)
        np.testing.assert_array_equal(observation.state, step.observation.state)
        for camera, image in observation.images.items():
            kept = Image.encoded((pictures / f"rgb_{camera}" / f"{t}.png").read_bytes())
            np.testing.assert_array_equal(image.pixels, kept.pixels)
        if step.action is not None:
            action = expert.act([Context(simulator.robot, instruction, observation)])[0].actions[0]
            off = action - step.action
            off[[2, 5]] = (off[[2, 5]] + np.pi) % (2 * np.pi) - np.pi
            np.testing.assert_allclose(off, 0, atol=1e-6)
            transition = simulator.step(action)
            observation = transition.observation
    assert transition.success
    assert episode.success


def test_the_stand_in_is_played_as_it_is_recorded(tmp_path: Path) -> None:
    simulator = stand_in(write_checkout(tmp_path / "checkout"))
    assert_played_as_recorded(simulator, tmp_path / "recorded", Task("rotate", "placement"), 7)
    simulator.close()


@pytest.fixture(scope="module")
def real() -> Iterator[VimaBench]:
    simulator = real_one()
    yield simulator
    simulator.close()


@needs_the_real_one
@pytest.mark.parametrize(("task", "seed"), REAL, ids=[task.name for task, _ in REAL])
def test_the_real_one_is_played_as_it_is_recorded(real: VimaBench, tmp_path: Path, task: Task, seed: int) -> None:
    assert_played_as_recorded(real, tmp_path, task, seed)


@needs_the_real_one
def test_a_real_episode_is_the_same_alone_and_after_others(real: VimaBench) -> None:
    task, seed = Task("manipulate_old_neighbor", "novel_object"), 200_004
    other = real_one()
    contexts = []
    for simulator in (real, other):
        instruction, observation = simulator.reset(task, seed)
        begun = Context(simulator.robot, instruction, observation)
        action = simulator.expert().act([begun])[0].actions[0]
        contexts.append((begun, begun.after(action, simulator.step(action).observation, 1)))
    other.close()
    for one, alone in zip(*contexts, strict=True):
        assert_same_context(one, alone)


@needs_the_real_one
def test_a_real_scene_is_solved_on_the_tabletop_by_the_real_oracles_actions(real: VimaBench) -> None:
    instruction, observation = real.reset(Task("rearrange", "placement"), 200_000)
    transition = None
    while transition is None or not transition.terminated:
        context = Context(real.robot, instruction, observation)
        transition = real.step(real.expert().act([context])[0].actions[0])
    assert transition.success
    assert replayed(read_scene(real.scene())).success


@needs_the_real_one
def test_a_real_action_that_lands_on_nothing_uses_up_a_step(real: VimaBench) -> None:
    real.reset(Task("rotate", "placement"), 200_000)
    transition = real.step(np.array([0.74, 0.49, 0.0, 0.3, -0.4, 0.0]))
    assert (transition.terminated, transition.success, transition.reason) == (False, False, "")
