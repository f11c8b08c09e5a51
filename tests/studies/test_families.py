"""The study of one policy for every family, and that of the same policy on VIMA-Bench."""

from collections.abc import Iterator
from pathlib import Path

from instar.progress import silent
from instar.rollout import EpisodeRecord, Outcome
from instar.run import Run
from studies.families import Study, report, run
from studies.vima_bench import ALONE, WITH_REAL, summary


def _records(won: int) -> Iterator[EpisodeRecord]:
    for suite, task in (("placement", "rotate"), ("placement", "twist"), ("novel_object", "rotate")):
        for seed in range(10):
            outcome = Outcome.SUCCESS if seed < won else Outcome.FAILURE
            yield EpisodeRecord(f"{suite}/{task}/{seed}", suite, task, seed, outcome, 1)


def test_a_row_for_each_family_a_column_for_each_level() -> None:
    lines = report(tuple(_records(4))).splitlines()
    assert lines[2] == "| rotate | 4 of 10: 40.0 % (16.8 to 68.7) | - | 4 of 10: 40.0 % (16.8 to 68.7) |"
    assert lines[3].startswith("| twist | 4 of 10")
    assert lines[3].endswith("| - | - |")
    assert lines[4].startswith("| **all** | 8 of 20: 40.0 %")


def test_a_crash_of_the_simulator_is_told_and_not_counted() -> None:
    lost = EpisodeRecord("placement/rotate/9", "placement", "rotate", 9, Outcome.CRASHED, 1)
    assert "| 4 of 10, 1 crashed: 40.0 %" in report((*_records(4), lost)).splitlines()[2]


def test_what_is_published_stands_beside(tmp_path: Path) -> None:
    runs = {name: Run(tmp_path, {}, tuple(_records(won)), whole=True) for name, won in ((ALONE, 3), (WITH_REAL, 6))}
    lines = summary(runs).splitlines()
    assert lines[2].startswith("| instar, tabletop only | 6 of 20: 30.0 %")
    assert lines[3].startswith("| instar, and real episodes | 12 of 20: 60.0 %")
    assert lines[4] == "| LLaRA-7B | 90.0 | 88.1 | 79.2 |"


def test_it_teaches_and_plays_and_goes_on(tmp_path: Path) -> None:
    study = Study(tmp_path, "tiny:llava", "rotate", demonstrations=2, steps=1, batch=1, episodes=1)
    found = run(study, silent)
    assert {record.id.rpartition("/")[0] for record in found.records} == {
        "placement/rotate",
        "combinatorial/rotate",
        "novel_object/rotate",
    }
    told: list[str] = []
    run(study, lambda _done, _total, note: told.append(note))
    assert not [note for note in told if "rotate" in note], "nothing was played again"
