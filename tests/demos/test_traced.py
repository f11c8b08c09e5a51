"""Demonstrations with the traces that were found in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from instar import plugins
from instar.build import BuildConfig, build
from instar.demo import DemoSource
from instar.errors import DataError, MismatchError
from instar.plugins import Choice
from instar.samples import Samples
from instar.seeing.track import Track, quality
from instar.seeing.track_file import FORMAT, Seen, TraceFacts, TraceRun, with_traces, write_tracks
from instar.testing import conform
from tests.demos.rlds import made

POINTS = np.array([[1.0, 2.0], [3.0, 4.0], [np.nan, np.nan], [np.nan, np.nan]])


def trace(demos: str, path: Path, ids: list[str]) -> str:
    """Traces of some episodes of four frames, and the choice of the demonstrations with them."""
    source: DemoSource = plugins.make("demos", demos)
    tracks = [Seen(id, POINTS + k, POINTS[:, 0] / 10, np.zeros(4, np.bool_)) for k, id in enumerate(ids)]
    tracks.append(Seen("train/000003", np.full((4, 2), np.nan), np.full(4, np.nan), np.zeros(4, np.bool_)))
    run = TraceRun(Choice.parse(demos).to_json(), source.fingerprint(), None, {}, "eye", 0.5, "hand", "image_0", None)
    found = quality(Track(one.episode, one.points, one.points) for one in tracks)
    write_tracks(path, TraceFacts(FORMAT, "0", run, 8, 12, 1.2, 0, found, {"train/000009": "cut off"}), tracks)
    return f"traced:{path}"


@pytest.fixture
def demos(tmp_path: Path) -> str:
    return f"rlds:{made.dataset(tmp_path, [[made.episode(k, 4) for k in range(5)]])}"


def test_the_episodes_that_were_traced_have_their_traces(demos: str, tmp_path: Path) -> None:
    chosen = trace(demos, tmp_path / "traces.parquet", ["train/000001", "train/000002"])
    source: DemoSource = plugins.make("demos", chosen)
    assert source.ids() == ["train/000001", "train/000002", "train/000003"]
    steps = source.episode("train/000002").steps
    assert [step.observation.effector for step in steps] == [{"image_0": (2.0, 3.0)}, {"image_0": (4.0, 5.0)}, {}, {}]
    assert plugins.make("demos", chosen).remarks() == [
        "1 episodes could not be traced, first train/000009: cut off",
        "camera 'image_0' never shows the hand in 1 episodes, first train/000003",
    ]


def test_it_conforms(demos: str, tmp_path: Path) -> None:
    assert conform("demos", trace(demos, tmp_path / "traces.parquet", ["train/000000"]))


def test_its_fingerprint_is_of_both(demos: str, tmp_path: Path) -> None:
    path = tmp_path / "traces.parquet"
    before = plugins.make("demos", trace(demos, path, ["train/000001"])).fingerprint()
    assert plugins.make("demos", trace(demos, path, ["train/000001"])).fingerprint() == before
    assert plugins.make("demos", trace(demos, path, ["train/000002"])).fingerprint() != before


def test_demonstrations_may_have_moved_but_not_be_others(demos: str, tmp_path: Path) -> None:
    chosen = trace(demos, tmp_path / "traces.parquet", ["train/000001"])
    home = tmp_path / "made"
    home.rename(tmp_path / "moved")
    moved = f'{chosen},demos="rlds:{tmp_path}/moved"'
    assert plugins.make("demos", moved).episode("train/000001").length == 4
    other = made.dataset(tmp_path, [[made.episode(7, 5)]], name="other")
    with pytest.raises(MismatchError, match="traces of other demonstrations"):
        plugins.make("demos", f'{chosen},demos="rlds:{other}"').ids()


def test_a_build_tells_the_traces(demos: str, tmp_path: Path) -> None:
    chosen = trace(demos, tmp_path / "traces.parquet", ["train/000001", "train/000002"])
    recipe = "llarva:camera=image_0,pixels=true"
    summary = build(BuildConfig(chosen, tmp_path / "samples", recipe, workers=1))
    assert summary.episodes == 2
    assert [left.id for left in summary.left_out] == ["train/000003"], "nobody saw its hand"
    assert "nobody saw the end effector" in summary.left_out[0].reason
    samples = Samples.open(tmp_path / "samples")
    answers = [samples.sample(number).conversation.turns[-1].text for number in range(8)]
    traces = [answer.splitlines()[0] for answer in answers]
    assert traces[:4] == ["The trace: [[1, 2], [3, 4]]", "The trace: [[3, 4]]", "The trace: []", "The trace: []"]
    assert traces[4:6] == ["The trace: [[2, 3], [4, 5]]", "The trace: [[4, 5]]"]


def test_two_cameras_are_two_files(demos: str, tmp_path: Path) -> None:
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    trace(demos, one, ["train/000001", "train/000002"])
    trace(demos, other, ["train/000002", "train/000004"])
    [chosen] = with_traces([demos], [one, other])
    source: DemoSource = plugins.make("demos", chosen)
    assert source.ids() == ["train/000002", "train/000003"]
    # Both are of the same camera here: what the later file says holds.
    assert source.episode("train/000002").steps[0].observation.effector == {"image_0": (1.0, 2.0)}
    assert conform("demos", chosen)


def test_a_build_takes_traces_beside_the_demonstrations(demos: str, tmp_path: Path) -> None:
    trace(demos, tmp_path / "traces.parquet", ["train/000001", "train/000002"])
    config = BuildConfig(demos, tmp_path / "out", recipe="llarva:history=1", workers=1)
    with pytest.raises(DataError, match="nobody saw the end effector"):
        build(config)
    summary = build(replace(config, out=tmp_path / "traced", traces=(tmp_path / "traces.parquet",)))
    assert (summary.episodes, summary.counts) == (2, {"llarva": 8})
