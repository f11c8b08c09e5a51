"""What the part about the tabletop says, at a size that takes a second."""

import numpy as np
import pytest

from benchmarks.simulating import OBSERVATIONS, STEPS, paint, run
from instar.simulator import Task
from instar.simulators.tabletop.render import scene
from instar.simulators.tabletop.simulator import draw_problem
from instar.simulators.tabletop.views import FRONT


def test_every_part_of_an_episode_has_its_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSTAR_VIMA_PYTHON", raising=False)
    found = run("small")
    assert [comparison.unit for comparison in found.comparisons] == ["observations", "steps", "times", "episodes"]
    assert all(rate.median > 0 for comparison in found.comparisons for rate in comparison.rates)
    aims = {fact.aim for fact in found.facts if fact.aim}
    assert aims == {f"at least {OBSERVATIONS}", f"at least {STEPS}"}
    assert any("floor" in fact.what for fact in found.facts)


def test_the_painter_paints_the_same_bodies_at_nearly_the_same_places() -> None:
    bodies = draw_problem(Task("rotate", "placement"), 1).bodies
    _, ids, boxes = paint(bodies, FRONT)
    shot = scene(bodies, FRONT)
    assert set(boxes) == {body.id for body in bodies}
    assert (ids != shot.ids).mean() < 0.02
    assert np.mean([(ids == body.id).sum() for body in bodies]) > 100
