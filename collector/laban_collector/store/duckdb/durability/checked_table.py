"""Reads a table by row numbers, and compares its values with the statistics that the file keeps.

Two blocks that were exchanged, or a block of an earlier state, have right checksums and wrong values.
"""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.store.duckdb.connection.sql import sql

_STATS: Final = re.compile(r"\[Min: (-?\d+), Max: (-?\d+)\]")
_TIMES: Final = re.compile(r"\[Min: (\d{4}-\d\d-\d\d \S+), Max: (\d{4}-\d\d-\d\d \S+)\]")
_TEXTS: Final = re.compile(r"\[Min: ([!-\[\]-~]*), Max: ([!-\[\]-~]*), Has Unicode: (?:true|false), Max")
_PREFIX: Final = 8
"""Bytes of the smallest and the largest text that the file keeps."""
_INTEGERS: Final = frozenset(
    {"UBIGINT", "BIGINT", "UINTEGER", "INTEGER", "USMALLINT", "SMALLINT", "UTINYINT", "TINYINT"}
)


class _Range(NamedTuple):
    """The values that a piece of a column may have, by the statistics of the file."""

    first_row: int
    last_row: int
    smallest: Any
    largest: Any


class CheckedTable:
    """One table: where its rows are, and which values they may have.

    Args:
        connection: of the file.
        name: name of the table.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        self.connection = connection
        self._name = name
        self._ranges: dict[str, list[_Range]] = {}
        """Per column, in order. Two blocks that were exchanged have right checksums, but wrong values."""
        self.columns = [column for column, *_ in connection.table(name).description]
        self._last_row = -1
        self.starts: list[int] = []
        """The first row of each row group; empty if `read_statistics` was not called."""

    def rows(self) -> int:
        """Return an upper bound of the row numbers."""
        [(estimated,)] = self.connection.execute(sql("durability/estimated_rows"), [self._name]).fetchall()
        try:
            [(last,)] = self.connection.table(self._name).aggregate("max(rowid)").fetchall()
        except duckdb.Error:
            last = None
        return max(int(estimated), -1 if last is None else last, self.starts[-1] if self.starts else 0) + 1

    def read(self, columns: Sequence[str], first: int, last: int) -> pa.Table:
        """Read rows, both ends included.

        Raises:
            ValueError: they have values that the statistics of the file exclude.
            duckdb.Error: they cannot be read.
        """
        piece = self.connection.table(self._name).filter(f"rowid BETWEEN {first:d} AND {last:d}")
        found = piece.project(", ".join(columns)).to_arrow_table()
        for column in columns:
            self._check(column, found[column], first, last)
        return found

    def _check(self, column: str, values: pa.ChunkedArray, first: int, last: int) -> None:
        ranges = [
            one for one in self._ranges.get(column, ()) if one.first_row <= last and first <= one.last_row
        ]
        if not ranges or not len(values) or pa.types.is_nested(values.type):  # statistics of its members
            return
        last = min(last, self._last_row)
        known = sum(min(last, one.last_row) - max(first, one.first_row) + 1 for one in ranges)
        if known < last - first + 1:  # of some rows, the file does not tell
            return
        actual = pc.min_max(values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values)
        smallest, largest = actual["min"].as_py(), actual["max"].as_py()
        if isinstance(smallest, str):
            smallest, largest = smallest.encode()[:_PREFIX], largest.encode()[:_PREFIX]
        least, most = min(one.smallest for one in ranges), max(one.largest for one in ranges)
        if smallest is not None and not least <= smallest <= largest <= most:
            raise ValueError(f"{self._name}.{column} holds values outside their recorded range")

    def read_statistics(self) -> None:
        """Read where the row groups begin and which values they may have; raises duckdb.Error."""
        found = self.connection.execute(sql("durability/segments"), [self._name]).fetchall()
        sizes: dict[int, int] = {}
        for group, _, _, start, count, *_ in found:
            sizes[group] = max(sizes.get(group, 0), start + count)
        begins, begin = dict[int, int](), 0
        for group in sorted(sizes):
            begins[group] = begin
            begin += sizes[group]
        self.starts, self._last_row = list(begins.values()), begin - 1
        for group, column, kind, start, count, stats, updated, persistent in found:
            # Rows in memory are not in the file, and their statistics grow with every row that is added.
            bounds = _bounds(kind, stats) if persistent and not updated else None
            if bounds is not None:
                row = begins[group] + start
                self._ranges.setdefault(column, []).append(_Range(row, row + count - 1, *bounds))


def _bounds(kind: str, stats: str) -> tuple[object, object] | None:
    """Return the smallest and the largest value by the statistics of a segment; None if they do not tell."""
    if kind in _INTEGERS and (found := _STATS.match(stats)):
        return int(found[1]), int(found[2])
    if kind == "TIMESTAMP_NS" and (found := _TIMES.match(stats)):
        return _nanoseconds(found[1]), _nanoseconds(found[2])
    if kind == "VARCHAR" and (found := _TEXTS.match(stats)):
        return found[1].encode(), found[2].encode()
    return None


def _nanoseconds(text: str) -> int:
    return int(np.datetime64(text.replace(" ", "T"), "ns").astype(np.int64))
