"""The door to our own files keeps what was written whole."""

import errno
import os
from pathlib import Path

import pytest

from instar import files
from instar.errors import DataError


def test_reads_back_json(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": {"ü": "x"}}
    files.write_json(tmp_path / "deep" / "x.json", value)
    assert files.read_json(tmp_path / "deep" / "x.json") == value


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, 1)
    with pytest.raises(ZeroDivisionError), files.atomic(path) as temporary:
        temporary.write_text(str(1 / 0))
    assert files.read_json(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'{"a": "\xe9"}', "not UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "4300 digits"),
        (b'{"a": ', "not JSON at line 1"),
    ],
)
def test_json_that_cannot_be_read_is_named(data: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(data)
    with pytest.raises(DataError, match=rf"x\.json: .*{told}"):
        files.read_json(tmp_path / "x.json")


def test_yaml_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: \xe9\xff")
    with pytest.raises(DataError, match=r"x\.yaml: not UTF-8 text"):
        files.read_yaml(tmp_path / "x.yaml")


def test_what_killed_processes_left_is_swept_away_and_what_living_ones_write_is_not(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    dead, living = tmp_path / "deep/.a.png.99999999.tmp", tmp_path / f".b.json.{os.getppid()}.tmp"
    kept = tmp_path / "deep/a.tmp"
    for path in (dead, living, kept):
        path.write_text("half")
    files.sweep(tmp_path)
    assert (dead.exists(), living.exists(), kept.exists()) == (False, True, True)


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, 1)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="disk full"):
        files.write_json(path, 2)
    assert files.read_json(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_rows_survive_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    files.append_jsonl(path, {"n": 1})
    with path.open("a") as file:
        file.write('{"n": 2, "half')
    assert files.read_jsonl(path) == [{"n": 1}]
    files.append_jsonl(path, {"n": 3})
    assert files.read_jsonl(path) == [{"n": 1}, {"n": 3}]


def test_a_row_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    files.append_jsonl(path, {"n": 1})
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:3]))
    with pytest.raises(DataError, match="disk full"):
        files.append_jsonl(path, {"n": 2})
    assert files.read_jsonl(path) == [{"n": 1}]
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize(("name", "text"), [("x.json", "{"), ("x.yaml", "a: [")])
def test_damage_is_named(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    read = files.read_json if name.endswith("json") else files.read_yaml
    with pytest.raises(DataError, match=name):
        read(path)
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path / "absent")


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert files.digest({"a": 1, "b": 2}) == files.digest({"b": 2, "a": 1})
    assert files.digest({"a": 1}) != files.digest({"a": 2})
