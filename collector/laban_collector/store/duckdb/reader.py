"""The one door out of a DuckDB file: questions by intent, rows as values."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from laban_collector.store.base import (
    MAX_ROWS,
    Callee,
    Contents,
    Hop,
    Lag,
    LatencyPoint,
    MessageRef,
    Span,
    SpanEvent,
    TraceRef,
)
from laban_collector.store.duckdb.database import Database, sql

_NS_PER_MS: Final = 1e6
_HOP_QUERIES: Final = {"sync_hops": "sync", "publish_hops": "async", "consume_hops": "async"}
_LATENCY_QUERIES: Final = {"edge": "latency_by_edge", "route": "latency_by_route"}

_MAX_SERVICES: Final = 1000

T = TypeVar("T")
Row = tuple[Any, ...]
SpanAddress = tuple[int, int, int]
"""The high and low half of a trace id, and a span id."""

Parameters = Mapping[str, object]


class DuckDBReader:
    """Answers `SpanReader`'s questions from one DuckDB file. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def contents(self) -> Contents:
        """What is in the store."""
        ((spans, traces, first, last),) = self._rows("contents")
        services = tuple(service for (service,) in self._rows("services", {"limit": _MAX_SERVICES}))
        return Contents(spans, traces, services, first, last)

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        """Traces in which a correlation whose key starts with `key_prefix` has this value, newest first."""
        rows = self._rows("traces_with", {"prefix": key_prefix, "value": value, "limit": limit})
        return [TraceRef(_trace_id(high, low), first, last) for high, low, first, last in rows]

    def nearest_values(self, key_prefix: str, value: str, limit: int) -> list[str]:
        """Known values nearest to `value`, the nearest first, the newest where they are equally near."""
        parameters = {"prefix": key_prefix, "value": value, "limit": limit}
        return [known for (known,) in self._rows("nearest_values", parameters)]

    def recent_values(self, key_prefix: str, limit: int) -> list[tuple[str, int]]:
        """(value, last seen) of the newest correlations."""
        rows = self._rows("recent_values", {"prefix": key_prefix, "limit": limit})
        return [(value, last) for value, last in rows]

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """All spans of these traces that start in the window, by start."""
        traces = _bound(trace_ids)
        events = _by_span(self._rows("events_of", traces), _event)
        links = _by_span(self._rows("links_of", traces), _link)
        rows = self._rows("spans_of", {**traces, "since": since, "until": until, "limit": limit})
        return [_span(row, events, links) for row in rows]

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Traces with a span that links to one of these, without themselves: their consequences."""
        return [_trace_id(high, low) for high, low in self._rows("traces_linked_from", _bound(trace_ids))]

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Traces with a span on one of these messages."""
        parameters = {
            "topics": [message.topic for message in messages],
            "partitions": [message.partition for message in messages],
            "offsets": [message.offset for message in messages],
            "since": since,
            "until": until,
        }
        return [_trace_id(high, low) for high, low in self._rows("traces_of_messages", parameters)]

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Topic → the groups that have been seen to consume it → the service that does."""
        groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for topic, group, service in self._rows("groups_of_topics", {"topics": list(topics)}):
            groups[topic][group] = service
        return dict(groups)

    def callees(self, since: int, until: int) -> list[Callee]:
        """Which service answers where, as the calls of a window show."""
        return [Callee(*row) for row in self._rows("callees", {"since": since, "until": until})]

    def hops(self, since: int, until: int) -> list[Hop]:
        """All hops in the window."""
        window = {"since": since, "until": until}
        return [_hop(kind, row) for query, kind in _HOP_QUERIES.items() for row in self._rows(query, window)]

    def latest_lag(self, at: int | None = None) -> list[Lag]:
        """The newest row of each (cluster, group, topic, partition), not newer than `at`."""
        until = time.time_ns() + 1 if at is None else at + 1
        return [Lag(*row) for row in self._rows("latest_lag", {"until": until, "limit": MAX_ROWS})]

    def lag_between(self, since: int, until: int) -> list[Lag]:
        """All rows in the window, by time."""
        parameters = {"since": since, "until": until, "limit": MAX_ROWS}
        return [Lag(*row) for row in self._rows("lag_between", parameters)]

    def latency(self, by: str, since: int, until: int, bucket: int) -> list[LatencyPoint]:
        """Percentiles over time. `by` is `edge` or `route`; `bucket` is in ns."""
        parameters = {"since": since, "until": until, "bucket": bucket, "limit": MAX_ROWS}
        rows = self._rows(_LATENCY_QUERIES[by], parameters)
        return [
            LatencyPoint(at, name, calls, errors, *(quantile / _NS_PER_MS for quantile in quantiles))
            for at, name, calls, errors, quantiles in rows
        ]

    def _rows(self, query: str, parameters: Parameters | None = None) -> list[Row]:
        with self._database.reading() as cursor:
            return cursor.execute(sql(query), dict(parameters or {})).fetchall()


def _trace_id(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"


def _bound(trace_ids: Sequence[str]) -> dict[str, object]:
    return {
        "highs": [int(trace_id[:16], 16) for trace_id in trace_ids],
        "lows": [int(trace_id[16:], 16) for trace_id in trace_ids],
    }


def _by_span(rows: list[Row], read: Callable[[Row], T]) -> dict[SpanAddress, list[T]]:
    found: defaultdict[SpanAddress, list[T]] = defaultdict(list)
    for row in rows:
        found[_address(row)].append(read(row[3:]))
    return found


def _address(row: Row) -> SpanAddress:
    high, low, span_id, *_ = row
    return (high, low, span_id)


def _event(row: Row) -> SpanEvent:
    at, name, attributes = row
    return SpanEvent(at, name, json.loads(attributes) if attributes else {})


def _link(row: Row) -> tuple[str, str]:
    high, low, span_id = row
    return (_trace_id(high, low), f"{span_id:016x}")


def _span(
    row: Row,
    events: Mapping[SpanAddress, list[SpanEvent]],
    links: Mapping[SpanAddress, list[tuple[str, str]]],
) -> Span:
    """One row of `spans_of.sql`; its columns stand in the order of `Span`'s fields."""
    high, low, span_id, parent_id, *values, attributes = row
    fields: Row = (
        _trace_id(high, low),
        f"{span_id:016x}",
        f"{parent_id:016x}" if parent_id else None,
        *values,
        json.loads(attributes) if attributes else {},
        tuple(events.get(_address(row), ())),
        tuple(links.get(_address(row), ())),
    )
    return Span(*fields)


def _hop(kind: str, row: Row) -> Hop:
    source, target, protocol, calls, errors, quantiles, *evidence = row
    p50, p95, p99 = (quantile / _NS_PER_MS for quantile in quantiles) if quantiles else (None, None, None)
    return Hop(source, target, kind, protocol, calls, errors, p50, p95, p99, *evidence)
