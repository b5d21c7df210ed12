"""Rows in Python, gathered and turned into one SpanBatch.

The slow way, a tuple a span: everything that costs Python time a span stays in this folder.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables and schemas are unknown to pyright wherever they are passed.

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from laban_collector.batch import span_batch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import Correlation
from laban_collector.decode.promotion import Columns


class SpanIds(NamedTuple):
    """Which span: a trace id as two 64-bit halves, and a span id."""

    trace_hi: int
    trace_lo: int
    span_id: int


class SpanRow(NamedTuple):
    """One row of `spans`, less the promoted columns. Times in ns."""

    trace_hi: int
    trace_lo: int
    span_id: int
    parent_id: int
    start: int
    duration: int
    kind: int
    status: int
    name: str
    resource_id: int
    scope_id: int
    flags: int
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    status_message: str | None
    trace_state: str | None
    attributes: str | None


class EventRow(NamedTuple):
    """One event, less its span."""

    time: int
    name: str
    dropped_attributes: int
    attributes: str | None


class LinkRow(NamedTuple):
    """One link, less its span."""

    linked_trace_hi: int
    linked_trace_lo: int
    linked_span_id: int
    flags: int
    dropped_attributes: int
    trace_state: str | None
    attributes: str | None


class ResourceRow(NamedTuple):
    """One row of `resources`."""

    resource_id: int
    service: str
    attributes: str
    namespace: str | None
    version: str | None
    instance: str | None


class ScopeRow(NamedTuple):
    """One row of `scopes`."""

    scope_id: int
    name: str
    attributes: str
    version: str | None


@dataclass(slots=True)
class Rows:
    """The rows of many spans."""

    spans: list[SpanRow] = field(default_factory=list[SpanRow])
    columns: list[Columns] = field(default_factory=list[Columns])
    events: list[tuple[int, SpanIds, EventRow]] = field(default_factory=list[tuple[int, SpanIds, EventRow]])
    links: list[tuple[int, SpanIds, LinkRow]] = field(default_factory=list[tuple[int, SpanIds, LinkRow]])
    resources: dict[int, ResourceRow] = field(default_factory=dict[int, ResourceRow])
    scopes: dict[int, ScopeRow] = field(default_factory=dict[int, ScopeRow])
    correlations: dict[tuple[str, str, int, int], tuple[int, int]] = field(
        default_factory=dict[tuple[str, str, int, int], tuple[int, int]]
    )

    def add(
        self,
        span: SpanRow,
        columns: Columns,
        events: Iterable[EventRow],
        links: Iterable[LinkRow],
        correlations: Iterable[Correlation],
    ) -> None:
        """Take one span with all that belongs to it."""
        row, ids = len(self.spans), SpanIds(span.trace_hi, span.trace_lo, span.span_id)
        self.spans.append(span)
        self.columns.append(columns)
        self.events.extend((row, ids, event) for event in events)
        self.links.extend((row, ids, link) for link in links)
        end = span.start + span.duration
        for key, value in correlations:
            name = (key, value, span.trace_hi, span.trace_lo)
            first, last = self.correlations.get(name, (span.start, end))
            self.correlations[name] = (min(first, span.start), max(last, end))

    def to_batch(self) -> SpanBatch:
        """Everything taken, as columns."""
        return SpanBatch(
            spans=self._span_table(),
            resources=table(span_batch.RESOURCES, list(self.resources.values())),
            scopes=table(span_batch.SCOPES, list(self.scopes.values())),
            events=table(span_batch.EVENTS, [(row, *ids, *event) for row, ids, event in self.events]),
            links=table(span_batch.LINKS, [(row, *ids, *link) for row, ids, link in self.links]),
            correlations=table(
                span_batch.CORRELATIONS, [(*name, *times) for name, times in self.correlations.items()]
            ),
        )

    def _span_table(self) -> pa.Table:
        fixed = len(SpanRow._fields)
        promoted = span_batch.SPANS.names[fixed:]
        rows = [
            (*span, *map(columns.get, promoted))
            for span, columns in zip(self.spans, self.columns, strict=True)
        ]
        return table(span_batch.SPANS, rows)


def table(schema: pa.Schema, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    """Rows, whose values stand in the schema's order, as columns."""
    if not rows:
        return schema.empty_table()
    arrays = [
        pa.array(values, column.type) for column, values in zip(schema, zip(*rows, strict=True), strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
