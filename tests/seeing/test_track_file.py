"""Traces on disk, and episodes that have them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from instar import plugins
from instar.errors import DataError, MismatchError
from instar.plugins import Choice
from instar.seeing.track import Track, quality
from instar.seeing.track_file import FORMAT, Seen, TraceFacts, TraceRun, Tracks, attach, with_traces, write_tracks
from instar.tracing import points
from tests.arm import FRONT, arm_episode
from tests.demos.rlds import made

NAN = float("nan")
RUN = TraceRun(
    {"name": "rlds", "options": {}}, "print", None, {"name": "detr", "options": {}}, "eye", 0.5, "hand", "front", None
)


def seen(id: str, places: list[tuple[float, float]], leaps: list[int] | None = None) -> Seen:
    """What was seen; a place of NaN is a gap."""
    at = np.array(places, np.float64).reshape(-1, 2)
    away = np.isin(np.arange(len(at)), leaps or [])
    return Seen(id, at, np.where(np.isnan(at[:, 0]), NAN, 0.75), away)


def written(path: Path, tracks: list[Seen], run: TraceRun = RUN) -> Tracks:
    found = quality(Track(one.episode, one.believed, np.full_like(one.points, NAN)) for one in tracks)
    facts = TraceFacts(FORMAT, "0", run, 128, 128, 12.8, 1, found, {"b/9": "cut off"})
    write_tracks(path, facts, tracks)
    return Tracks(path)


FOUND = [
    seen("made/0", [(10.5, 20.25), (NAN, NAN), (60.0, 60.0), (16.0, 20.0), (18.0, 20.0), (20.0, 20.0)], leaps=[2]),
    seen("made/1", [(NAN, NAN)] * 2),
    seen("made/2", []),
]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    tracks = written(tmp_path / "traces.parquet", FOUND)
    assert tracks.ids() == ["made/0", "made/1"]
    for one in FOUND[:2]:
        again = tracks.of(one.episode)
        np.testing.assert_array_equal(again.points, one.points)
        np.testing.assert_array_equal(again.scores, one.scores)
        np.testing.assert_array_equal(again.leaps, one.leaps)
    assert tracks.facts.run == RUN
    assert tracks.facts.quality.points == 4
    assert [path.name for path in tmp_path.iterdir()] == ["traces.parquet"]


def test_a_row_is_a_frame_that_others_can_read(tmp_path: Path) -> None:
    written(tmp_path / "traces.parquet", FOUND)
    rows = pq.read_table(tmp_path / "traces.parquet").to_pylist()
    assert rows[0] == {
        "episode": "made/0",
        "t": 0,
        "camera": "front",
        "u": 10.5,
        "v": 20.25,
        "score": 0.75,
        "gap": None,
    }
    assert rows[1] == {
        "episode": "made/0",
        "t": 1,
        "camera": "front",
        "u": None,
        "v": None,
        "score": None,
        "gap": "unseen",
    }
    assert (rows[2]["u"], rows[2]["gap"]) == (60.0, "leap"), "a leap keeps its numbers"
    assert len(rows) == 8


def test_many_episodes_are_written_in_few_groups(tmp_path: Path) -> None:
    many = [seen(f"made/{number}", [(float(number % 100), 5.0)] * 40) for number in range(6000)]
    tracks = written(tmp_path / "traces.parquet", many)
    assert pq.ParquetFile(tmp_path / "traces.parquet").metadata.num_row_groups == 3
    assert len(tracks.ids()) == 6000
    assert tracks.of("made/5999").points.tolist() == [[99.0, 5.0]] * 40


def test_an_episode_without_a_trace_says_why(tmp_path: Path) -> None:
    tracks = written(tmp_path / "traces.parquet", FOUND)
    with pytest.raises(DataError, match="no trace of episode made/7"):
        tracks.of("made/7")
    with pytest.raises(DataError, match="no trace of episode b/9: cut off"):
        tracks.of("b/9")


def test_episodes_get_what_was_believed(tmp_path: Path) -> None:
    one = attach(arm_episode(), written(tmp_path / "traces.parquet", FOUND))
    assert points(one, 0, FRONT) == [(10.5, 20.25), None, None, (16.0, 20.0), (18.0, 20.0), (20.0, 20.0)]
    assert [step.observation.effector for step in one.steps[2:4]] == [{}, {"front": (16.0, 20.0)}]
    assert one.steps[-1].observation.effector == {"front": (20.0, 20.0)}
    assert one.length == 6
    np.testing.assert_array_equal(one.action(3), arm_episode().action(3))
    assert one.steps[3].observation.images["front"].digest == arm_episode().steps[3].observation.images["front"].digest


def test_what_another_camera_saw_stays(tmp_path: Path) -> None:
    tracks = written(tmp_path / "traces.parquet", FOUND)
    one = arm_episode()
    knowing = [replace(step, observation=replace(step.observation, effector={"top": (1.0, 2.0)})) for step in one.steps]
    both = attach(replace(one, steps=knowing), tracks)
    assert both.steps[0].observation.effector == {"top": (1.0, 2.0), "front": (10.5, 20.25)}


def test_traces_of_something_else_are_refused(tmp_path: Path) -> None:
    tracks = written(tmp_path / "traces.parquet", FOUND)
    with pytest.raises(DataError, match=r"6 frames of episode made/0, which has 7; trace again"):
        attach(arm_episode(7), tracks)
    small = replace(arm_episode().robot, cameras=(replace(FRONT, width=64),))
    with pytest.raises(MismatchError, match=r"points in pictures of 128 x 128; those of camera 'front' are 64 x 128"):
        attach(replace(arm_episode(), robot=small), tracks)
    blind = replace(arm_episode().robot, cameras=())
    with pytest.raises(MismatchError, match="has no camera 'front'"):
        attach(replace(arm_episode(), robot=blind), tracks)


def test_damage_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        Tracks(tmp_path / "absent.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"torn\.parquet: damaged, or no traces"):
        Tracks(tmp_path / "torn.parquet")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"other\.parquet: a Parquet file, but no traces"):
        Tracks(tmp_path / "other.parquet")
    written(tmp_path / "later.parquet", FOUND)
    facts = replace(Tracks(tmp_path / "later.parquet").facts, format=99)
    write_tracks(tmp_path / "later.parquet", facts, FOUND)
    with pytest.raises(DataError, match="format 99, but this version reads format 1"):
        Tracks(tmp_path / "later.parquet")


def test_demonstrations_are_chosen_with_the_traces_that_are_of_them(tmp_path: Path) -> None:
    one, other = (f"rlds:{made.dataset(tmp_path, [[made.episode(k, 3)]], name=f'set{k}')}" for k in range(2))
    run = replace(RUN, demos=Choice.parse(other).to_json(), fingerprint=plugins.make("demos", other).fingerprint())
    path = tmp_path / "an odd, name.parquet"
    written(path, FOUND, run)
    first, second = with_traces([one, other], [path])
    assert first == one
    chosen = plugins.make("demos", second)
    assert (chosen.traces, chosen.demos) == ((path,), other)
    assert with_traces([one], []) == (one,)
    with pytest.raises(MismatchError, match=r"traces of other demonstrations: rlds:.*name those"):
        with_traces([one], [path])
