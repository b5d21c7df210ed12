import pytest

from laban_dashboard.presentation.cells import safe_rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=cmd|"/c calc"!A1'])
def test_a_name_is_no_formula_in_a_spreadsheet(text: str) -> None:
    shown = text.replace("\t", " ").replace("\r", " ")
    assert safe_rows([{"name": text, "calls": -1}]) == [{"name": f"'{shown}", "calls": -1}]


def test_a_name_is_one_short_line_without_control_characters() -> None:
    [row] = safe_rows([{"name": f"a\x1b\u202eb{'x' * 5000}"}])
    assert str(row["name"]).startswith("a\\x1b\\u202ebxxx")
    assert len(str(row["name"])) < 250


def test_other_values_stay() -> None:
    rows = [{"name": "GET /orders", "calls": 1, "p50": None, "trend": [-1.0], "empty": ""}]
    assert safe_rows(rows) == rows
