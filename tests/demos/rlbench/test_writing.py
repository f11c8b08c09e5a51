"""Episodes written in RLBench's layout and read back."""

import io
import pickle
import pickletools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from instar.demo import Episode, Image, Instruction, Observation, Step
from instar.demos.rlbench import RLBench
from instar.demos.rlbench.pickling import Named, Plain, dumps
from instar.demos.rlbench.writing import write_rlbench
from instar.demos.unpickle import loads
from instar.embodiments.panda import JOINT_POSITION, JOINT_VELOCITY, JOINTS
from instar.errors import DataError, MismatchError
from instar.robot import Camera, Robot
from instar.tracing import PLACE
from tests.simulators.arm.playing import needs_pictures

# A pinhole 1.5 m in front of the table, looking back and down at 45 degrees.
FOCAL, HALF = 20.0, np.sqrt(0.5)
MAP = np.array([[FOCAL, 0, 12], [0, FOCAL, 8], [0, 0, 1.0]]) @ np.array(
    [[0, 1, 0, 0], [HALF, 0, -HALF, 0], [-HALF, 0, -HALF, 1.5]]
)
FRONT = Camera("front", 16, 24, tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in MAP))
PANDA = Robot("panda", "joint velocity", JOINT_VELOCITY, (FRONT, Camera("wrist", 16, 24)), (*JOINTS, "gripper", *PLACE))


def made(id: str = "made/reach/0", length: int = 3, robot: Robot = PANDA) -> Episode:
    """An episode of random numbers and pictures."""
    rng = np.random.default_rng(len(id))
    steps = []
    for t in range(length + 1):
        images = {camera.name: Image.of(rng.integers(0, 255, (16, 24, 3), np.uint8)) for camera in robot.cameras}
        state = np.array([*rng.uniform(-1, 1, 7), float(t % 2), *rng.uniform(0, 1, 3)])
        action = np.array([*rng.uniform(-1, 1, 7), float((t + 1) % 2)])
        steps.append(Step(Observation(images, state), action if t < length else None))
    return Episode(id, robot, Instruction("reach the red ball"), steps, success=True)


def assert_same(one: Episode, other: Episode) -> None:
    """Equal numbers and pictures, and cameras that see the world at the same pixels."""
    assert one.instruction.text == other.instruction.text
    assert (one.length, len(one.steps)) == (other.length, len(other.steps))
    for t, (mine, theirs) in enumerate(zip(one.steps, other.steps, strict=True)):
        assert_array_equal(mine.observation.state, theirs.observation.state)
        assert list(mine.observation.images) == list(theirs.observation.images)
        for name, image in mine.observation.images.items():
            assert_array_equal(image.pixels, theirs.observation.images[name].pixels)
        if t < one.length:
            assert_array_equal(one.action(t), other.action(t))
    one.robot.require(other.robot)
    for camera in one.robot.cameras:
        if camera.world_to_pixel is not None:
            theirs_too = other.robot.camera(camera.name).world_to_pixel
            assert theirs_too is not None
            assert_allclose(camera.world_to_pixel, theirs_too, atol=1e-9)


def read(folder: Path) -> Sequence[Episode]:
    source = RLBench(folder)
    return [source.episode(id) for id in source.ids()]


def test_reads_back_what_it_wrote(tmp_path: Path) -> None:
    episodes = [made("made/reach/0"), made("made/reach/10", 5), made("made/lift/0", 2)]
    assert write_rlbench(episodes, tmp_path / "out") == 3
    lift, *reach = read(tmp_path / "out")
    assert lift.id == "lift/all_variations/episodes/episode0"
    for mine, theirs in zip([episodes[2], *episodes[:2]], [lift, *reach], strict=True):
        assert_same(mine, theirs)


@needs_pictures
def test_the_arms_episodes_are_read_back_and_the_hand_is_turned_as_it_was(tmp_path: Path) -> None:
    from instar.demos.arm import ArmDemos
    from instar.simulators.arm.kinematics import kinematics, rotation

    source = ArmDemos(2, tasks="pick_and_lift", control="joint_velocity", height=32, width=64)
    played = source.episode(source.ids()[0])
    write_rlbench([played], tmp_path / "out")
    assert_same(played, read(tmp_path / "out")[0])
    posed = RLBench(tmp_path / "out", control="end_effector_pose").episode(
        "pick_and_lift/all_variations/episodes/episode0"
    )
    for t in range(posed.length):
        x, y, z, w = posed.action(t)[3:7]
        turn = rotation(2 * np.arctan2(np.linalg.norm([x, y, z]), w) * np.array([x, y, z]) / np.linalg.norm([x, y, z]))
        told = kinematics().pose(played.steps[t + 1].observation.state[:7])
        assert_allclose(turn, told.turn, atol=1e-6)
        assert_allclose(posed.action(t)[:3], told.place, atol=1e-6)


class Restoring(pickle.Unpickler):
    """Python's own, in a place where RLBench is installed, as it were."""

    def find_class(self, module: str, name: str) -> object:
        return SimpleNamespace if module.startswith("rlbench.") else super().find_class(module, name)


def restored(path: Path) -> Any:
    with path.open("rb") as file:
        return Restoring(file).load()


def test_pythons_own_pickle_restores_rlbenchs_classes(tmp_path: Path) -> None:
    write_rlbench([made()], tmp_path / "out")
    folder = tmp_path / "out/reach/all_variations/episodes/episode0"

    first, second = vars(restored(folder / "low_dim_obs.pkl"))["_observations"][:2]
    assert_array_equal(second.joint_velocities, made().action(0)[:7])
    assert_array_equal(first.joint_velocities, np.zeros(7))
    assert first.misc["front_camera_intrinsics"][0, 0] == pytest.approx(-FOCAL)
    assert_allclose(first.misc["front_camera_extrinsics"][:3, 3], [1.5 * HALF, 0, 1.5 * HALF], atol=1e-9)
    assert first.front_rgb is None
    assert restored(folder / "variation_descriptions.pkl") == ["reach the red ball"]
    assert restored(folder / "variation_number.pkl") == 0


def test_plain_values_are_what_they_were() -> None:
    value: dict[str, Plain] = {"a": [1, -2.5, "ü", None, True], "b": {"c": np.arange(6.0).reshape(2, 3)}, "d": []}
    data = dumps(Named("somewhere", "Thing", value))
    pickletools.dis(data, out=io.StringIO())  # complains of what is no pickle
    state = vars(loads(data, "made", ("somewhere",)))["state"]
    assert state["a"] == value["a"]
    assert state["d"] == []
    assert_array_equal(state["b"]["c"], np.arange(6.0).reshape(2, 3))


def test_other_robots_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="choose demonstrations with control=joint_velocity"):
        write_rlbench([made(robot=replace(PANDA, control="joint position", actions=JOINT_POSITION))], tmp_path / "a")
    with pytest.raises(MismatchError, match="the state does not tell gripper, x, y, z"):
        write_rlbench([made(robot=replace(PANDA, state=JOINTS))], tmp_path / "b")
    with pytest.raises(MismatchError, match="RLBench has no camera side; it has front"):
        write_rlbench([made(robot=replace(PANDA, cameras=(Camera("side", 16, 24),)))], tmp_path / "c")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_rlbench([made()], tmp_path / "out")
    with pytest.raises(DataError, match="not empty"):
        write_rlbench([made()], tmp_path / "out")
