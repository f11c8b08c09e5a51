"""Models that come with instar are found by name, and a folder of the user's comes first."""

from pathlib import Path

import pytest

from instar import shipped
from instar.errors import ConfigError
from instar.shipped import model_folder, names, policies, summary

README = """---
license: apache-2.0
---

# larva

A small model of 4.9 million weights
that sees. It does not act.

Nor does it hear.
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two models, one without a card, and a folder that is no model; the user is elsewhere."""
    models = tmp_path / "package"
    for name in ("larva", "pupa"):
        (models / name).mkdir(parents=True)
        (models / name / "config.json").write_text("{}")
    (models / "larva" / "README.md").write_text(README)
    (models / "__pycache__").mkdir()
    (tmp_path / "user").mkdir()
    monkeypatch.setattr(shipped, "MODELS", models)
    monkeypatch.chdir(tmp_path / "user")
    return models


def test_every_folder_with_a_model_has_a_name(models: Path) -> None:
    assert names() == ["larva", "pupa"]
    assert model_folder("pupa") == models / "pupa"


def test_a_policy_is_a_model_with_a_card_of_its_training(models: Path) -> None:
    assert policies() == []
    (models / "pupa" / "card.json").write_text("{}")
    assert policies() == ["pupa"]


@pytest.mark.usefixtures("models")
def test_the_card_says_what_a_model_is() -> None:
    assert summary("larva") == "A small model of 4.9 million weights that sees."
    assert summary("pupa") == ""


def test_a_folder_of_the_users_comes_first(models: Path) -> None:
    Path("larva").mkdir()
    assert model_folder("larva") == Path("larva")
    assert model_folder(str(models)) == models


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("lava", r"model lava is no folder.*did you mean 'larva'\?"),
        (
            "nowhere/vlm",
            r"no folder of a downloaded checkpoint, and none of this name comes with instar; there are: larva, pupa",
        ),
        ("../package/larva/config.json", "is no folder"),
    ],
)
@pytest.mark.usefixtures("models")
def test_what_is_neither_is_refused(model: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model_folder(model)


def test_a_package_without_models_has_no_names(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "MODELS", models / "nowhere")
    assert names() == []
    with pytest.raises(
        ConfigError,
        match="no folder of a downloaded checkpoint, and none of this name comes with instar; there are: none",
    ):
        model_folder("larva")


def test_what_is_in_the_package_can_be_loaded() -> None:
    for name in names():
        assert {"config.json", "model.safetensors", "README.md"} <= {path.name for path in model_folder(name).iterdir()}
        assert summary(name)
