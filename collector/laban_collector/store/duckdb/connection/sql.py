"""The SQL of the store: one `.sql` file per query, in the folder of its caller; short queries share a
file."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import functools
import importlib.resources
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # readers need no Arrow, which is slow to load
    import duckdb
    import pyarrow as pa

_PACKAGE: Final = __name__.rpartition(".")[0].rpartition(".")[0]
_STATEMENTS: Final = "statements.sql"
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@functools.cache
def sql(name: str) -> str:
    """Return the text of a query.

    Args:
        name: folder and query, such as `read/spans_of`: the file `read/spans_of.sql`, or the statement
            `spans_of` in `read/statements.sql`.

    Raises:
        KeyError: there is no such query.
    """
    folder, _, query = name.partition("/")
    statements = _statements(folder)
    if query in statements:
        return statements[query]
    file = importlib.resources.files(_PACKAGE).joinpath(folder, f"{query}.sql")
    if not file.is_file():
        raise KeyError(name)
    return file.read_text(encoding="utf-8")


def run_with(cursor: "duckdb.DuckDBPyConnection", query: str, name: str, rows: "pa.Table") -> None:
    """Run a query that reads rows from a table of this name, if there are any rows."""
    if rows.num_rows:
        cursor.register(name, rows)
        cursor.execute(sql(query))


@functools.cache
def _statements(folder: str) -> dict[str, str]:
    """Return the statements of a folder's `statements.sql` by name; empty if there is no such file."""
    file = importlib.resources.files(_PACKAGE).joinpath(folder, _STATEMENTS)
    if not file.is_file():
        return {}
    _, *parts = _NAME.split(file.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))
