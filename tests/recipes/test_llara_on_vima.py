"""Tests of the LLaRA recipe and tasks on real VIMA demonstrations, where a sample of them is at hand."""

from pathlib import Path

import numpy as np
import pytest

from instar import markup
from instar.chat import AuxiliaryTask
from instar.demo import DemoSource, Episode, SceneObject
from instar.embodiments.vima import FRONT
from instar.plugins import make
from instar.recipes.llara import Llara

SAMPLE = Path(__file__).parents[3] / "shared" / "data" / "vima_sample.zip"
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason=f"no VIMA sample at {SAMPLE}")


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    source: DemoSource = make("demos", f"vima:{SAMPLE}")
    return [source.episode(name) for name in source.ids()]


def test_every_answer_is_read_as_the_demonstration(episodes: list[Episode]) -> None:
    recipe = Llara()
    for episode in episodes:
        for t in range(episode.length):
            context = episode.context(t, recipe.past)
            read = recipe.read(recipe.answer(episode, t), context)
            wanted = np.stack([episode.action(k) for k in range(t, episode.length)])
            turn = wanted[:, 5] - wanted[:, 2]
            assert np.allclose(read[:, [0, 1, 3, 4]], wanted[:, [0, 1, 3, 4]], atol=0.0006)
            assert np.all(np.abs(np.angle(np.exp(1j * (read[:, 5] - turn)))) <= np.radians(0.501))
            assert "{" not in recipe.ask(context).question.replace("{0.", "").replace("{1.", "")


def around(thing: SceneObject, u: float, v: float, margin: float) -> bool:
    """Whether the pixel is in the object's box or at most `margin` outside it."""
    box = thing.boxes["front"]
    return box.left - margin <= u <= box.right + margin and box.top - margin <= v <= box.bottom + margin


def test_the_object_that_is_moved_is_seen_where_the_suction_cup_goes_down(episodes: list[Episode]) -> None:
    checked = 0
    for episode in episodes:
        for t in range(episode.length):
            observation = episode.steps[t].observation
            if markup.tool(episode.robot, observation.state) == "suction":
                u, v = FRONT.project(episode.action(t)[:2])
                seen = markup.visible(observation.objects, FRONT)
                # Things have a height, so that the place where they stand can be a few pixels below what is seen.
                near = [thing.name for thing in seen if around(thing, float(u), float(v), margin=8)]
                assert markup.moved_object(episode, t, FRONT) in near
                checked += 1
    assert checked > 0


@pytest.mark.parametrize("name", ["obj_det", "obj_loc", "act_pred", "fut_pred", "spa_rel", "tmp_rel"])
def test_every_task_has_something_to_ask_about_every_frame_that_it_is_for(name: str, episodes: list[Episode]) -> None:
    task: AuxiliaryTask = make("auxiliary", name)
    for episode in episodes:
        for view in episode.views():
            asked = sum(1 for _ in task.conversations(episode, view, np.random.default_rng(0)))
            frame = view.t is not None and (name in ("obj_det", "obj_loc", "spa_rel") or view.t < episode.length)
            enough = len({thing.name for thing in markup.visible(view.objects, FRONT)}) > 1
            if frame and (enough or "rel" not in name):
                assert asked > 0
            if view.t is None and name in ("act_pred", "fut_pred", "tmp_rel"):
                assert asked == 0
