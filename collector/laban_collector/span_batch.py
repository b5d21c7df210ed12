"""SpanBatch: what every decoder makes and the store takes, as columns."""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Decoded spans of one or many requests, as Arrow tables.

    The columns are those of the tables of the same name in `store/duckdb/schema.sql`, less what the store
    fills in itself (`arrival`, `value_hash`).

    Attributes:
        spans: one row a span.
        resources: the distinct resources that the spans name.
        scopes: the distinct scopes that the spans name.
        events: one row an event.
        links: one row a link.
        correlations: one row a distinct (key, value, trace).
    """

    spans: pa.Table
    resources: pa.Table
    scopes: pa.Table
    events: pa.Table
    links: pa.Table
    correlations: pa.Table
