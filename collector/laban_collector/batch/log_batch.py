"""LogBatch: decoded log records, as an Arrow table with the columns of the table `logs`."""

from typing import Final, NamedTuple

import pyarrow as pa

LOGS: Final = pa.schema(
    [
        pa.field("trace_hi", pa.uint64(), nullable=False),
        pa.field("trace_lo", pa.uint64(), nullable=False),
        pa.field("span_id", pa.uint64(), nullable=False),
        pa.field("time", pa.timestamp("ns"), nullable=False),
        pa.field("severity", pa.uint8(), nullable=False),
        pa.field("service", pa.string(), nullable=False),
        pa.field("content", pa.uint64(), nullable=False),
        pa.field("dropped_attributes", pa.uint32(), nullable=False),
        pa.field("namespace", pa.string()),
        pa.field("severity_text", pa.string()),
        pa.field("logger", pa.string()),
        pa.field("event_name", pa.string()),
        pa.field("body", pa.string()),
        pa.field("attributes", pa.string()),
    ]
)
"""The columns of `logs` in `store/duckdb/connection/schema.sql`, without `received`."""


class LogBatch(NamedTuple):
    """Decoded log records of one or many requests.

    Attributes:
        logs: one row per record (`LOGS`).
    """

    logs: pa.Table
