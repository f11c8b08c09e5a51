"""Plain text in Markdown stays plain text."""

from hypothesis import given
from hypothesis import strategies as st

from instar.reporting.markdown import CELL, cell, table


@given(st.text())
def test_a_cell_is_one_short_line_without_live_markup(text: str) -> None:
    written = cell(text)
    assert "\n" not in written
    bare = written.replace("\\\\", "")
    for sign in "|<>`*[]":
        assert sign not in bare.replace(f"\\{sign}", "")


def test_nobody_is_notified_by_what_a_model_says() -> None:
    assert "@somebody" not in cell("ask @somebody about #12")
    assert "#12" not in cell("ask @somebody about #12")


def test_long_text_is_cut() -> None:
    assert len(cell("x" * 1000)) == CELL


def test_every_row_of_a_table_has_every_cell() -> None:
    lines = list(table(["a|b", "c"], [["1|2", 3], ["", "x\ny"]]))
    assert lines == [r"| a\|b | c |", "| --- | --- |", r"| 1\|2 | 3 |", "|  | x y |"]
