"""Observations are drawn when somebody looks, and say the same whenever that is."""

import copy
import pickle

import numpy as np
import pytest

from instar.demo import Context, Observation
from instar.simulator import Task
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.look import Look
from instar.simulators.tabletop.render import Shot, around, forget, scene
from instar.simulators.tabletop.seeing import CAMERAS, Seen
from instar.simulators.tabletop.shapes import sample
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.views import TOP, VIEWS, View

TASK = Task("rearrange", "placement")


def _bytes(observation: Observation) -> bytes:
    pictures = [(observation.images[camera].pixels, observation.segmentation[camera]) for camera in CAMERAS]
    boxes = [dict(thing.boxes) for thing in observation.objects]
    return b"".join(values.tobytes() for pair in pictures for values in pair) + repr(boxes).encode()


def _frames(look: Look) -> list[Observation]:
    """What the expert sees from the beginning to the end."""
    simulator = Tabletop(look)
    instruction, observation = simulator.reset(TASK, 3)
    frames, expert = [observation], simulator.expert()
    while True:
        action = expert.act([Context(simulator.robot, instruction, observation)])[0].actions[0]
        transition = simulator.step(action)
        frames.append(transition.observation)
        if transition.terminated:
            simulator.reset(TASK, 4)
            return frames


def test_only_the_camera_that_somebody_looks_through_is_drawn() -> None:
    drawn: list[str] = []

    def take(view: View) -> Shot:
        drawn.append(view.name)
        return scene(bodies, view)

    bodies = draw_problem(TASK, 0).bodies
    seen = Seen(bodies, take)
    images, objects = seen.images, seen.objects
    assert (list(images), len(images), "front" in images, "side" in images) == (["front", "top"], 2, True, False)
    assert drawn == []
    assert images["front"].pixels.shape == (128, 256, 3)
    assert all("front" in thing.boxes for thing in objects)
    assert seen.segmentation["front"].shape == (128, 256)
    assert drawn == ["front"]
    with pytest.raises(KeyError):
        images["side"]


@pytest.mark.parametrize("look", ["sim", "real"])
def test_a_frame_that_is_looked_at_late_shows_what_it_would_have_shown_at_once(look: Look) -> None:
    late = [_bytes(frame) for frame in _frames(look)]
    simulator = Tabletop(look)
    instruction, observation = simulator.reset(TASK, 3)
    expert = simulator.expert()
    for expected in late[:-1]:
        assert _bytes(observation) == expected
        action = expert.act([Context(simulator.robot, instruction, observation)])[0].actions[0]
        observation = simulator.step(action).observation
    assert _bytes(observation) == late[-1]


def test_what_was_drawn_before_changes_nothing() -> None:
    for frame, again in zip(_frames("sim"), _frames("sim"), strict=True):
        warm = _bytes(frame)
        forget()
        assert _bytes(again) == warm


def test_an_observation_travels_and_is_copied_as_plain_values() -> None:
    observation = _frames("sim")[0]
    plain = copy.deepcopy(observation)  # by the same door as pickle
    assert {type(values) for values in (plain.images, plain.segmentation, plain.objects[0].boxes)} == {dict}
    assert plain.objects == observation.objects
    assert repr(plain.objects) == repr(observation.objects)
    assert _bytes(plain) == _bytes(observation)
    assert len(pickle.dumps(observation)) > observation.images["top"].pixels.nbytes


def test_remembered_pictures_cannot_be_painted_over() -> None:
    observation = _frames("sim")[0]
    with pytest.raises(ValueError, match="read-only"):
        observation.segmentation["top"][0, 0] = 7


def test_what_may_hide_a_body_is_all_that_need_be_drawn_to_know_where_it_shows() -> None:
    rng = np.random.default_rng(1)
    names = ("bowl", "block", "ring", "letter G", "pan", "container", "flower")
    crowded = [
        tuple(
            Body(5 + k, sample(str(rng.choice(names)), rng), "red", x, y, z, yaw=float(k))
            for k, (x, y, z) in enumerate(rng.uniform((0.3, -0.3, 0), (0.7, 0.3, 0.1), (7, 3)).tolist())
        )
        for _ in range(5)
    ]
    fewer = 0
    for bodies in crowded:
        for body in bodies:
            near = around(body, bodies, TOP)
            fewer += len(bodies) - len(near)
            assert ((scene(near, TOP).ids == body.id) == (scene(bodies, TOP).ids == body.id)).all()
    assert fewer > 0


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_pictures_are_the_same_whichever_comes_first(view: View) -> None:
    bodies = draw_problem(Task("visual_manipulation", "placement"), 2).bodies
    forget()
    whole = scene(bodies, view)
    forget()
    for body in bodies[::-1]:
        scene([body], view)
    again = scene(bodies, view)
    assert (whole.rgb == again.rgb).all()
    assert (whole.ids == again.ids).all()
