"""Lists of episodes: repetitions and overlaps are told, used once, or repeated under names of their own."""

import json
import logging
from pathlib import Path

import pytest

from instar.build import BuildConfig, BuildSummary, build
from instar.demos.vima import Vima
from instar.demos.vima.subset import read_subset, spelt
from instar.inspection import InspectConfig, inspect
from instar.samples import Samples
from tests.vima_layout import write_vima

ROTATE, SWEEP, REARRANGE = (f"vima_v6/{task}/000000" for task in ("rotate", "sweep_without_exceeding", "rearrange"))
TRAIN = [SWEEP, ROTATE, SWEEP, REARRANGE, SWEEP, ROTATE]


@pytest.fixture
def demos(tmp_path: Path) -> Path:
    """Three episodes of 1, 2 and 3 steps."""
    return write_vima(tmp_path / "vima", episodes=3)


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of three episodes, of which two are repeated and one is in the other list as well."""
    path = tmp_path / "subset.json"
    path.write_text(json.dumps({"train": TRAIN, "val": [REARRANGE, "vima_v6/twist/000007"]}))
    return path


def built(demos: str, out: Path) -> BuildSummary:
    return build(BuildConfig(demos, out, workers=1))


def test_counts_entries_and_distinct_ones(listed: Path) -> None:
    subset = read_subset(listed, "train")
    assert (len(subset.keys), len(subset.times)) == (6, 3)
    assert dict(subset.times) == {SWEEP: 3, ROTATE: 2, REARRANGE: 1}


def test_says_what_is_repeated_and_what_is_in_two_lists(listed: Path) -> None:
    repeated, shared = read_subset(listed, "train").remarks()
    assert "3 of the 6 entries" in repeated
    assert f"2 episodes, first {SWEEP}" in repeated
    assert f"1 episodes of its list 'train' are in 'val' as well, first {REARRANGE}" in shared


def test_has_nothing_to_say_about_a_plain_list(demos: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.json").write_text(json.dumps([SWEEP, ROTATE]))
    assert Vima(demos, subset=tmp_path / "plain.json").remarks() == ()
    assert Vima(demos).remarks() == ()


def test_says_which_listed_episodes_are_not_there(demos: Path, listed: Path) -> None:
    *_, told = Vima(demos, subset=listed, split="val").remarks()
    assert "1 of the episodes" in told
    assert told.endswith("first vima_v6/twist/000007")


def test_a_build_uses_repeated_episodes_once_and_tells(
    demos: Path, listed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        summary = built(f"vima:{demos},subset={listed}", tmp_path / "samples")
    assert summary.counts["llara"] == 1 + 2 + 3
    assert len(summary.notes) == 2
    assert [record.getMessage() for record in caplog.records] == list(summary.notes)
    assert Samples.open(tmp_path / "samples").manifest.notes == summary.notes
    tables = inspect(InspectConfig(str(tmp_path / "samples"))).to_json()["tables"]
    assert [row["note"] for row in tables["notes"]] == list(summary.notes)
    Samples.open(tmp_path / "samples").verify()


def test_a_build_may_repeat_what_is_listed_again(demos: Path, listed: Path, tmp_path: Path) -> None:
    source = Vima(demos, subset=listed, duplicates="repeat")
    assert source.ids() == [REARRANGE, ROTATE, f"{ROTATE}~2", SWEEP, f"{SWEEP}~2", f"{SWEEP}~3"]
    summary = built(f"vima:{demos},subset={listed},duplicates=repeat", tmp_path / "samples")
    assert summary.counts["llara"] == 2 * 1 + 3 * 2 + 1 * 3
    samples = [sample for row in Samples.open(tmp_path / "samples") for sample in row.samples]
    assert len({sample.id for sample in samples}) == len(samples)
    twice = {sample.id: sample for sample in samples}
    first, again = twice[f"{ROTATE}/0/llara"], twice[f"{ROTATE}~2/0/llara"]
    assert first.conversation.turns == again.conversation.turns
    assert first.shows == again.shows, "the copies are of the same pictures"


def test_of_two_roots_the_one_that_is_named_is_meant() -> None:
    there = ["a/rotate/000000", "b/rotate/000000"]
    assert spelt(["a/rotate/000000", "b/rotate/000000"], there) == there
    assert spelt(["elsewhere/rotate/000000"], there[:1]) == there[:1]
