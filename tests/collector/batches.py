"""Batches as plain values, to compare what two decoders make of the same bytes."""

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.results import AcceptedRequest, DecodedRequests

TABLES = ("spans", "resources", "scopes", "events", "links", "correlations")

Rows = list[tuple[str, ...]]


def rows_of(batch: SpanBatch) -> dict[str, Rows]:
    """All tables, row by row, sorted; an event or a link with its span in the place of the span's row."""
    found: dict[str, Rows] = {}
    for name in TABLES:
        table = getattr(batch, name)
        table.validate(full=True)
        found[name] = [tuple(map(str, row.values())) for row in table.to_pylist()]
    for name in ("events", "links"):
        found[name] = [(*found["spans"][int(row)], *rest) for row, *rest in found[name]]
    return {name: sorted(rows) for name, rows in found.items()}


def outcomes_of(decoded: DecodedRequests) -> list[AcceptedRequest | str]:
    """What became of each request; a refusal as its text."""
    return [it if isinstance(it, AcceptedRequest) else str(it) for it in decoded.outcomes]


def assert_same(one: DecodedRequests, other: DecodedRequests) -> None:
    """The same outcomes and the same content."""
    assert outcomes_of(one) == outcomes_of(other)
    theirs, ours = rows_of(one.batch), rows_of(other.batch)
    for name in TABLES:
        assert theirs[name] == ours[name]
