"""Rows of tables, which people download as CSV and open in a spreadsheet."""

from collections.abc import Iterable, Mapping
from typing import Final

from laban_mapper.names import shortened
from laban_mapper.printable import printable

_LONGEST: Final = 200
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def safe_rows(rows: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    """Return the rows with texts in one short line, without control characters and without formulas.

    A text that a spreadsheet would compute begins with an apostrophe.

    Source: OWASP, "CSV Injection".
    """
    return [{name: _cell(value) for name, value in row.items()} for row in rows]


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    shown = printable(shortened(value, _LONGEST))
    return f"'{shown}" if value.startswith(_FORMULAS) else shown
