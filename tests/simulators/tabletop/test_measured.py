"""The table against episodes measured in the real VIMA-Bench."""

from collections.abc import Sequence

import numpy as np

from instar.demo import Box
from instar.simulators.tabletop.body import Body
from instar.simulators.tabletop.render import box_of, scene
from instar.simulators.tabletop.render import portrait as alone
from instar.simulators.tabletop.sweep import sweep
from instar.simulators.tabletop.tasks.layout import portrait
from instar.simulators.tabletop.tasks.placing import Goal, Placing
from instar.simulators.tabletop.tasks.problem import Rule, Trails
from instar.simulators.tabletop.tasks.sweeping import Area, Sweeping
from instar.simulators.tabletop.views import VIEWS
from instar.simulators.tabletop.world import pick_and_place
from tests.simulators.tabletop.measured import Scene, needs_measurements, scenes

PLAYED = ("visual_manipulation", "rotate", "scene_understanding", "rearrange", "follow_order")
SWEPT = "sweep_without_exceeding"


def _off(one: Box | None, two: Box | None) -> float:
    """The largest difference of two boxes in pixels."""
    if one is None or two is None:
        return 0 if one == two else np.inf
    pairs = ((one.left, two.left), (one.top, two.top), (one.right, two.right), (one.bottom, two.bottom))
    return max(abs(a - b) for a, b in pairs)


@needs_measurements
def test_boxes_are_where_the_real_renderer_has_them() -> None:
    errors = []
    for episode in scenes():
        for frame in episode.frames:
            for view in VIEWS:
                ids = scene(frame.bodies, view).ids
                errors += [_off(box_of(ids == n), box) for n, box in frame.boxes[view.name].items()]
    # Measured: 1264 boxes, 99.2 % within a pixel and 87.5 % exact; the specification's own model reaches 97 %.
    assert len(errors) > 1200
    assert np.mean(np.array(errors) <= 1) >= 0.985
    assert np.mean(np.array(errors) == 0) >= 0.85


@needs_measurements
def test_object_pictures_show_things_where_the_real_ones_do() -> None:
    errors = []
    for episode in scenes():
        if not episode.task.startswith("novel_adj"):  # whose demonstrations rescale things
            for shape, boxes in episode.pictured:
                for view in VIEWS:
                    seen = box_of(alone(portrait(shape, "red"), view).ids == 0)
                    errors.append(_off(seen, boxes[view.name]))
    assert len(errors) > 100
    assert max(errors) <= 1


def _played(episode: Scene) -> list[tuple[tuple[Body, ...], Trails]]:
    """The episode's own actions on our table."""
    bodies, after = episode.frames[0].bodies, []
    for x0, y0, x1, y1, spin in episode.actions:
        start, end = np.array([x0, y0]), np.array([x1, y1])
        trails: Trails = {}
        if episode.spatula:
            swept = sweep(bodies, start, end)
            bodies, trails = swept.bodies, swept.trails
        else:
            bodies = pick_and_place(bodies, start, end, spin)
        after.append((bodies, trails))
    return after


def _apart(ours: Sequence[Body], theirs: Sequence[Body]) -> list[float]:
    return [float(np.hypot(a.x - b.x, a.y - b.y)) for a, b in zip(ours, theirs, strict=True) if a.shape.loose]


@needs_measurements
def test_actions_put_things_where_the_real_physics_put_them() -> None:
    planar, upright = [], []
    for episode in scenes():
        if episode.spatula or episode.task.startswith("novel_adj"):
            continue  # sweeps are looser and have their own test; adjectives rescale their objects
        for (bodies, _), frame in zip(_played(episode), episode.frames[1:], strict=True):
            planar += _apart(bodies, frame.bodies)
            upright += [abs(a.z - b.z) for a, b in zip(bodies, frame.bodies, strict=True) if a.shape.loose]
    # Measured: 98.8 % of moved things within 5 mm, the worst 11.5 mm; all heights within 3 mm outside bowls.
    assert np.mean(np.array(planar) < 0.005) >= 0.98
    assert max(planar) < 0.02
    assert np.mean(np.array(upright) < 0.003) >= 0.97


@needs_measurements
def test_sweeps_put_blocks_where_the_real_physics_put_them() -> None:
    planar: list[float] = []
    for episode in scenes():
        if episode.task == SWEPT:
            for (bodies, _), frame in zip(_played(episode), episode.frames[1:], strict=True):
                planar += _apart(bodies, frame.bodies)
    # Measured: 93 % of 28 blocks within 10 mm; the worst, 31 mm off, turned the other way on its corner.
    assert np.mean(np.array(planar) < 0.01) >= 0.9
    assert max(planar) < 0.035


def _rule(episode: Scene) -> Rule:
    distractors = tuple(number for number, role in episode.roles.items() if role == "distractor")
    if episode.task == SWEPT:
        targets = tuple(number for number, role in episode.roles.items() if role == "target")
        asked = {"any": 1, "one": 1, "two": 2, "three": 3}.get(episode.slots["det"], len(targets))
        stop = episode.frames[0].bodies[1].x
        zone, line = Area((stop + 0.035, -0.135), (0.56, 0.135)), Area((stop - 0.02, -0.16875), (stop + 0.02, 0.16875))
        return Sweeping(targets, distractors, asked, zone, line)
    wanted = [(goal["obj"], goal["target"]) for goal in episode.goals if not goal["oracle_only"]]
    goals = tuple(Goal(n, x, y, yaw, turned=episode.task == "rotate") for n, (x, y, _, yaw) in wanted)
    return Placing(goals, distractors, ordered=episode.task == "follow_order", patient=episode.task == "rearrange")


@needs_measurements
def test_replayed_demonstrations_succeed_at_their_last_action_and_not_before() -> None:
    known = [episode for episode in scenes() if episode.task in (*PLAYED, SWEPT)]
    assert len(known) >= 25
    for episode in known:
        rule = _rule(episode)
        rule.begin(episode.frames[0].bodies)
        verdicts = [rule.judge(bodies, trails) for bodies, trails in _played(episode)]
        assert [verdict.success for verdict in verdicts] == [False] * (len(verdicts) - 1) + [True]
        assert not any(verdict.failure for verdict in verdicts)


@needs_measurements
def test_success_is_told_from_true_poses_as_the_real_benchmark_tells_it() -> None:
    for episode in scenes():
        if episode.task in (*PLAYED, SWEPT):
            rule = _rule(episode)
            rule.begin(episode.frames[0].bodies)
            verdicts = [rule.judge(frame.bodies, {}) for frame in episode.frames[1:]]
            assert [verdict.over for verdict in verdicts] == [False] * (len(verdicts) - 1) + [True]
            assert verdicts[-1].success
