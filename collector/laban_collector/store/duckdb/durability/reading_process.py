"""The program that reads a damaged file in a process of its own, because a damaged block may end the process.

It answers requests on standard input, one JSON object a line. An answer is one JSON line on standard output;
rows follow it as an Arrow stream of the announced number of bytes. The client is `DamagedFile`.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its buffers are unknown to pyright wherever they are passed.

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final

import duckdb
import pyarrow as pa

from laban_collector.store.duckdb.durability.checked_table import CheckedTable
from laban_collector.store.duckdb.durability.without_pandas import block_pandas

_TO_READ: Final[dict[str, Any]] = {
    "enable_external_access": "false",
    "threads": 1,
    "memory_limit": "512MB",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a file for reading; nothing is written to it."""
    connection = duckdb.connect(path, read_only=True, config=_TO_READ)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def main() -> None:
    """Answer requests until standard input ends."""
    block_pandas()
    answers = sys.stdout.buffer
    try:
        connection = connect(Path(sys.argv[1]))
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    except duckdb.Error as error:
        _answer(answers, {"error": str(error)})
        return
    _answer(answers, {"tables": names})
    tables: dict[str, CheckedTable] = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["table"]
        try:
            if name not in tables:
                tables[name] = CheckedTable(connection, name)
                tables[name].read_statistics()
        except duckdb.Error as error:
            sys.stderr.write(f"the statistics of {name} cannot be read: {error}\n")
            connection = _reopened(connection, tables)
        try:
            _respond(answers, tables[name], request)
        except (duckdb.Error, ValueError, pa.ArrowException) as error:
            _answer(answers, {"error": str(error)})
            if _ends_database(error):
                connection = _reopened(connection, tables)


def _reopened(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, CheckedTable]
) -> duckdb.DuckDBPyConnection:
    connection.close()
    opened = connect(Path(sys.argv[1]))
    for table in tables.values():
        table.connection = opened
    return opened


def _ends_database(error: Exception) -> bool:
    """Whether DuckDB answers nothing more until the file is opened again."""
    fatal = (duckdb.FatalException, duckdb.InternalException)
    return isinstance(error, fatal) or "has been invalidated" in str(error)


def _respond(answers: IO[bytes], table: CheckedTable, request: Mapping[str, Any]) -> None:
    if "columns" not in request:
        _answer(answers, {"columns": table.columns, "starts": table.starts, "rows": table.rows()})
        return
    sink = pa.BufferOutputStream()
    rows = table.read(request["columns"], request["first"], request["last"])
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    content = sink.getvalue()
    _answer(answers, {"bytes": content.size}, content)


def _answer(answers: IO[bytes], answer: Mapping[str, Any], content: "bytes | pa.Buffer" = b"") -> None:
    answers.write(json.dumps(answer).encode() + b"\n")
    answers.write(content)
    answers.flush()


if __name__ == "__main__":
    main()
