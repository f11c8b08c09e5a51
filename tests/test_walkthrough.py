"""The demo walks the whole road, with a small model of any family of transformers through the same code."""

from pathlib import Path

import pytest

from instar.rollout import Outcome
from instar.train import Lora
from instar.walkthrough import DemoConfig, walk

FAMILIES = ("llava", "qwen2_5_vl", "smolvlm", "paligemma")


@pytest.mark.parametrize("family", FAMILIES)
def test_walks_the_road_with_adapters_on_any_family(family: str, tmp_path: Path) -> None:
    config = DemoConfig(
        out=tmp_path,
        tasks="rotate * 3 + visual_manipulation",
        demonstrations=4,
        recipe="llara:multi=false",  # what an untrained model says is as long as it may be
        model=f"tiny:{family}",
        lora=Lora(rank=4),
        steps=2,
        batch=2,
        episodes=1,
    )
    summary = walk(config)
    names = [run.name for run in summary.runs]
    assert names == ["expert", "trained", "untrained", "random"]
    assert summary.runs[0].summary.overall.successes == 2
    for run in summary.runs:
        assert len(run.records) == 2
        assert not {record.outcome for record in run.records} & {Outcome.CRASHED, Outcome.UNREADABLE}
    assert summary.report.stat().st_size > 10_000
