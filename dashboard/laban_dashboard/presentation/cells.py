"""Rows of tables, which people download as CSV and open in a spreadsheet."""

from collections.abc import Iterable, Mapping
from typing import Final

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def safe_rows(rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return the rows without formulas: a text that a spreadsheet would compute begins with an apostrophe.

    Source: OWASP, "CSV Injection".
    """
    return [{name: _cell(value) for name, value in row.items()} for row in rows]


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULAS) else value
