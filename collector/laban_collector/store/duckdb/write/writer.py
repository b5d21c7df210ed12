"""The one door into the DuckDB store."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.batch.splitter import join, of_traces
from laban_collector.store.base import Lag, SpanWriter, Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.write.dedup_filter import DedupFilter
from laban_collector.store.duckdb.write.resource_ids import IdTable
from laban_collector.store.duckdb.write.trace_order import TraceOrder

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
    }
)


class DuckDBWriter(SpanWriter):
    """Writes batches, each in one durable transaction.

    A span is stored once: its identity is (trace id, span id, kind), so that a repeated request stores
    nothing, and the two halves of a Zipkin shared span, of different kinds, both stay.
    """

    def __init__(self, database: Database, clock: Callable[[], int] = time.time_ns) -> None:
        self._database = database
        self._clock = clock
        with database.reading() as cursor:
            [(sequence,)] = cursor.execute(sql("write/last_arrival")).fetchall()
            [(latest,)] = cursor.execute(sql("write/latest_start")).fetchall()
            self._resources = IdTable("resources", "resource_id", cursor)
            self._scopes = IdTable("scopes", "scope_id", cursor)
        self._sequence = int(sequence)
        self._seen = DedupFilter(latest)

    @property
    def sequence(self) -> int:
        """The number of the newest commit."""
        return self._sequence

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch durably; when this returns, it is on disk.

        Raises:
            StoreError: nothing of the batch was stored.
        """
        duplicates = len(self._commit(batch, None))
        return Written(batch.spans.num_rows - duplicates, duplicates)

    def load(self, batches: Sequence[SpanBatch], sequence: int) -> list[Written]:
        """Store batches durably as one commit with this number, also where nothing in them is new.

        Raises:
            StoreError: nothing of them was stored.
        """
        known = self._commit(join(batches), sequence)
        ends = np.cumsum([batch.spans.num_rows for batch in batches])
        duplicates = np.bincount(np.searchsorted(ends, known, side="right"), minlength=len(batches))
        counts = zip(batches, duplicates.tolist(), strict=True)
        return [Written(batch.spans.num_rows - some, some) for batch, some in counts]

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the lag poller.

        Raises:
            StoreError: nothing was stored.
        """
        if not rows:
            return
        columns = zip(*map(_lag_values, rows), strict=True)
        arrays = [pa.array(values, field.type) for field, values in zip(_LAG, columns, strict=True)]
        with self._database.writing() as cursor:
            cursor.register("batch_lag", pa.Table.from_arrays(arrays, schema=_LAG))
            cursor.execute(sql("write/insert_lag"))

    def _commit(self, batch: SpanBatch, sequence: int | None) -> list[int]:
        """One commit: the next one, if it brings anything new; or the one with this number.

        Returns the rows of spans that were there already.
        """
        if not batch.spans.num_rows:
            return []
        number = self._sequence + 1 if sequence is None else sequence
        with self._database.writing() as cursor:
            known = _known_rows(cursor, batch, self._seen.suspects(batch.spans))
            batch = _without(batch, known)
            stores = batch.spans.num_rows > 0 or sequence is not None
            if stores:
                self._insert(cursor, batch, number)
        if stores:
            self._remember(batch, number)
        return known

    def _insert(self, cursor: duckdb.DuckDBPyConnection, batch: SpanBatch, sequence: int) -> None:
        spans, order = batch.spans, TraceOrder(batch.spans)
        for origins, rows in self._origins(batch):
            new = origins.unstored(rows)
            if new.num_rows:
                cursor.register(f"batch_{origins.table}", new)
                cursor.execute(sql(f"write/insert_{origins.table}"))
            spans = origins.numbered(spans)
        cursor.register("batch_spans", order.sort(spans))
        cursor.execute(sql("write/insert_spans"), {"sequence": sequence})
        counts: dict[str, int] = {}
        for name in ("events", "links", "correlations"):
            rows = getattr(batch, name)
            counts[name] = rows.num_rows
            if rows.num_rows:
                cursor.register(f"batch_{name}", order.sort(rows))
                cursor.execute(sql(f"write/insert_{name}"), {"sequence": sequence})
        ledger = {"sequence": sequence, "time": self._clock(), "spans": batch.spans.num_rows, **counts}
        cursor.execute(sql("write/insert_ledger"), ledger)

    def _remember(self, batch: SpanBatch, sequence: int) -> None:
        """What the next commits need not ask the store for; only after the commit, for it may fail."""
        self._sequence = sequence
        if batch.spans.num_rows:
            self._seen.add(batch.spans)
        for origins, rows in self._origins(batch):
            origins.remember(rows)

    def _origins(self, batch: SpanBatch) -> tuple[tuple[IdTable, pa.Table], ...]:
        return (self._resources, batch.resources), (self._scopes, batch.scopes)


def _known_rows(
    cursor: duckdb.DuckDBPyConnection, batch: SpanBatch, suspects: NDArray[np.int64]
) -> list[int]:
    """The rows of spans that came before."""
    if not len(suspects):
        return []
    ids = batch.spans.select(["trace_hi", "trace_lo", "span_id", "kind", "start"]).take(pa.array(suspects))
    cursor.register("batch_ids", ids.append_column("row", pa.array(suspects)))
    [(first, last)] = cursor.execute(sql("write/batch_starts")).fetchall()
    rows = cursor.execute(sql("write/duplicate_rows"), {"first": first, "last": last}).fetchall()
    return [row for (row,) in rows]


def _without(batch: SpanBatch, known: list[int]) -> SpanBatch:
    """The batch less some spans, their events and their links."""
    if not known:
        return batch
    new = ~pc.field("row").isin(known)
    spans = batch.spans.append_column("row", pa.array(range(batch.spans.num_rows), pa.int64())).filter(new)
    return replace(
        batch,
        spans=spans.drop_columns(["row"]),
        events=batch.events.filter(new),
        links=batch.links.filter(new),
        # What is found in a trace without a new span is there already.
        correlations=of_traces(batch.correlations, spans),
    )


def _lag_values(lag: Lag) -> tuple[object, ...]:
    """In the order of `_LAG`."""
    return (
        lag.time,
        lag.cluster,
        lag.group,
        lag.topic,
        lag.partition,
        lag.committed,
        lag.end,
        lag.start,
        lag.messages,
        lag.seconds,
        lag.status,
    )
