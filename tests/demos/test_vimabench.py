"""Demonstrations that VIMA-Bench's own oracle plays, here in the stand-in of its checkout."""

import copy
import sys
from pathlib import Path

import pytest

from instar import plugins
from instar.collect import CollectConfig, collect_demos
from instar.demos.vimabench import VimaBenchDemos
from instar.errors import ConfigError, DataError
from instar.testing import conform
from tests.simulators.vima import stand_in


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blocks on a table."""
    return stand_in.write_checkout(tmp_path_factory.mktemp("checkout"))


def _demos(checkout: Path, episodes: int = 3, tasks: str = "rotate+twist", seed: int = 7) -> VimaBenchDemos:
    return VimaBenchDemos(episodes, tasks, seed=seed, python=sys.executable, checkout=str(checkout))


def test_it_conforms(checkout: Path) -> None:
    told = f"episodes=4,tasks=rotate+twist,python={sys.executable},checkout={checkout}"
    assert conform("demos", f"vimabench:{told}")


def test_ids_go_round_the_tasks_of_the_level(checkout: Path) -> None:
    demos = _demos(checkout)
    ids = ["vimabench/train/rotate/000007", "vimabench/train/twist/000007", "vimabench/train/rotate/000008"]
    assert demos.ids() == ids
    assert demos == copy.deepcopy(demos)
    assert len(_demos(checkout, 13, "").ids()) == len({id.split("/")[2] for id in _demos(checkout, 13, "").ids()})


def test_where_it_is_installed_makes_no_other_demonstrations(checkout: Path, tmp_path: Path) -> None:
    other = stand_in.write_checkout(tmp_path / "elsewhere")
    assert _demos(checkout).fingerprint() == _demos(other).fingerprint()
    assert _demos(checkout).fingerprint() != _demos(checkout, seed=8).fingerprint()


def test_an_episode_is_the_oracles_to_success(checkout: Path) -> None:
    episode = _demos(checkout).episode("vimabench/train/twist/000007")
    assert (episode.success, episode.length) == (True, 1)
    assert episode.steps[-1].action is None


def test_what_the_oracle_does_not_solve_is_no_demonstration(checkout: Path) -> None:
    demos = _demos(checkout, tasks="rotate", seed=stand_in.LOSES)
    with pytest.raises(DataError, match="did not solve this seed"):
        demos.episode(demos.ids()[0])


def test_foreign_ids_and_unknown_levels_are_refused(checkout: Path) -> None:
    with pytest.raises(DataError, match="not an episode of these demonstrations; the first is vimabench/train/rotate"):
        _demos(checkout).episode("vimabench/train/twist/000008")
    with pytest.raises(ConfigError, match="did you mean 'train'"):
        VimaBenchDemos(suite="trian", python=sys.executable, checkout=str(checkout))
    with pytest.raises(ConfigError, match="none of the tasks"):
        VimaBenchDemos(tasks="same_texture", python=sys.executable, checkout=str(checkout))


def test_they_are_collected_as_raw_episodes(checkout: Path, tmp_path: Path) -> None:
    told = f"vimabench:episodes=2,tasks=rotate,python={sys.executable},checkout={checkout}"
    summary = collect_demos(CollectConfig(told, tmp_path / "raw", workers=1))
    assert summary.episodes == 2
    assert len(plugins.make("demos", f"vima:{tmp_path / 'raw'}").ids()) == 2
