import pytest

from laban_dashboard.presentation.cells import safe_rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=cmd|"/c calc"!A1'])
def test_a_name_is_no_formula_in_a_spreadsheet(text: str) -> None:
    assert safe_rows([{"name": text, "calls": -1}]) == [{"name": f"'{text}", "calls": -1}]


def test_other_values_stay() -> None:
    rows = [{"name": "GET /orders", "calls": 1, "p50": None, "trend": [-1.0], "empty": ""}]
    assert safe_rows(rows) == rows
