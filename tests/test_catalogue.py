"""The list of what is installed teaches: every option says what it does, and what it is if nothing is said."""

from pathlib import Path

import pytest

from instar import plugins, shipped
from instar.catalogue import MODELS, Entry, ListConfig, catalogue

INSTALLED = [entry for kind in plugins.KINDS for entry in catalogue(ListConfig(kind))]


@pytest.mark.parametrize("entry", INSTALLED, ids=lambda entry: f"{entry.kind}/{entry.name}")
def test_every_plugin_and_each_of_its_options_is_explained(entry: Entry) -> None:
    assert entry.summary
    assert [option.name for option in entry.options if not option.help] == []


def test_defaults_are_shown_as_they_would_be_typed() -> None:
    (llara,) = (entry for entry in INSTALLED if (entry.kind, entry.name) == ("recipes", "llara"))
    shown = {option.name: option.default for option in llara.options}
    assert (shown["compat"], shown["past"], shown["camera"], shown["wording"]) == ("false", "8", "front", '""')
    (vima,) = (entry for entry in INSTALLED if (entry.kind, entry.name) == ("demos", "vima"))
    shown = {option.name: option.default for option in vima.options}
    assert (shown["path"], shown["subset"]) == ("required", "null")
    (tabletop,) = (entry for entry in INSTALLED if (entry.kind, entry.name) == ("benchmarks", "tabletop"))
    shown = {option.name: option.default for option in tabletop.options}
    assert shown["suites"] == "[placement,combinatorial,novel_object,novel_task]"


def test_one_kind_is_one_word_and_all_kinds_are_told_without_importing_any() -> None:
    assert {entry.kind for entry in catalogue(ListConfig())} <= {*plugins.KINDS, MODELS}
    assert all(not entry.options for entry in catalogue(ListConfig()))


def test_models_that_come_along_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "larva").mkdir()
    (tmp_path / "larva" / "config.json").write_text("{}")
    (tmp_path / "larva" / "README.md").write_text("# larva\n\nA small model that sees.\n")
    monkeypatch.setattr(shipped, "MODELS", tmp_path)
    assert catalogue(ListConfig(MODELS)) == [Entry(MODELS, "larva", "A small model that sees.")]
    assert catalogue(ListConfig())[-1] == Entry(MODELS, "larva", "")


def test_a_model_that_comes_along_and_acts_is_a_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("larva", "imago"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    (tmp_path / "imago" / "card.json").write_text("{}")
    monkeypatch.setattr(shipped, "MODELS", tmp_path)
    assert [entry.name for entry in catalogue(ListConfig("policies"))] == ["random", "imago"]
    assert Entry("policies", "imago", "") in catalogue(ListConfig())
