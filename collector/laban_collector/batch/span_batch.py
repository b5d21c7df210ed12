"""SpanBatch: what every decoder makes and the store takes, as columns."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: its tables and schemas are unknown to pyright wherever they are passed, and its
# kernels are made when it is imported.

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from laban.vocabulary import PROMOTED

_TIME: Final = pa.timestamp("ns")
_UINT64: Final = pa.uint64()
_UINT32: Final = pa.uint32()
_TEXT: Final = pa.string()
_PROMOTED_TYPES: Final = {"text": _TEXT, "integer": pa.int64()}


def _schema(required: Mapping[str, pa.DataType], optional: Mapping[str, pa.DataType]) -> pa.Schema:
    return pa.schema(
        [
            *(pa.field(name, kind, nullable=False) for name, kind in required.items()),
            *(pa.field(name, kind) for name, kind in optional.items()),
        ]
    )


_TRACE: Final = {"trace_hi": _UINT64, "trace_lo": _UINT64}
_SPAN: Final = _TRACE | {"span_id": _UINT64}
# The row of `spans` that an event or a link belongs to: ids alone do not tell the two halves of a Zipkin
# shared span apart. The store does not keep it.
_ROW: Final = {"row": pa.int64()}

SPANS: Final = _schema(
    _SPAN
    | {
        "parent_id": _UINT64,
        "start": _TIME,
        "duration": pa.int64(),
        "kind": pa.uint8(),
        "status": pa.uint8(),
        "name": _TEXT,
        "resource_id": _UINT64,
        "scope_id": _UINT64,
        "flags": _UINT32,
        "dropped_attributes": _UINT32,
        "dropped_events": _UINT32,
        "dropped_links": _UINT32,
    },
    {"status_message": _TEXT, "trace_state": _TEXT, "attributes": _TEXT}
    | {promoted.column: _PROMOTED_TYPES[promoted.type] for promoted in PROMOTED},
)
RESOURCES: Final = _schema(
    {"resource_id": _UINT64, "service": _TEXT, "attributes": _TEXT},
    {"namespace": _TEXT, "version": _TEXT, "instance": _TEXT},
)
SCOPES: Final = _schema({"scope_id": _UINT64, "name": _TEXT, "attributes": _TEXT}, {"version": _TEXT})
EVENTS: Final = _schema(
    _ROW | _SPAN | {"time": _TIME, "name": _TEXT, "dropped_attributes": _UINT32}, {"attributes": _TEXT}
)
LINKS: Final = _schema(
    _ROW
    | _SPAN
    | {
        "linked_trace_hi": _UINT64,
        "linked_trace_lo": _UINT64,
        "linked_span_id": _UINT64,
        "flags": _UINT32,
        "dropped_attributes": _UINT32,
    },
    {"trace_state": _TEXT, "attributes": _TEXT},
)
CORRELATIONS: Final = _schema(
    {"key": _TEXT, "value": _TEXT} | _TRACE | {"first": _TIME, "last": _TIME},
    {},
)


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Decoded spans of one or many requests, as Arrow tables.

    The columns are those of the tables of the same name in `store/duckdb/schema.sql`, less what the store
    fills in itself (`arrival`); events and links have a `row` more. Resources and scopes are named by their
    `hash`, which the store replaces by a number.

    Attributes:
        spans: one row a span (`SPANS`).
        resources: the distinct resources that the spans name (`RESOURCES`).
        scopes: the distinct scopes that the spans name (`SCOPES`).
        events: one row an event (`EVENTS`); `row` is the position of its span in `spans`.
        links: one row a link (`LINKS`); `row` likewise.
        correlations: one row a distinct (key, value, trace) (`CORRELATIONS`).
    """

    spans: pa.Table
    resources: pa.Table
    scopes: pa.Table
    events: pa.Table
    links: pa.Table
    correlations: pa.Table

    @property
    def nbytes(self) -> int:
        """Bytes in memory; of a part of a batch those of the whole, for its own take 30 times as long."""
        tables = (self.spans, self.resources, self.scopes, self.events, self.links, self.correlations)
        return sum(table.get_total_buffer_size() for table in tables)


def halves(batch: SpanBatch) -> tuple[SpanBatch, SpanBatch]:
    """A batch of two spans or more as two, each with all that belongs to its spans.

    Both keep all resources, scopes and correlations: the store takes them more than once.
    """
    middle = batch.spans.num_rows // 2
    return _part(batch, 0, middle), _part(batch, middle, batch.spans.num_rows - middle)


def _part(batch: SpanBatch, first: int, count: int) -> SpanBatch:
    spans = batch.spans.slice(first, count)
    return SpanBatch(
        spans=spans,
        resources=batch.resources,
        scopes=batch.scopes,
        events=_owned(batch.events, first, count),
        links=_owned(batch.links, first, count),
        correlations=batch.correlations.join(spans.select(list(_TRACE)), list(_TRACE), join_type="left semi"),
    )


def _owned(table: pa.Table, first: int, count: int) -> pa.Table:
    """Events or links of so many spans, with the rows that these have now."""
    row = pc.field("row")
    kept = table.filter((row >= first) & (row < first + count))
    return kept.set_column(0, table.schema.field("row"), pc.subtract(kept["row"], first))
