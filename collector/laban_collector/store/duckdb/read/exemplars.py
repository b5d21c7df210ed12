"""Finds traces that are examples for the histograms of edges."""

from typing import Final

import duckdb

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.read.rows import named_rows, trace_id_of
from laban_collector.store.edge_totals import BOUNDS, Exemplar, SeriesKey

_SPANS: Final = 20_000
"""The newest spans, among which examples are looked for."""
_BOUNDS: Final = [round(bound * 1e9) for bound in BOUNDS]


def newest_exemplars(cursor: duckdb.DuckDBPyConnection, limit: int) -> list[Exemplar]:
    """Return the newest call or message of each edge and bound, the newest first."""
    [(first,)] = cursor.execute(sql("read/first_of_newest"), {"most": _SPANS}).fetchall()
    if first is None:
        return []
    parameters = {"first": first, "bounds": _BOUNDS, "limit": limit}
    return [
        Exemplar(
            SeriesKey("graph", row["client"], row["server"], row["connection"]),
            row["times"],
            row["bound"],
            trace_id_of(row),
            row["elapsed"],
            row["start"],
        )
        for row in named_rows(cursor.execute(sql("read/exemplars"), parameters))
    ]
