"""Rows of an episode, however the file was written: one group of rows an episode, one for all, or in no order."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from instar.demos.lerobot.rows import columns_of, episode_rows
from instar.errors import DataError

EPISODES = [0, 0, 1, 1, 1, 2]


def table(episodes: list[int]) -> pa.Table:
    """Rows that are numbered; one column's name is the beginning of another's."""
    steps = pa.array(range(len(episodes)), pa.int64())
    vectors = pa.array([[k, k + 0.5] for k in range(len(episodes))], pa.list_(pa.float32(), 2))
    return pa.table({"action": vectors, "action.torque": vectors, "index": steps, "episode_index": episodes})


@pytest.mark.parametrize("told", [["episode_index"], []], ids=["told", "untold"])
@pytest.mark.parametrize("size", [2, None])
def test_finds_them_in_any_grouping(tmp_path: Path, size: int | None, told: list[str]) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table(EPISODES), path, row_group_size=size, write_statistics=told)
    for episode, expected in ((1, [2, 3, 4]), (0, [0, 1]), (2, [5]), (3, [])):
        found = episode_rows(path, episode, ["action", "index"])
        assert found.column_names == ["action", "index"]
        assert found["index"].to_pylist() == expected
        assert found["action"].to_pylist() == [[k, k + 0.5] for k in expected]


def test_finds_them_where_episodes_are_mixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table([2, 0, 2, 1]), path)
    assert episode_rows(path, 2, ["index"])["index"].to_pylist() == [0, 2]


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(table([0, 0]), path)
    assert len(episode_rows(path, 0, ["index"])) == 2
    pq.write_table(table([0, 0, 0]).drop_columns(["action.torque"]), path)
    assert len(episode_rows(path, 0, ["index"])) == 3
    assert columns_of(path) == ["action", "index", "episode_index"]


def test_names_a_file_without_episodes(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"index": [1]}), path)
    with pytest.raises(DataError, match=r"rows\.parquet: no column episode_index; there are: index"):
        episode_rows(path, 0, ["index"])
