from pathlib import Path

import pytest

from benchmarks import reading
from instar.demos.vima import Vima


def test_a_small_run_measures_every_part_without_real_data() -> None:
    found = reading.run("small")
    (comparison,) = found.comparisons
    assert [rate.name for rate in comparison.rates] == ["the plain way", "instar"]
    facts = {fact.what: fact for fact in found.facts}
    assert facts["boxes"].value > 0
    assert facts["boxes that differ between the two ways"].met
    assert all(fact.value > 0 for fact in found.facts if fact.unit in {"ms an episode", "MiB", "times"})


@pytest.mark.skipif(not reading.SAMPLE.exists(), reason="the sample of VIMA-Data is not beside the repository")
def test_a_thousand_episodes_need_no_more_memory_than_fifty(tmp_path: Path) -> None:
    raw = reading.Raw(reading.SAMPLE, Vima(reading.SAMPLE).ids())
    few, many = (reading.peak(raw, tmp_path, count) for count in (50, 1_000))
    assert many < few + 4  # MiB; the arrays of one episode are about one, those of a thousand a gigabyte
