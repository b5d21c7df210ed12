"""Reads what is readable of a damaged file, through a process that may die (`reading_process`)."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import pyarrow as pa

from laban_collector.errors import StoreDamaged

_LONGEST_ANSWER: Final = 120.0
"""Seconds until a process that does not answer counts as dead."""
_MOST_DEATHS: Final = 200
"""How many processes a rescue may lose."""
_GROUP: Final = 122_880
"""Rows of a row group, if the file does not tell where row groups begin."""
_SMALLEST: Final = 2048
"""Rows that DuckDB decodes at once: smaller pieces are not tried."""


class Layout(NamedTuple):
    """The rows of a table.

    Attributes:
        columns: names of its columns.
        starts: the first row of each row group; empty if the file does not tell.
        rows: an upper bound of the number of rows.
    """

    columns: tuple[str, ...]
    starts: tuple[int, ...]
    rows: int

    def pieces(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last row of each row group."""
        begins = self.starts or tuple(range(0, self.rows, _GROUP))
        for begin, end in zip(begins, (*begins[1:], self.rows), strict=True):
            if begin < end:
                yield begin, end - 1


class Piece(NamedTuple):
    """Rows of a table.

    Attributes:
        rows: as they were read; None if they cannot be read.
        first: the first row number.
        last: the last row number.
        missing: the columns that cannot be read, and are left out.
    """

    rows: pa.Table | None
    first: int
    last: int
    missing: tuple[str, ...] = ()


class DamagedFile:
    """A file that is read piece by piece; pieces that cannot be read are split until only those are left out.

    Args:
        path: the file; it is only read.

    Raises:
        StoreDamaged: DuckDB cannot open the file at all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._deaths = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.tables = tuple(self._begin())

    def layout(self, table: str) -> Layout:
        """Return where the rows of a table are.

        Raises:
            StoreDamaged: the table cannot be read at all.
        """
        answer = self._ask({"table": table})
        if "error" in answer:
            raise StoreDamaged(f"{self._path}: the table {table} cannot be read: {answer['error']}")
        return Layout(tuple(answer["columns"]), tuple(answer["starts"]), answer["rows"])

    def pieces(self, table: str, layout: Layout, optional: Sequence[str] = ()) -> Iterator[Piece]:
        """Yield all rows of a table, in order.

        Args:
            table: its name.
            layout: where its rows are.
            optional: columns that may be left out where they are damaged; the rows are kept without them.
        """
        for first, last in layout.pieces():
            yield from self._split(table, layout.columns, optional, first, last)

    def rows(self, table: str, columns: Sequence[str], first: int, last: int) -> pa.Table | None:
        """Return some columns of some rows; None if they cannot be read."""
        answer = self._ask({"table": table, "columns": list(columns), "first": first, "last": last})
        return answer.get("rows")

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _split(
        self, table: str, columns: Sequence[str], optional: Sequence[str], first: int, last: int
    ) -> Iterator[Piece]:
        rows = self.rows(table, columns, first, last)
        if rows is not None:
            yield Piece(rows, first, last)
        elif last - first >= _SMALLEST:
            middle = first + _SMALLEST * max((last - first) // (2 * _SMALLEST), 1)
            yield from self._split(table, columns, optional, first, middle - 1)
            yield from self._split(table, columns, optional, middle, last)
        else:
            yield self._without_damaged(table, columns, optional, first, last)

    def _without_damaged(
        self, table: str, columns: Sequence[str], optional: Sequence[str], first: int, last: int
    ) -> Piece:
        """Read rows without their damaged columns, if these are optional."""
        damaged = [column for column in optional if self.rows(table, [column], first, last) is None]
        if damaged:
            rest = [column for column in columns if column not in damaged]
            rows = self.rows(table, rest, first, last)
            if rows is not None:
                return Piece(rows, first, last, tuple(damaged))
        return Piece(None, first, last)

    def _begin(self) -> list[str]:
        """Start a process, and return the names of the tables."""
        command = [sys.executable, "-m", "laban_collector.store.duckdb.durability.reading_process"]
        self._process = subprocess.Popen(
            [*command, str(self._path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        answer = self._answer()
        if answer is None or "error" in answer:
            self.close()
            reason = "the process that read it died" if answer is None else answer["error"]
            raise StoreDamaged(f"{self._path} cannot be opened: {reason}")
        tables: list[str] = answer["tables"]
        return tables

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None:
            if self._deaths > _MOST_DEATHS:
                return {"error": f"{self._deaths} processes died while they read this file"}
            self._begin()
        assert self._process is not None  # noqa: S101 - for mypy
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._answer()
        except BrokenPipeError:
            answer = None
        if answer is not None:
            return answer
        self._deaths += 1
        self.close()
        return {"error": "the process that read it died"}

    def _answer(self) -> dict[str, Any] | None:
        """Return the next answer, with its rows; None if the process died or does not answer."""
        assert self._process is not None  # noqa: S101 - for mypy
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101 - for mypy
        if not select.select([pipe], [], [], _LONGEST_ANSWER)[0]:
            return None
        line = pipe.readline()
        if not line.endswith(b"\n"):
            return None
        answer: dict[str, Any] = json.loads(line)
        if "bytes" in answer:
            content = pipe.read(answer["bytes"])
            if len(content) < answer["bytes"]:
                return None
            answer["rows"] = pa.ipc.open_stream(pa.py_buffer(content)).read_all()
        return answer
