"""Reads a rescued file as batches, so that its spans can be stored like spans that are sent again."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from collections.abc import Iterator
from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.batch.span_batch import CORRELATIONS, EVENTS, LINKS, RESOURCES, SCOPES, SPANS, SpanBatch
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql

_SPANS: Final = 20_000
"""Spans of a batch, unless one commit holds more."""
_LOGS: Final = 100_000
"""Log records in memory at once."""
_COPIED: Final = ("lag", "lag_problems")


def batches(rescued: Database) -> Iterator[SpanBatch]:
    """Yield all spans of a rescued file with everything that belongs to them, in the order of the commits.

    Raises:
        StoreError: DuckDB refused.
    """
    with rescued.reading() as cursor:
        commits = cursor.execute(sql("durability/commits_of_rescued")).fetchall()
        first, spans = None, 0
        for commit, count in commits:
            first = commit if first is None else first
            spans += count
            if spans >= _SPANS or commit == commits[-1][0]:
                yield _batch(cursor, first, commit)
                first, spans = None, 0


def copy_logs(rescued: Database, database: Database) -> None:
    """Copy the log records that the database does not hold yet.

    Raises:
        StoreError: DuckDB refused.
    """
    with rescued.reading() as source:
        for batch in source.table("logs").to_arrow_reader(_LOGS):
            with database.writing() as cursor:
                cursor.register("rescued_logs", pa.Table.from_batches([batch]))
                cursor.execute(sql("durability/add_rescued_logs"))


def copy_lag(rescued: Database, database: Database) -> None:
    """Copy the polls of the consumer lag that the database does not hold yet.

    Raises:
        StoreError: DuckDB refused.
    """
    for table in _COPIED:
        with rescued.reading() as cursor:
            rows = cursor.table(table).to_arrow_table()
        if rows.num_rows:
            with database.writing() as cursor:
                cursor.register(f"rescued_{table}", rows)
                cursor.execute(sql(f"durability/add_rescued_{table}"))


def _batch(cursor: duckdb.DuckDBPyConnection, first: int, last: int) -> SpanBatch:
    commits = {"first": first, "last": last}
    spans = cursor.execute(sql("durability/rescued_spans"), commits).to_arrow_table()
    numbered = spans.append_column("row", pa.array(range(spans.num_rows), pa.int64()))
    cursor.register("rescued_spans", numbered)

    def rows(name: str, schema: pa.Schema, **parameters: int) -> pa.Table:
        found = cursor.execute(sql(f"durability/rescued_{name}"), parameters).to_arrow_table()
        return found.select(schema.names).cast(schema)

    return SpanBatch(
        spans=spans.select(SPANS.names).cast(SPANS),
        resources=rows("resources", RESOURCES),
        scopes=rows("scopes", SCOPES),
        events=rows("events", EVENTS, **commits),
        links=rows("links", LINKS, **commits),
        correlations=rows("correlations", CORRELATIONS, **commits),
    )
