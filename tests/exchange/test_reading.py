"""Long lists, read entry by entry: the same values as json, wherever the pieces are cut."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from instar.errors import DataError
from instar.exchange import reading
from instar.exchange.reading import elements

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(st.dictionaries(st.text(max_size=9), VALUES, max_size=4), max_size=6),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
)
def test_reads_what_json_reads(
    values: list[Any], chunk: int, indent: int | None, *, ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "list.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=ascii_only), encoding="utf-8", errors="replace")
    whole = json.loads(path.read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", chunk)
        found = list(elements(path))
    assert [element.value for element in found] == whole
    assert [element.number for element in found] == list(range(len(whole)))
    data = path.read_bytes()
    for element in found:
        assert json.loads(data[element.offset : element.offset + element.length]) == element.value


def test_reads_a_list_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_bytes(b'\xef\xbb\xbf [ {"a": 1} ]\n')
    (only,) = elements(tmp_path / "list.json")
    assert (only.value, only.offset, only.length) == ({"a": 1}, 6, 8)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}', "should be a JSON list of conversations, begins with '{'"),
        ("", "should be a JSON list of conversations, is empty"),
        ('[{"a": 1}, {"b": ]', "entry 1: not JSON: Expecting value"),
        ('[{"a": 1}, {"b": 2}', "a comma should follow entry 1, found the end"),
        ('[{"a": 1} {"b": 2}]', "a comma should follow entry 0, found '{'"),
        ('[{"a": 1}, {"b": "cut', "entry 1: not JSON"),
        ('[{"a": 1},]', "entry 1: not JSON"),
        ('[{"a": 1}] [{"b": 2}]', r"the list ends after entry 0, but more follows: '\['"),
        ("[] x", "the list ends, but more follows: 'x'"),
        ('{"a": 1}\n{"b": 2}', "of JSON lines make one list"),
        ("[" * 100_000, "entry 0: nested too deeply"),
        ('[{"a": ' + "9" * 5_000 + "}]", "entry 0: .*4300 digits"),
    ],
)
def test_says_which_entry_is_damaged(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(DataError, match=told):
        list(elements(tmp_path / "list.json"))


def test_refuses_what_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_bytes(b"[\xff\xfe]")
    with pytest.raises(DataError, match="not UTF-8"):
        list(elements(tmp_path / "list.json"))
    with pytest.raises(DataError, match="no such file"):
        list(elements(tmp_path / "absent.json"))
