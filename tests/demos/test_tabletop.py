"""Demonstrations played by the tabletop's expert."""

import copy

import numpy as np
import pytest

from instar import plugins
from instar.demos.tabletop import TabletopDemos
from instar.errors import ConfigError, DataError
from instar.simulator import Task
from instar.simulators.tabletop import Tabletop
from instar.simulators.tabletop.expert import Hand
from instar.simulators.tabletop.look import Look
from instar.simulators.tabletop.views import TOP
from instar.testing import conform

LOOKS: tuple[Look, ...] = ("sim", "real")
HANDS: tuple[Hand, ...] = ("oracle", "steady")


def test_it_conforms() -> None:
    assert conform("demos", "tabletop:episodes=6")


def test_ids_go_round_the_tasks() -> None:
    demos = TabletopDemos(episodes=5, tasks="rotate+rearrange", seed=3)
    assert demos.ids() == [
        "tabletop/placement/rotate/000003",
        "tabletop/placement/rearrange/000003",
        "tabletop/placement/rotate/000004",
        "tabletop/placement/rearrange/000004",
        "tabletop/placement/rotate/000005",
    ]
    assert demos == copy.deepcopy(demos)


def test_a_task_may_come_several_times_in_a_round_each_time_with_a_seed_of_its_own() -> None:
    demos = TabletopDemos(episodes=7, tasks="rotate + rearrange*3", seed=3)
    ids = [id.removeprefix("tabletop/placement/") for id in demos.ids()]
    assert ids == [
        "rotate/000003",
        "rearrange/000003",
        "rearrange/000004",
        "rearrange/000005",
        "rotate/000004",
        "rearrange/000006",
        "rearrange/000007",
    ]
    assert demos.episode(demos.ids()[-1]).id == demos.ids()[-1]
    with pytest.raises(DataError, match="not an episode"):
        demos.episode("tabletop/placement/rearrange/000008")
    assert demos.fingerprint() != TabletopDemos(episodes=7, tasks="rotate+rearrange", seed=3).fingerprint()


def test_options_are_read_as_a_user_types_them() -> None:
    typed = plugins.make("demos", "tabletop:4,tasks=rotate+rearrange,suite=combinatorial")
    assert typed == TabletopDemos(4, "rotate+rearrange", "combinatorial")
    assert plugins.make("demos", plugins.choice_of("demos", typed)) == typed
    assert plugins.make("demos", "tabletop:tasks=[rotate, rearrange]").ids()[1].split("/")[2] == "rearrange"


def test_an_episode_is_the_experts_from_the_first_look_to_the_last() -> None:
    id = "tabletop/placement/follow_order/000000"
    episode = TabletopDemos(26).episode(id)
    assert (episode.id, episode.success, episode.length) == (id, True, 2)
    assert len(episode.steps) == 3
    assert episode.steps[-1].action is None
    simulator = Tabletop()
    instruction, observation = simulator.reset(Task("follow_order", "placement"), 0)
    assert instruction.text == episode.instruction.text
    assert observation.images["front"].digest == episode.steps[0].observation.images["front"].digest
    simulator.step(episode.action(0))
    assert simulator.step(episode.action(1)).success


def test_the_other_look_gives_other_ids_for_the_same_actions_on_other_pictures() -> None:
    sim, real = (TabletopDemos(4, suite="real", look=look) for look in LOOKS)
    assert sim.ids()[0] == "tabletop/real/target_object/000000"
    assert real.ids()[0] == "tabletop-real/real/target_object/000000"
    assert sim.fingerprint() != real.fingerprint()
    one, two = sim.episode(sim.ids()[0]), real.episode(real.ids()[0])
    assert np.array_equal(one.action(0), two.action(0))
    assert one.robot == two.robot
    assert one.steps[0].observation.images["front"].digest != two.steps[0].observation.images["front"].digest
    simulator = Tabletop("real")
    _, first = simulator.reset(Task("target_object", "real"), 0)
    last = simulator.step(two.action(0)).observation
    for step, seen in zip(two.steps, (first, last), strict=True):  # in play the pictures are those that are learned
        assert step.observation.images["front"].digest == seen.images["front"].digest


def test_the_same_id_is_the_same_episode_whatever_else_was_asked_for() -> None:
    id = "tabletop/placement/rotate/000001"
    one = TabletopDemos(800).episode(id)
    two = TabletopDemos(2, tasks=("rotate",)).episode(id)
    assert np.array_equal(one.action(0), two.action(0))


def test_a_level_leaves_out_the_tasks_it_does_not_have() -> None:
    ids = TabletopDemos(10, suite="novel_object").ids()
    assert not [id for id in ids if "sweep" in id]
    with pytest.raises(ConfigError, match="none of the tasks sweep_without_exceeding"):
        TabletopDemos(tasks="sweep_without_exceeding", suite="novel_object")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": "rotat"}, "did you mean 'rotate'"),
        ({"suite": "placement2"}, "did you mean 'placement'"),
        ({"episodes": 0}, "at least one"),
        ({"seed": 99_999}, "apart from those of evaluations"),
        ({"seed": -1}, "seeds 0 to"),
        ({"tasks": "rotate*often"}, "as rotate\\*3"),
        ({"tasks": ()}, "no task of the tabletop is chosen"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        plugins.load("demos", "tabletop")(**options)


@pytest.mark.parametrize(
    "id",
    [
        "tabletop/placement/rotate/000002",
        "tabletop/placement/rotate/1",
        "tabletop/combinatorial/rotate/000000",
        "nonsense",
    ],
)
def test_a_foreign_id_is_refused(id: str) -> None:
    with pytest.raises(DataError, match="not an episode of these demonstrations"):
        TabletopDemos(2, tasks="rotate").episode(id)


def test_the_fingerprint_tells_other_options_apart() -> None:
    assert TabletopDemos(4).fingerprint() == TabletopDemos(4).fingerprint()
    prints = {TabletopDemos(4).fingerprint(), TabletopDemos(5).fingerprint(), TabletopDemos(4, seed=1).fingerprint()}
    prints |= {TabletopDemos(4, "rotate").fingerprint(), TabletopDemos(4, suite="combinatorial").fingerprint()}
    assert len(prints) == 5


def test_a_steady_hand_picks_well_inside_and_turns_only_what_is_to_be_turned() -> None:
    tasks = "rotate+visual_manipulation+rearrange+same_shape"
    anywhere, steady = (TabletopDemos(16, tasks, hand=hand) for hand in HANDS)
    assert steady.ids()[0] == "tabletop-steady/placement/rotate/000000"
    assert steady.fingerprint() != anywhere.fingerprint()
    for one, other in zip(anywhere.ids(), steady.ids(), strict=True):
        episode = steady.episode(other)
        first = episode.steps[0].observation
        assert first.images["front"].digest == anywhere.episode(one).steps[0].observation.images["front"].digest
        turns = [abs(episode.action(t)[5]) > 0 for t in range(episode.length)]
        assert all(turns) if "/rotate/" in other else not any(turns)
        np.testing.assert_array_equal(episode.action(0), steady.episode(other).action(0))
        ids = first.segmentation["top"]
        x, y = episode.action(0)[:2]
        row = int(np.abs(TOP.rows_to_x(np.arange(float(ids.shape[0]))) - x).argmin())
        column = int(np.abs(TOP.columns_to_y(np.arange(float(ids.shape[1]))) - y).argmin())
        around = ids[row - 1 : row + 2, column - 1 : column + 2]
        assert (around == ids[row, column]).all()
        assert ids[row, column] in {thing.id for thing in first.objects}
