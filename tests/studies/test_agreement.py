"""The comparison of the tabletop with recorded episodes."""

import copy
from pathlib import Path

import pytest

from instar.simulator import Task
from instar.simulators.tabletop.scenes import read_scene, read_scenes
from studies.agreement import Findings, cases, examine, report, share
from studies.pages import write_section
from tests.simulators.tabletop.measured import FILE, needs_measurements
from tests.simulators.tabletop.recording import recorded

PUT = Task("visual_manipulation", "placement", 3)


def test_our_own_episodes_agree_with_themselves() -> None:
    episodes = [recorded(PUT, 3), recorded(Task("sweep_without_exceeding", "placement", 8), 3, {"det": "all"})]
    findings = [examine(read_scene(value), "ours") for value in episodes]
    for column in ("boxes within 2 px", "verdicts equal", "moved things within 5 mm", "boxes after replay"):
        assert cases(findings, column)
        assert share(cases(findings, column)) == 1.0
    assert len(cases(findings, "suction episodes won")) == 1


def test_another_world_is_told_from_ours() -> None:
    value = copy.deepcopy(recorded(PUT, 3))
    end = value["frames"][-1][1]
    end[1] += 0.02
    end[6][0] += 5
    value["flags"] = [[False, True]]
    findings = [examine(read_scene(value), "theirs")]
    assert [case.agrees for case in cases(findings, "moved things within 5 mm")] == [False]
    assert [case.agrees for case in cases(findings, "verdicts equal")] == [False]
    assert next(case.off for case in cases(findings, "boxes within 2 px") if not case.agrees) >= 3
    assert cases(findings, "suction episodes won") == []
    assert "20 mm away" in report(findings)


def test_a_section_of_a_page_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    for text in ("first", "second"):
        write_section(page, "one", text)
        write_section(page, "two", f"also {text}")
    assert page.read_text(encoding="utf-8").count("<!-- one -->") == 1
    assert "second" in page.read_text(encoding="utf-8").split("<!-- two -->")[0]
    assert "first" not in page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def measured() -> list[Findings]:
    """All recorded scenes, examined."""
    return [examine(scene, f"scene {k}") for k, scene in enumerate(read_scenes(FILE))]


@needs_measurements
@pytest.mark.parametrize(
    ("column", "least", "count"),
    [
        ("boxes within 2 px", 0.99, 1260),
        ("verdicts equal", 0.99, 104),
        ("moved things within 5 mm", 0.92, 110),
        ("all loose things within 5 mm", 0.95, 280),
        ("boxes after replay", 0.96, 810),
        ("suction episodes won", 1.0, 55),
    ],
)
def test_the_table_is_vima_bench_without_physics(
    measured: list[Findings], column: str, least: float, count: int
) -> None:
    found = cases(measured, column)
    assert len(found) >= count
    assert share(found) >= least


@needs_measurements
def test_every_pair_of_partition_and_task_is_there(measured: list[Findings]) -> None:
    assert len({found.scene.name for found in measured}) == 55
    assert "**all 55 pairs**" in report(measured)
