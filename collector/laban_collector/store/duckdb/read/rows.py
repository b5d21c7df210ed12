"""Converts the rows of the reader's queries to values, by column name."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import fields, replace
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

import duckdb

from laban_collector.store.duckdb.edges.query import quantiles_of
from laban_collector.store.rows import (
    ContractRow,
    EdgeRow,
    EntryTimes,
    Lag,
    Latencies,
    LatencyPoint,
    LogLine,
    SeenHop,
    SeenOperation,
    Span,
    SpanEvent,
    TraceRef,
    Unread,
    UnreadMessage,
    UnreadRange,
)
from laban_collector.store.searches import SpanOutline

_NS_PER_MS: Final = 1e6
_SHORT: Final = "0" * 16
"""The high half of a trace id of 64 bits."""
_CONVERTED: Final = (
    "trace_id",
    "span_id",
    "parent_id",
    "service",
    "namespace",
    "attributes",
    "events",
    "links",
)
"""The fields of `Span` that are not columns of `spans_of.sql` as they are."""
_COLUMNS: Final = tuple(field.name for field in fields(Span) if field.name not in _CONVERTED)
_columns_of: Final = itemgetter(*_COLUMNS)
_STORES: Final = tuple(getattr(Span, name).__set__ for name in (*_CONVERTED, *_COLUMNS))
"""Stores a field of a new span: the constructor of a frozen class takes twice as long."""

T = TypeVar("T")
Row = dict[str, Any]
"""A row, by column name."""
TraceAddress = tuple[int, int]
"""The high and low half of a trace id; the high half of an id of 64 bits is 0."""
SpanAddress = tuple[int, int, int]
"""The high and low half of a trace id, and a span id."""


class Service(NamedTuple):
    """The service of a resource."""

    name: str
    namespace: str | None


def named_rows(cursor: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return the rows of the query that a cursor has run."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def trace_ids(rows: Iterable[Row]) -> list[str]:
    """Return the trace ids in rows, each once, in row order."""
    return list(dict.fromkeys(_trace_id(row["trace_hi"], row["trace_lo"]) for row in rows))


def trace_id_of(row: Row) -> str:
    """Return the trace id in a row."""
    return _trace_id(row["trace_hi"], row["trace_lo"])


def operation_seen(row: Row) -> SeenOperation:
    """Return the value of a row of `seen_operations.sql`."""
    return SeenOperation(**_with_trace_id(row))


def hop_seen(row: Row) -> SeenHop:
    """Return the value of a row of `seen_hops.sql`."""
    given = _with_trace_id(row)
    del given["calls"]
    return SeenHop(**{"group": given.pop("consumer_group"), **given})


def outline_of(row: Row, service: str) -> SpanOutline:
    """Return the value of a row of `outlines_of.sql`."""
    return SpanOutline(
        trace_id=trace_id_of(row),
        span_id=f"{row['span_id']:016x}",
        parent_id=f"{row['parent_id']:016x}" if row["parent_id"] else None,
        service=service,
        name=row["name"],
        start=row["start"],
        duration=row["duration"],
        status=row["status"],
    )


def _with_trace_id(row: Row) -> Row:
    rest = {name: value for name, value in row.items() if name not in ("trace_hi", "trace_lo")}
    return {**rest, "trace_id": trace_id_of(row)}


def halves(trace_id: str) -> TraceAddress:
    """Return the high and low half of a trace id, as the tables store them."""
    return (int(trace_id[:16], 16), int(trace_id[16:], 16))


def both_forms(wanted: Set[TraceAddress], found: Iterable[TraceAddress]) -> set[TraceAddress]:
    """Return the wanted traces, and the other forms of their ids that were found.

    Some tracers cut a trace id to 64 bits. An id of 64 bits and one of 128 bits are two forms of one id if
    their low halves are equal and no second id of 128 bits has this low half.
    """
    highs: defaultdict[int, set[int]] = defaultdict(set)
    for high, low in {*wanted, *found}:
        highs[low].add(high)
    return {*wanted} | {
        (high, low) for low, both in highs.items() if len(both) == 2 and 0 in both for high in both
    }


def newest_traces(rows: Sequence[Row], limit: int) -> list[TraceRef]:
    """Return the traces of `traces_with.sql`, newest first.

    A bare Kafka key counts only if no other key has the value: it may mean something else on another topic.
    """
    any_named = any(row["named"] for row in rows)
    times: dict[TraceAddress, tuple[int, int]] = {}
    for row in rows:
        if row["named"] or not any_named:
            trace, first, last = (row["trace_hi"], row["trace_lo"]), row["first_ns"], row["last_ns"]
            known = times.get(trace, (first, last))
            times[trace] = (min(first, known[0]), max(last, known[1]))
    found = [TraceRef(_trace_id(*trace), first, last) for trace, (first, last) in times.items()]
    return sorted(found, key=lambda ref: ref.last, reverse=True)[:limit]


def sets_of_keys(rows: Iterable[Row]) -> list[frozenset[str]]:
    """Return the different sets of keys that a trace has in rows of `rows_with.sql`."""
    keys: defaultdict[TraceAddress, set[str]] = defaultdict(set)
    for row in rows:
        keys[row["trace_hi"], row["trace_lo"]].add(row["key"])
    return list(dict.fromkeys(map(frozenset, keys.values())))


def traces_by_value(rows: Iterable[Row], limit: int) -> dict[tuple[str, str], list[TraceRef]]:
    """Return the traces of `traces_of_values.sql` by key and value, at most `limit` each, newest first."""
    found: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["key"], row["value"]].append({**row, "named": True})
    return {value: newest_traces(traces, limit) for value, traces in found.items()}


def spans_of(
    spans: Iterable[Row],
    services: Mapping[int, Service],
    events: Iterable[Row],
    links: Iterable[Row],
    limit: int,
) -> list[Span]:
    """Return the first spans by start, from rows of `spans_of.sql`, `events_of.sql` and `links_of.sql`.

    Args:
        spans: rows of the spans.
        services: by resource id, at least those of the spans.
        events: rows of their events.
        links: rows of their links.
        limit: maximum number of spans.
    """
    events_of = _by_span(sorted(events, key=lambda row: int(row["time"])), _event)
    links_of = _by_span(links, _link)
    first = sorted(spans, key=lambda row: (row["start"], row["span_id"]))[:limit]
    return [_span(row, services, events_of, links_of) for row in first]


def entry_times_of(row: Row) -> EntryTimes:
    """Return the value of a row of `entry_times.sql`."""
    slowest, failed = (
        tuple(dict.fromkeys(_trace_id(one["hi"], one["lo"]) for one in row[name] or ()))
        for name in ("slowest", "failed")
    )
    return EntryTimes(row["name"], row["calls"], row["errors"], row["p95"], slowest, failed)


def latencies_of(rows: Sequence[Row]) -> Latencies:
    """Convert the rows of `latencies.sql`."""
    points = [_latency(row) for row in rows if row["time"] is not None]
    totals = [_latency(row) for row in rows if row["time"] is None]
    names = rows[0]["names"] if rows else 0
    return Latencies(points, totals, left_out=names - len(totals))


def _latency(row: Row) -> LatencyPoint:
    quantiles = quantiles_of(row["latencies"], row["timed"]) or ()
    return LatencyPoint(
        row["time"] or 0, row["name"], row["calls"], row["errors"], *(one / _NS_PER_MS for one in quantiles)
    )


def lag_of(row: Row) -> Lag:
    """Convert one row of `lag_between.sql` or `latest_lag.sql`."""
    return Lag(**row)


def unread_parameters(ranges: Sequence[UnreadRange]) -> dict[str, object]:
    """Return the ranges as parameters of `unread.sql`."""
    return {
        "groups": [one.group for one in ranges],
        "topics": [one.topic for one in ranges],
        "partitions": [one.partition for one in ranges],
        "firsts": [one.first for one in ranges],
        "ends": [one.end for one in ranges],
        "least": min(one.first for one in ranges),
        "most": max(one.end for one in ranges),
    }


def unread_of(rows: Iterable[Row], ranges: Sequence[UnreadRange]) -> dict[UnreadRange, Unread]:
    """Convert the rows of `unread.sql`; a range without a row has no span."""
    found: defaultdict[tuple[str, str, int], list[Row]] = defaultdict(list)
    for row in rows:
        found[row["group"], row["topic"], row["partition"]].append(row)
    return {one: _unread(found[one.group, one.topic, one.partition]) for one in ranges}


def keys_of(rows: Iterable[Row]) -> dict[str, list[tuple[str, str]]]:
    """Convert the rows of `keys_of.sql`: keys and values by trace id."""
    found: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        found[_trace_id(row["trace_hi"], row["trace_lo"])].append((row["key"], row["value"]))
    return dict(found)


def edges_of(rows: Sequence[Row], contracts: Iterable[Row]) -> list[EdgeRow]:
    """Convert the rows of `edges/edges.sql`, each with its rows of `edges/contracts.sql`."""
    found: defaultdict[tuple[str, str, str], list[ContractRow]] = defaultdict(list)
    for row in contracts:
        found[row.pop("source"), row.pop("target"), row.pop("protocol")].append(ContractRow(**row))
    edges = [_edge(row) for row in rows]
    return [
        replace(edge, contracts=tuple(of_edge))
        if edge.kind == "async" and (of_edge := found.get((edge.source, edge.target, edge.protocol)))
        else edge
        for edge in edges
    ]


def _edge(row: Row) -> EdgeRow:
    quantiles = quantiles_of(row.pop("latencies"), row.pop("timed"))
    p50, p95, p99 = (quantile / _NS_PER_MS for quantile in quantiles) if quantiles else (None, None, None)
    return EdgeRow(kind="async" if row.pop("is_async") else "sync", p50_ms=p50, p95_ms=p95, p99_ms=p99, **row)


def _unread(rows: Sequence[Row]) -> Unread:
    if not rows:
        return Unread()
    messages = tuple(
        UnreadMessage(
            offset=row["offset"],
            published=row["start"],
            service=row["service"],
            trace_id=_trace_id(row["trace_hi"], row["trace_lo"]),
            message_key=row["message_key"],
            attributes=_object(row["attributes"]),
        )
        for row in rows
        if not row["processed"]
    )
    return Unread(rows[0]["known"], rows[0]["processed_of_known"], messages)


def _trace_id(high: int, low: int) -> str:
    return f"{high:016x}{low:016x}"


def _by_span(rows: Iterable[Row], read: Callable[[Row], T]) -> dict[SpanAddress, list[T]]:
    found: defaultdict[SpanAddress, list[T]] = defaultdict(list)
    for row in rows:
        found[_address(row)].append(read(row))
    return found


def _address(row: Row) -> SpanAddress:
    return (row["trace_hi"], row["trace_lo"], row["span_id"])


def _event(row: Row) -> SpanEvent:
    return SpanEvent(row["time"], row["name"], _object(row["attributes"]))


def _link(row: Row) -> tuple[str, str]:
    return (_trace_id(row["linked_trace_hi"], row["linked_trace_lo"]), f"{row['linked_span_id']:016x}")


def _object(attributes: str | None) -> dict[str, object]:
    return json.loads(attributes) if attributes and attributes != "{}" else {}


def _span(
    row: Row,
    services: Mapping[int, Service],
    events: Mapping[SpanAddress, list[SpanEvent]],
    links: Mapping[SpanAddress, list[tuple[str, str]]],
) -> Span:
    """Convert one row of `spans_of.sql`; its columns have the names of `Span`'s fields.

    Values by position and stored attribute by attribute: a story of 10,000 spans has 300,000 of them.
    """
    address, parent_id = _address(row), row["parent_id"]
    service = services[row["resource_id"]]
    span = object.__new__(Span)
    values = (
        _trace_id(address[0], address[1]),
        f"{address[2]:016x}",
        f"{parent_id:016x}" if parent_id else None,
        service.name,
        service.namespace,
        _object(row["attributes"]),
        tuple(events.get(address, ())),
        tuple(links.get(address, ())),
        *_columns_of(row),
    )
    for store, value in zip(_STORES, values, strict=True):
        store(span, value)
    return span


def log_line_of(row: Row, wanted: str) -> LogLine | None:
    """Return a log record; None if it only has the same low half of its trace id as the wanted trace."""
    sent = f"{row['trace_hi']:016x}"
    asked = wanted[:-16].rjust(16, "0")
    if sent != asked and _SHORT not in (sent, asked):
        return None
    return LogLine(
        trace_id=wanted,
        span_id=f"{row['span_id']:016x}" if row["span_id"] else None,
        time=row["time"],
        severity=row["severity"],
        severity_text=row["severity_text"],
        service=row["service"],
        namespace=row["namespace"],
        logger=row["logger"],
        event_name=row["event_name"],
        body=row["body"],
        attributes=json.loads(row["attributes"]) if row["attributes"] else {},
        dropped_attributes=row["dropped_attributes"],
    )
