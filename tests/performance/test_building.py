from pathlib import Path

import pytest

from benchmarks import building


def test_a_small_run_measures_every_part_without_llara_or_real_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(building.CHECKOUT, raising=False)
    found = building.run("small")
    (processes,) = found.comparisons
    assert [rate.name for rate in processes.rates] == ["in one process", "with two workers"]
    facts = {fact.what: fact.value for fact in found.facts}
    assert facts["LLaRA's converter, eight sets, as measured elsewhere"] == building.PUBLISHED
    assert facts["samples of an episode, instar"] > 0
    assert all(value > 0 for what, value in facts.items() if what.startswith(("floor", "peak", "bytes")))


def test_episodes_are_listed_as_often_as_asked_for(tmp_path: Path) -> None:
    demos = building.Demos(tmp_path / "raw", ["vima_v6/rotate/000000", "vima_v6/rotate/000001"], tmp_path)
    listed = demos.listed(3)
    assert listed.startswith(f"vima:{tmp_path / 'raw'},subset=")
    assert (tmp_path / "listed-3.json").read_text().count("000001") == 3
