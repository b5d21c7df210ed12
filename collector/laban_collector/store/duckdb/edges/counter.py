"""Counts edges by edge and minute as spans come in, so that a graph need not look at the spans.

In any order of arrival the counts are those of a graph worked out from all spans: each commit is counted
with what it changes of what was counted before (see edges.py). A commit is counted after it was stored; which
one is the last that was counted stands beside the counts, in the same transaction.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.edges.query import EdgeQuery
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges

STEP: Final = 250_000
"""Spans that are counted at once, at most, where commits are smaller: what they need is in memory."""


class EdgeCounter:
    """Counts commits that are stored and not counted yet. Only one thread may do that.

    Args:
        database: open to write.
        commit_ranges: of the same database.
        step: spans that are counted at once, at most, where commits are smaller.
    """

    def __init__(self, database: Database, commit_ranges: CommitRanges, step: int = STEP) -> None:
        self._database = database
        self._commit_ranges = commit_ranges
        self._step = step
        self._touched: set[int] = set()

    def counted(self) -> int:
        """The last commit that is counted.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._database.reading() as cursor:
            return _counted(cursor)

    def uncounted(self) -> int:
        """Spans that are stored and not counted.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._database.reading() as cursor:
            [(spans,)] = cursor.execute(sql("edges/uncounted"), {"counted": _counted(cursor)}).fetchall()
        return int(spans)

    def count_next(self) -> int | None:
        """Count the next commits; returns the last of them, None when all are counted.

        Raises:
            StoreError: DuckDB refused; what was counted before stays so.
        """
        with self._database.reading() as cursor:
            counted = _counted(cursor)
            bounds = {"counted": counted, "most": self._step}
            [(last, _)] = cursor.execute(sql("edges/next_commits"), bounds).fetchall()
            if last is None:
                return None
            edges = EdgeQuery(cursor, self._commit_ranges)
            edges.add_commits(counted + 1, last)
            changes, met, not_met = edges.changes(), edges.links_met(), edges.links_not_met()
        with self._database.writing() as cursor:
            _apply(cursor, "insert_edges", "new_edges", changes)
            _apply(cursor, "delete_unmet_links", "met_links", met)
            _apply(cursor, "insert_unmet_links", "new_unmet_links", not_met)
            cursor.execute(sql("edges/set_counted"), {"counted": last})
        self._touched.update(changes["minute"].unique().to_pylist())
        return int(last)

    def compact(self) -> None:
        """Add up what was counted in parts.

        Raises:
            StoreError: DuckDB refused; it stays in parts.
        """
        if not self._touched:
            return
        with self._database.writing() as cursor:
            minutes = {"minutes": sorted(self._touched)}
            cursor.execute(sql("edges/add_up_minutes"), minutes)
            cursor.execute(sql("edges/delete_minutes"), minutes)
            cursor.execute(sql("edges/insert_added_up"))
        self._touched.clear()


def _apply(cursor: duckdb.DuckDBPyConnection, query: str, name: str, rows: pa.Table) -> None:
    """Run a query over rows that it knows by a name."""
    if rows.num_rows:
        cursor.register(name, rows)
        cursor.execute(sql(f"edges/{query}"))


def _counted(cursor: duckdb.DuckDBPyConnection) -> int:
    [(counted,)] = cursor.execute(sql("edges/counted")).fetchall()
    return int(counted)
