"""SpanBatch and its Arrow schemas: the common format between decoders and the store."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

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
# The row in `spans` of the span of an event or a link: the two halves of a Zipkin shared span have the same
# ids. The store does not keep it.
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

    The columns are those of the tables with the same name in `store/duckdb/schema.sql`, without the columns
    that the store fills in (`arrival`), and with an additional `row` for events and links. `resource_id` and
    `scope_id` are hashes, which the store replaces with numbers.

    Attributes:
        spans: one row per span (`SPANS`).
        resources: the distinct resources of the spans (`RESOURCES`).
        scopes: the distinct scopes of the spans (`SCOPES`).
        events: one row per event (`EVENTS`); `row` is the position of its span in `spans`.
        links: one row per link (`LINKS`); `row` as in `events`.
        correlations: one row per distinct (key, value, trace) (`CORRELATIONS`).
    """

    spans: pa.Table
    resources: pa.Table
    scopes: pa.Table
    events: pa.Table
    links: pa.Table
    correlations: pa.Table

    @property
    def nbytes(self) -> int:
        """Bytes in memory; for a slice, those of the whole batch, which is 30 times as fast to count."""
        tables = (self.spans, self.resources, self.scopes, self.events, self.links, self.correlations)
        return sum(table.get_total_buffer_size() for table in tables)
