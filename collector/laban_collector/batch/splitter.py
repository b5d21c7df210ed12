"""Joining of batches, and splitting of a batch in two."""

# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false
# pyarrow ships no types: pyright does not know its tables in signatures, nor its kernels, created at import.

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from laban_collector.batch.span_batch import SpanBatch

_TRACE: Final = ["trace_hi", "trace_lo"]
_CORRELATION: Final = ["key", "value", *_TRACE]
OF_SPANS: Final = ("spans", "events", "links", "correlations")
"""The tables of a batch whose rows belong to spans."""


def join(batches: Sequence[SpanBatch]) -> SpanBatch:
    """Join one or more batches. Spans keep their order; resources, scopes and correlations stay distinct.

    The tables of spans, events and links have the chunks of the batches: nothing is copied.
    """
    if len(batches) == 1:
        return batches[0]
    before = np.cumsum([0, *(batch.spans.num_rows for batch in batches)]).tolist()
    return SpanBatch(
        spans=pa.concat_tables([batch.spans for batch in batches]),
        resources=_distinct("resource_id", [batch.resources for batch in batches]),
        scopes=_distinct("scope_id", [batch.scopes for batch in batches]),
        events=pa.concat_tables(
            [_move(one.events, rows) for one, rows in zip(batches, before, strict=False)]
        ),
        links=pa.concat_tables([_move(one.links, rows) for one, rows in zip(batches, before, strict=False)]),
        correlations=_correlations(pa.concat_tables([batch.correlations for batch in batches])),
    )


def split(batch: SpanBatch, rows: int) -> tuple[SpanBatch, SpanBatch]:
    """Split a batch into its first `rows` spans and the rest, each with its events, links and correlations.

    Both parts keep all resources and scopes: the store accepts them repeatedly.
    """
    if batch.spans.num_rows <= rows:
        return batch, replace(batch, **{name: getattr(batch, name).slice(0, 0) for name in OF_SPANS})
    first, others = pc.field("row") < rows, pc.field("row") >= rows
    head, tail = batch.spans.slice(0, rows), batch.spans.slice(rows)
    return (
        replace(
            batch,
            spans=head,
            events=batch.events.filter(first),
            links=batch.links.filter(first),
            correlations=of_traces(batch.correlations, head),
        ),
        replace(
            batch,
            spans=tail,
            events=_move(batch.events.filter(others), -rows),
            links=_move(batch.links.filter(others), -rows),
            correlations=of_traces(batch.correlations, tail),
        ),
    )


def halves(batch: SpanBatch) -> tuple[SpanBatch, SpanBatch]:
    """Split a batch of two spans or more in the middle."""
    return split(batch, batch.spans.num_rows // 2)


def of_traces(correlations: pa.Table, spans: pa.Table) -> pa.Table:
    """Return the correlations of the traces of these spans."""
    if not correlations.num_rows:
        return correlations
    found = correlations.join(spans.select(_TRACE), _TRACE, join_type="left semi", use_threads=False)
    return found.cast(correlations.schema)  # a join loses the not-null constraints


def _distinct(key: str, tables: Sequence[pa.Table]) -> pa.Table:
    """Return the rows with distinct ids: few, and the same in nearly every batch."""
    joined = pa.concat_tables(tables)
    _, first = np.unique(joined[key].to_numpy(), return_index=True)
    return joined.take(pa.array(np.sort(first)))


def _move(owned: pa.Table, rows: int) -> pa.Table:
    """Add an offset to the rows of the spans of events or links."""
    return owned.set_column(0, owned.schema.field("row"), pc.add(owned["row"], rows))


def _correlations(table: pa.Table) -> pa.Table:
    if not table.num_rows:
        return table
    grouped = table.group_by(_CORRELATION, use_threads=False).aggregate([("first", "min"), ("last", "max")])
    return pa.Table.from_arrays(
        [*(grouped[name] for name in _CORRELATION), grouped["first_min"], grouped["last_max"]],
        schema=table.schema,
    )
