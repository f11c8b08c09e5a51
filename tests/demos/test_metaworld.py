"""Demonstrations that Meta-World's scripted policies play, here in the stand-in of its interpreter."""

import copy
from pathlib import Path

import pytest

from instar import plugins
from instar.build import BuildConfig, build
from instar.demos.metaworld import MetaWorldDemos
from instar.errors import ConfigError, DataError
from instar.samples import Samples
from instar.testing import conform
from tests.simulators.metaworld.stand_in import write_interpreter


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A hand that goes to a goal."""
    return str(write_interpreter(tmp_path_factory.mktemp("interpreter")))


def _demos(python: str, episodes: int = 3, tasks: str = "reach-v3+push-v3", seed: int = 7) -> MetaWorldDemos:
    return MetaWorldDemos(python, episodes, tasks, seed, height=32, width=64)


def test_it_conforms(python: str) -> None:
    assert conform("demos", f"metaworld:python={python},episodes=4,tasks=reach-v3+push-v3,height=32,width=64")


def test_ids_go_round_the_tasks(python: str) -> None:
    demos = _demos(python)
    assert demos.ids() == ["metaworld/reach-v3/000007", "metaworld/push-v3/000007", "metaworld/reach-v3/000008"]
    assert demos == copy.deepcopy(demos)
    assert len({id.split("/")[1] for id in MetaWorldDemos(python).ids()}) == 50


def test_an_episode_is_the_experts_to_success_and_knows_where_the_hand_is_seen(python: str) -> None:
    episode = _demos(python).episode("metaworld/push-v3/000007")
    assert episode.success
    assert episode.steps[-1].action is None
    assert episode.instruction.text == "Push the puck to the goal."
    assert episode.robot.cameras[0].world_to_pixel is not None


def test_what_the_expert_does_not_solve_is_no_demonstration(python: str) -> None:
    demos = MetaWorldDemos(python, 1, "soccer-v3", repeat=250, height=32, width=64)
    with pytest.raises(DataError, match="did not solve this seed in 2 steps"):
        demos.episode(demos.ids()[0])


def test_how_it_is_seen_makes_other_demonstrations_and_where_it_is_installed_does_not(
    python: str, tmp_path: Path
) -> None:
    other = str(write_interpreter(tmp_path / "elsewhere"))
    assert _demos(python).fingerprint() == _demos(other).fingerprint()
    assert _demos(python).fingerprint() != MetaWorldDemos(python, 3, "reach-v3+push-v3", 7).fingerprint()


def test_foreign_ids_and_unknown_tasks_are_refused(python: str) -> None:
    with pytest.raises(DataError, match="not an episode of these demonstrations"):
        _demos(python).episode("metaworld/push-v3/000009")
    with pytest.raises(ConfigError, match="did you mean 'reach-v3'"):
        _demos(python, tasks="reach")


def test_samples_with_traces_are_built_of_them_by_several_workers(python: str, tmp_path: Path) -> None:
    told = f"metaworld:python={python},episodes=2,tasks=reach-v3,height=32,width=64"
    assert python not in str(plugins.portable("demos", plugins.make("demos", told)))
    build(BuildConfig(told, tmp_path / "samples", "llarva:camera=corner4", workers=2))
    conversation = Samples.open(tmp_path / "samples").conversation(0)
    assert "You control a Sawyer by end-effector control. The task is: Reach the goal." in conversation.turns[0].text
    assert conversation.turns[1].text.startswith("The trace: [[0.")
