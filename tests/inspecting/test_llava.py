"""What `instar inspect` says of conversations in LLaVA's style: exported by us, or anybody's."""

import json
from pathlib import Path

import pytest

from instar.errors import DataError
from instar.exchange.export import RECORD, ExportConfig, export
from instar.files import write_json
from instar.inspecting.description import Description
from instar.inspection import InspectConfig, inspect
from tests.exchange.folders import toy_samples


def look(what: Path) -> Description:
    return inspect(InspectConfig(str(what)))


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with one file for each kind of the toy samples, and one of a mixture."""
    samples = toy_samples(tmp_path / "samples").folder
    export(ExportConfig(samples, tmp_path / "llava"))
    export(ExportConfig(samples, tmp_path / "llava", mixture="obj_det=1", split="mixed"))
    return tmp_path / "llava"


def test_an_export_shows_what_its_files_are_of_and_how_each_begins(exported: Path) -> None:
    found = look(exported)
    shown = found.to_json()
    names = {path.name for path in exported.glob("*.json")} - {RECORD}
    assert (found.kind, found.name, found.whole) == ("llava", "llava", True)
    assert {row["file"] for row in shown["tables"]["files"]} == names
    for row in shown["tables"]["files"]:
        assert row["conversations"] == len(json.loads((exported / str(row["file"])).read_text()))
        assert row["mixture"] == ("obj_det=1" if "mixed" in str(row["file"]) else None)
    assert shown["facts"]["pictures"] == sum(path.is_file() for path in (exported / "images").rglob("*"))
    assert {example.title.partition(": ")[0] for example in found.examples} == names
    assert all(example.lines[-1].learn for example in found.examples)


def test_an_export_that_was_interrupted_is_not_whole(exported: Path) -> None:
    record = json.loads((exported / RECORD).read_text())
    name = min(record["files"])
    record["files"][name]["whole"] = False
    write_json(exported / RECORD, record)
    (exported / name).unlink()
    found = look(exported)
    assert not found.whole
    assert not [example for example in found.examples if example.title.startswith(name)]


def test_a_file_of_conversations_is_counted_by_kind(tmp_path: Path) -> None:
    turns = [{"from": "human", "value": "<image>\nWhere?"}, {"from": "gpt", "value": "There."}]
    again = [{"from": "human", "value": "Sure?"}, {"from": "gpt", "value": "Yes."}]
    entries = [
        {"id": "mine_0", "image": "a.png", "conversations": turns},
        {"id": "mine_1", "image": "b.png", "conversations": [*turns, *again]},
        {"id": "obj_det/x", "image": "a.png", "conversations": turns},
    ]
    write_json(tmp_path / "talk.json", entries)
    found = look(tmp_path / "talk.json")
    facts = dict(found.facts)
    assert (facts["conversations"], facts["answers"], facts["pictures"]) == (3, 4, 2)
    assert [row[:2] for row in found.tables[0].rows] == [("obj_det", 1), ("talk", 2)]
    assert [example.title for example in found.examples] == ["talk: mine_0", "obj_det: obj_det/x"]


def test_a_malformed_entry_is_named(tmp_path: Path) -> None:
    write_json(tmp_path / "talk.json", [{"id": "a", "conversations": []}])
    with pytest.raises(DataError, match=r"talk.json: entry 0 \(id 'a'\): conversations should be a list of turns"):
        look(tmp_path / "talk.json")
