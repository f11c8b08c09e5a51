"""A policy as it is released acts as the checkpoint does, at half its size, and is found by its name."""

from pathlib import Path

import pytest

from instar import shipped
from instar.checkpoint import checkpoint_folder, load_policy, read_card
from instar.errors import PluginError
from instar.evaluate import EvaluateConfig, identity, make_policy
from instar.policy import VlmPolicy
from instar.train import fresh_checkpoint
from studies.release import halved, release
from tests.toy import toy_episode
from tests.training.lessons import lessons


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained toy LLaVA with a card."""
    samples = lessons(tmp_path_factory.mktemp("samples"), episodes=2)
    return fresh_checkpoint("tiny:llava,layers=1", samples, tmp_path_factory.mktemp("fresh")).checkpoint


@pytest.fixture
def folder(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a policy called imago that comes with instar; the user is elsewhere."""
    monkeypatch.setattr(shipped, "MODELS", tmp_path / "models")
    (tmp_path / "user").mkdir()
    monkeypatch.chdir(tmp_path / "user")
    released = tmp_path / "models" / "imago"
    release(halved(checkpoint, tmp_path / "imago"), released, "# imago\n\nA policy that turns things.\n")
    return released


def test_it_is_half_as_large_and_has_a_name_and_a_card(checkpoint: Path, folder: Path) -> None:
    sizes = [(place / "model.safetensors").stat().st_size for place in (checkpoint, folder)]
    assert sizes[1] < 0.6 * sizes[0]
    card = read_card(folder)
    assert (card.name, card.base.path) == ("imago", "")
    assert shipped.summary("imago") == "A policy that turns things."


def test_it_acts_as_before(checkpoint: Path, folder: Path) -> None:
    replies = [
        load_policy(place, device="cpu").act([toy_episode().context(0, 0)])[0].reply for place in (checkpoint, folder)
    ]
    assert replies[0] == replies[1]


def test_what_was_made_stays(checkpoint: Path, tmp_path: Path) -> None:
    made = halved(checkpoint, tmp_path / "small")
    before = (made / "model.safetensors").stat().st_mtime_ns
    assert halved(checkpoint, made) == made
    assert (made / "model.safetensors").stat().st_mtime_ns == before


@pytest.mark.usefixtures("folder")
def test_evaluation_finds_it_by_its_name(tmp_path: Path) -> None:
    policy = make_policy(EvaluateConfig("imago", tmp_path / "run", device="cpu"))
    assert isinstance(policy, VlmPolicy)
    assert policy.name == "imago"
    assert identity("imago")["kind"] == "checkpoint"


def test_a_folder_of_the_users_comes_first(checkpoint: Path, folder: Path) -> None:
    assert checkpoint_folder("imago") == folder
    Path("imago").symlink_to(checkpoint)
    assert checkpoint_folder("imago") == Path("imago")


def test_a_model_that_cannot_act_is_no_policy(folder: Path) -> None:
    (folder / "card.json").unlink()
    assert checkpoint_folder("imago") is None
    with pytest.raises(PluginError, match="imago"):
        identity("imago")
