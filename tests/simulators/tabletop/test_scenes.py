"""Recorded episodes of VIMA-Bench as problems of the table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from instar.errors import DataError, SimulatorError
from instar.files import write_json
from instar.simulator import Task
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.render import box_of, scene
from instar.simulators.tabletop.render import portrait as alone
from instar.simulators.tabletop.scenes import Scene, expert_action, problem_of, read_scene, read_scenes
from instar.simulators.tabletop.tasks.placing import Placing
from instar.simulators.tabletop.tasks.sweeping import Sweeping
from instar.simulators.tabletop.views import VIEWS
from tests.simulators.tabletop.measured import FILE, needs_measurements
from tests.simulators.tabletop.recording import recorded

PUT = Task("visual_manipulation", "placement", 3)
SWEEP = Task("sweep_without_exceeding", "placement", 8)


@pytest.mark.parametrize("task", [PUT, Task("rearrange", "placement", 5), SWEEP], ids=lambda task: task.name)
def test_a_scene_holds_what_stood_on_the_table(task: Task) -> None:
    value = recorded(task, 3, {"det": "one"})
    read, simulator = read_scene(value), Tabletop()
    simulator.reset(task, 3)
    for ours, theirs in zip(simulator.bodies, read.frames[0].bodies, strict=True):
        assert (ours.name, ours.id, ours.yaw) == (theirs.name, theirs.id, theirs.yaw)
        assert np.array(ours.shape.box) == pytest.approx(np.array(theirs.shape.box), abs=1e-9)
        assert [theirs.x, theirs.y, theirs.z] == [ours.x, ours.y, ours.z]


def test_a_scene_is_judged_as_its_family_judges() -> None:
    rule = problem_of(read_scene(recorded(PUT, 3))).rule
    assert isinstance(rule, Placing)
    assert [goal.body for goal in rule.goals] == [6]
    assert rule.distractors == (7,)
    sweeping = problem_of(read_scene(recorded(SWEEP, 3, {"det": "one"}))).rule
    assert isinstance(sweeping, Sweeping)
    assert sweeping.asked == 1
    assert [*sweeping.zone.high, sweeping.zone.low[1]] == pytest.approx([0.56, 0.135, -0.135])


def test_its_pictures_show_what_the_recorded_ones_do() -> None:
    for task in (PUT, Task("rearrange", "placement", 5), SWEEP):
        value = recorded(task, 5, {"det": "one"})
        for slot, picture in problem_of(read_scene(value)).pictures.items():
            draw = alone if picture.kind == "object" else scene
            for body, row in zip(picture.bodies, value["assets"][slot]["objects"], strict=True):
                for view, box in zip(VIEWS, row[2:], strict=True):
                    seen = box_of(draw(picture.bodies, view).ids == body.id)
                    assert seen is not None
                    assert [seen.left, seen.top, seen.right, seen.bottom] == pytest.approx(box, abs=1)


def test_the_expert_says_what_is_next_in_an_episode_in_play() -> None:
    read = read_scene(recorded(PUT, 3))
    begun = Scene(read.record, read.frames[:1], read.actions[:0])
    action, body = expert_action(begun, np.random.default_rng(0)), read.frames[0].bodies[1]
    assert action.shape == (6,)
    assert np.hypot(*(action[:2] - body.place)) < 0.1
    with pytest.raises(SimulatorError, match="over"):
        expert_action(read, np.random.default_rng(0))


def _broken(change: dict[str, Any]) -> dict[str, Any]:
    return {**recorded(PUT, 3), **change}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ee": "hand"}, "ee: Input should be 'suction' or 'spatula'"),
        ({"frames": []}, "0 frames and 1 actions"),
        ({"objects": []}, "a thing that the tabletop does not know"),
        ({"frames": [[[5, "here"]]]}, r"frames\.0\.0"),
    ],
)
def test_a_scene_that_is_none_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_scene(_broken(change), "scene 7")


def test_a_file_names_the_scene_that_is_wrong(tmp_path: Path) -> None:
    write_json(tmp_path / "scenes.json", {"scenes": [recorded(PUT, 3), {}]})
    with pytest.raises(DataError, match="scene 1: task: Field required"):
        read_scenes(tmp_path / "scenes.json")
    write_json(tmp_path / "other.json", [])
    with pytest.raises(DataError, match="no scenes"):
        read_scenes(tmp_path / "other.json")


@needs_measurements
def test_every_recorded_scene_has_a_problem_and_a_next_action() -> None:
    for read in read_scenes(FILE):
        assert problem_of(read).pictures
        begun = Scene(read.record, read.frames[:1], read.actions[:0])
        assert expert_action(begun, np.random.default_rng(0)).shape == (6,)
