"""Writes batches to the tables, each commit in one durable transaction."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban_collector.batch.log_batch import LogBatch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import OF_SPANS, join, of_traces
from laban_collector.store.base import BatchLoader, Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.write.dedup_filter import IDENTITY, DedupFilter
from laban_collector.store.duckdb.write.id_table import IdTable
from laban_collector.store.rows import Lag, LagProblem, LagRow, plausible_starts

_LAG: Final = pa.schema(
    {
        "time": pa.timestamp("ns"),
        "cluster": pa.string(),
        "consumer_group": pa.string(),
        "topic": pa.string(),
        "partition": pa.int32(),
        "committed": pa.int64(),
        "log_end": pa.int64(),
        "log_start": pa.int64(),
        "messages": pa.int64(),
        "seconds": pa.float64(),
        "status": pa.string(),
        "lost": pa.int64(),
        "seconds_from": pa.string(),
        "members": pa.int32(),
    }
)
_PROBLEMS: Final = pa.schema(
    {
        "time": pa.timestamp("ns"),
        "cluster": pa.string(),
        "consumer_group": pa.string(),
        "topic": pa.string(),
        "partition": pa.int32(),
        "reason": pa.string(),
    }
)
_LAG_FIELDS: Final[dict[str, str]] = {
    **{name: name for name in (*_LAG.names, *_PROBLEMS.names)},
    "consumer_group": "group",
    "log_end": "end",
    "log_start": "start",
}
"""The field of `Lag` or `LagProblem` for each column."""

Loaded = Callable[[int, int, bool], object]
"""Receives the sequence of a commit, its number of new spans, and whether a client waits for them."""


class DuckDBWriter(BatchLoader):
    """Writes batches to the tables.

    A span is stored once. Its identity is (trace id, span id, kind). So a repeated request stores nothing,
    and both halves of a Zipkin shared span are stored, because their kinds differ.

    Args:
        database: open for writing.
        clock: ns since the epoch.

    Attributes:
        loaded: called after each commit of `load`; None: no callback.
        polls: number of stored polls of the lag.
    """

    def __init__(self, database: Database, clock: Callable[[], int] = time.time_ns) -> None:
        self.loaded: Loaded | None = None
        self.polls = 0
        self._database = database
        self._clock = clock
        self._is_sure = False
        """Whether the fields below agree with the tables: a commit that failed may yet have been made."""
        self._begin()

    def _begin(self) -> None:
        """Read what later commits need to know of the tables."""
        with self._database.reading() as cursor:
            [(sequence,)] = cursor.execute(sql("write/last_commit")).fetchall()
            _, until = plausible_starts(time.time_ns())
            [(latest, ahead)] = cursor.execute(sql("write/latest_start"), {"until": until}).fetchall()
            self._resources = IdTable("resources", "resource_id", cursor)
            self._scopes = IdTable("scopes", "scope_id", cursor)
        self._sequence = int(sequence)
        self._known = DedupFilter(latest, ahead)
        self._is_sure = True

    @property
    def sequence(self) -> int:
        """The sequence of the newest commit; 0 if there is none."""
        return self._sequence

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch durably; it is on disk when this returns.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        duplicates = len(self._store([batch], None))
        return Written(batch.spans.num_rows - duplicates, duplicates)

    def load(self, batches: Iterable[SpanBatch], sequence: int, *, awaited: bool = False) -> list[Written]:
        """Store batches durably as one commit with this sequence, even if no span in them is new.

        Raises:
            StoreError: nothing was stored.
        """
        parts = list(batches)
        sizes = [part.spans.num_rows for part in parts]
        known = self._store(parts, sequence)
        if not sizes:
            return []
        ends = np.cumsum(sizes)
        duplicates = np.bincount(np.searchsorted(ends, known, side="right"), minlength=len(sizes))
        counts = zip(sizes, duplicates.tolist(), strict=True)
        written = [Written(spans - known, known) for spans, known in counts]
        if self.loaded is not None:
            self.loaded(sequence, sum(one.spans for one in written), awaited)
        return written

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        """Store one poll of the consumer lag.

        Raises:
            StoreError: nothing was stored.
        """
        lag = _lag_table([row for row in rows if isinstance(row, Lag)], _LAG)
        problems = _lag_table([row for row in rows if isinstance(row, LagProblem)], _PROBLEMS)
        if not rows:
            return
        with self._database.writing() as cursor:
            for name, table in (("lag", lag), ("lag_problems", problems)):
                if table.num_rows:
                    cursor.register(f"batch_{name}", table)
                    cursor.execute(sql(f"write/insert_{name}"))
        self.polls += 1

    def write_logs(self, batch: LogBatch) -> None:
        """Store log records durably.

        Raises:
            StoreError: nothing was stored.
        """
        if batch.logs.num_rows:
            with self._database.writing() as cursor:
                cursor.register("batch_logs", batch.logs)
                cursor.execute(sql("write/insert_logs"), {"received": self._clock()})

    def _store(self, parts: list[SpanBatch], sequence: int | None) -> list[int]:
        """Commit batches with this sequence; None: with the next one, and only if a span is new.

        Args:
            parts: the batches; the list is emptied, because their memory is needed until the commit.
            sequence: of the commit.

        Returns:
            The rows of the spans that were stored before.
        """
        if not any(part.spans.num_rows for part in parts):
            return []
        batch = join(parts)
        parts.clear()
        if not self._is_sure:
            self._begin()
        number = self._sequence + 1 if sequence is None else sequence
        self._is_sure = False
        with self._database.writing() as cursor:
            known = _known_rows(cursor, batch, self._known.suspects(batch.spans))
            batch = _in_trace_order(_without(batch, known))
            stores = batch.spans.num_rows > 0 or sequence is not None
            if stores:
                self._insert(cursor, batch, number)
            spans = batch.spans.select(IDENTITY)
            del batch  # most memory is in use while DuckDB commits
        if stores:
            self._remember(spans, number)
        self._is_sure = True
        return known

    def _insert(self, cursor: duckdb.DuckDBPyConnection, batch: SpanBatch, sequence: int) -> None:
        spans = batch.spans
        for table, rows in ((self._resources, batch.resources), (self._scopes, batch.scopes)):
            new = table.unstored(rows, cursor)
            _insert_rows(cursor, table.name, new, {})
            spans = table.with_ids(spans)
        _insert_rows(cursor, "spans", spans, {"sequence": sequence})
        counts: dict[str, int] = {}
        for name in ("events", "links", "correlations"):
            rows = getattr(batch, name)
            counts[name] = rows.num_rows
            _insert_rows(cursor, name, rows, {"sequence": sequence})
        ledger = {"sequence": sequence, "time": self._clock(), "spans": batch.spans.num_rows, **counts}
        cursor.execute(sql("write/insert_ledger"), ledger)

    def _remember(self, spans: pa.Table, sequence: int) -> None:
        """Record the spans of a commit, so that later commits need not query them; call it after the
        commit."""
        self._sequence = sequence
        if spans.num_rows:
            self._known.add(spans)
        self._resources.remember()
        self._scopes.remember()


def _insert_rows(
    cursor: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, parameters: Mapping[str, object]
) -> None:
    """Insert rows into a table.

    DuckDB gets them from an iterator, because it would keep the rows of a table until the commit, which needs
    the memory.
    """
    if rows.num_rows:
        reader = pa.RecordBatchReader.from_batches(rows.schema, iter(rows.to_batches()))
        cursor.register(f"batch_{table}", reader)
        cursor.execute(sql(f"write/insert_{table}"), parameters)


def _lag_table(rows: Sequence[LagRow], schema: pa.Schema) -> pa.Table:
    arrays = [
        pa.array([getattr(row, _LAG_FIELDS[field.name]) for row in rows], field.type) for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _known_rows(
    cursor: duckdb.DuckDBPyConnection, batch: SpanBatch, suspects: NDArray[np.int64]
) -> list[int]:
    """Return the rows of spans that are stored, or repeated in the batch."""
    if not len(suspects):
        return []
    ids = batch.spans.select(IDENTITY).take(pa.array(suspects))
    cursor.register("batch_ids", ids.append_column("row", pa.array(suspects)))
    [(first, last)] = cursor.execute(sql("write/batch_starts")).fetchall()
    rows = cursor.execute(sql("write/duplicate_rows"), {"first": first, "last": last}).fetchall()
    return [row for (row,) in rows]


def _without(batch: SpanBatch, known: list[int]) -> SpanBatch:
    """Return the batch without some spans, their events and their links."""
    if not known:
        return batch
    new = ~pc.field("row").isin(known)
    spans = batch.spans.append_column("row", pa.array(range(batch.spans.num_rows), pa.int64())).filter(new)
    return replace(
        batch,
        spans=spans.drop_columns(["row"]),
        events=batch.events.filter(new),
        links=batch.links.filter(new),
        # Correlations of a trace without a new span are stored already.
        correlations=of_traces(batch.correlations, spans),
    )


def _in_trace_order(batch: SpanBatch) -> SpanBatch:
    """Return the batch in the order in which it is stored; the rows of spans in events and links are not
    changed."""
    order = TraceOrder(batch.spans)
    return replace(batch, **{name: order.sort(getattr(batch, name)) for name in OF_SPANS})


class TraceOrder:
    """The order of rows in the file: trace by trace, in the order in which the traces began.

    So a query for a trace unpacks a few pieces of each column instead of one piece per span; and neighbouring
    times are close to each other and compress better.

    Args:
        spans: of the commit.
    """

    def __init__(self, spans: pa.Table) -> None:
        self._traces, places = np.unique(spans["trace_lo"].to_numpy(), return_inverse=True)
        self._began = np.full(len(self._traces), np.iinfo(np.int64).max)
        np.minimum.at(self._began, places, spans["start"].to_numpy().view(np.int64))

    def sort(self, rows: pa.Table) -> pa.Table:
        """Sort rows with a `trace_lo` of one of the traces.

        The result has one chunk: DuckDB compresses many small chunks badly (126 bytes per span, not 74).
        """
        began = self._began[np.searchsorted(self._traces, rows["trace_lo"].to_numpy())]
        return rows.take(pa.array(np.argsort(began, kind="stable"))).combine_chunks()
