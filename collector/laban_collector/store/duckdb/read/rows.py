"""Rows of the reader's queries, as values."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from laban_collector.store.base import EdgeRow, LatencyPoint, Span, SpanEvent, TraceRef

_NS_PER_MS: Final = 1e6

T = TypeVar("T")
Row = tuple[Any, ...]
TraceAddress = tuple[int, int]
"""The high and low half of a trace id."""
SpanAddress = tuple[int, int, int]
"""The high and low half of a trace id, and a span id."""


def _trace_id(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"


def ids_of(rows: Iterable[Row]) -> list[str]:
    """Of rows that are halves of trace ids; each one once."""
    return list(dict.fromkeys(_trace_id(high, low) for high, low in rows))


def newest_traces(rows: Sequence[Row], limit: int) -> list[TraceRef]:
    """Traces of `traces_with.sql`, newest first.

    A bare Kafka key counts only where nothing names the value: on another topic it may mean another thing.
    """
    any_named = any(named for _, _, named, *_ in rows)
    times: dict[TraceAddress, tuple[int, int]] = {}
    for high, low, named, first, last in rows:
        if named or not any_named:
            known = times.get((high, low), (first, last))
            times[high, low] = (min(first, known[0]), max(last, known[1]))
    found = [TraceRef(_trace_id(*trace), first, last) for trace, (first, last) in times.items()]
    return sorted(found, key=lambda ref: ref.last, reverse=True)[:limit]


def halves(trace_id: str) -> TraceAddress:
    """The high and low half of a trace id, as the tables have them."""
    return (int(trace_id[:16], 16), int(trace_id[16:], 16))


def whole_spans(
    spans: Iterable[Row],
    services: Mapping[int, str],
    events: Iterable[Row],
    links: Iterable[Row],
    limit: int,
) -> list[Span]:
    """The first spans by start, of rows of `spans_of.sql`, `events_of.sql` and `links_of.sql`.

    Args:
        services: by the number of the resource, of these spans at least.
    """
    events_of = _by_span(sorted(events, key=_event_time), _event)
    links_of = _by_span(links, _link)
    return [_span(row, services, events_of, links_of) for row in sorted(spans, key=_by_start)[:limit]]


def latency_point(row: Row) -> LatencyPoint:
    """One row of `latency_by_edge.sql` or `latency_by_route.sql`."""
    at, name, calls, errors, quantiles = row
    return LatencyPoint(at, name, calls, errors, *(quantile / _NS_PER_MS for quantile in quantiles))


def _by_span(rows: Iterable[Row], read: Callable[[Row], T]) -> dict[SpanAddress, list[T]]:
    found: defaultdict[SpanAddress, list[T]] = defaultdict(list)
    for row in rows:
        found[_address(row)].append(read(row[3:]))
    return found


def _address(row: Row) -> SpanAddress:
    high, low, span_id, *_ = row
    return (high, low, span_id)


def _event_time(row: Row) -> int:
    return int(row[3])


def _by_start(row: Row) -> tuple[int, int]:
    """Start and span id of a row of `spans_of.sql`."""
    return (row[7], row[2])


def _event(row: Row) -> SpanEvent:
    at, name, attributes = row
    return SpanEvent(at, name, json.loads(attributes) if attributes else {})


def _link(row: Row) -> tuple[str, str]:
    high, low, span_id = row
    return (_trace_id(high, low), f"{span_id:016x}")


def _span(
    row: Row,
    services: Mapping[int, str],
    events: Mapping[SpanAddress, list[SpanEvent]],
    links: Mapping[SpanAddress, list[tuple[str, str]]],
) -> Span:
    """One row of `spans_of.sql`; its columns stand in the order of `Span`'s fields."""
    high, low, span_id, parent_id, resource, *values, attributes, _ = row
    fields: Row = (
        _trace_id(high, low),
        f"{span_id:016x}",
        f"{parent_id:016x}" if parent_id else None,
        services[resource],
        *values,
        json.loads(attributes) if attributes else {},
        tuple(events.get(_address(row), ())),
        tuple(links.get(_address(row), ())),
    )
    return Span(*fields)


def edge_row(row: Row) -> EdgeRow:
    """One row of `edges/edges.sql`."""
    source, target, protocol, calls, errors, quantiles, *evidence = row
    p50, p95, p99 = (quantile / _NS_PER_MS for quantile in quantiles) if quantiles else (None, None, None)
    is_async = any(end.startswith(("topic:", "group:")) for end in (source, target))
    kind = "async" if is_async else "sync"
    return EdgeRow(source, target, kind, protocol, calls, errors, p50, p95, p99, *evidence)
