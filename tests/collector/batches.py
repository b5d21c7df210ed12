"""Batches as plain values, for comparing the results of two decoders."""

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.results import AcceptedRequest, DecodedRequests

TABLES = ("spans", "resources", "scopes", "events", "links", "correlations")

Rows = list[tuple[str, ...]]


def rows_of(batch: SpanBatch) -> dict[str, Rows]:
    """Return the sorted rows of all tables; events and links contain their span instead of its row."""
    found: dict[str, Rows] = {}
    for name in TABLES:
        table = getattr(batch, name)
        table.validate(full=True)
        found[name] = [tuple(map(str, row.values())) for row in table.to_pylist()]
    for name in ("events", "links"):
        found[name] = [(*found["spans"][int(row)], *rest) for row, *rest in found[name]]
    return {name: sorted(rows) for name, rows in found.items()}


def outcomes_of(decoded: DecodedRequests) -> list[AcceptedRequest | str]:
    """Return the outcomes; an error as its text."""
    return [it if isinstance(it, AcceptedRequest) else str(it) for it in decoded.outcomes]


def assert_same(one: DecodedRequests, other: DecodedRequests) -> None:
    """Assert that two results have the same outcomes and the same content."""
    assert outcomes_of(one) == outcomes_of(other)
    theirs, ours = rows_of(one.batch), rows_of(other.batch)
    for name in TABLES:
        assert theirs[name] == ours[name]
