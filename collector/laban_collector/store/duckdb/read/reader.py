"""The one door out of a DuckDB file: questions by intent, rows as values."""

import threading
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from typing import Final

import duckdb

from laban_collector.store.base import (
    MAX_ROWS,
    MINUTE,
    Contents,
    EdgeRow,
    Lag,
    LatencyPoint,
    MessageRef,
    Peer,
    Span,
    TraceRef,
)
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.edges.query import EdgeQuery
from laban_collector.store.duckdb.index.commit_ranges import (
    EVERYTHING,
    CommitRange,
    CommitRanges,
    Consumer,
    Part,
)
from laban_collector.store.duckdb.index.digests import key_of_link, key_of_message
from laban_collector.store.duckdb.read.extent import Extent
from laban_collector.store.duckdb.read.newest_lag import NewestLag
from laban_collector.store.duckdb.read.rows import (
    Row,
    edge_row,
    halves,
    ids_of,
    latency_point,
    newest_traces,
    whole_spans,
)

_LATENCY_QUERIES: Final = {"edge": "latency_by_edge", "route": "latency_by_route"}

_MAX_SERVICES: Final = 1000

Parameters = Mapping[str, object]


class DuckDBReader:
    """Answers `SpanReader`'s questions from one DuckDB file. Safe to use from several threads.

    Args:
        database: the file.
        stale: seconds of the newest commits whose edges may be missing, for they are being counted.
        commit_ranges: of the same database, where somebody has them already.
    """

    def __init__(
        self, database: Database, stale: float = 0, commit_ranges: CommitRanges | None = None
    ) -> None:
        self._database = database
        self._stale = stale * 1e9
        self._commit_ranges = commit_ranges or CommitRanges(database)
        self._extent = Extent()
        self._newest_lag = NewestLag()
        self._service_of: dict[int, str] = {}
        self._moment = threading.local()

    @contextmanager
    def at_one_moment(self) -> Generator[None, None, None]:
        """What is asked in this block, by this thread, is answered of one state of the store."""
        with self._database.reading() as cursor:
            self._moment.cursor = cursor
            try:
                yield
            finally:
                del self._moment.cursor

    def contents(self) -> Contents:
        """What is in the store."""
        ((spans, traces, first, last),) = self._rows("contents")
        services = tuple(service for (service,) in self._rows("services", {"limit": _MAX_SERVICES}))
        return Contents(spans, traces, services, first, last)

    def extent(self) -> tuple[int, int] | None:
        """The starts of the first and the last span; None while there is none."""
        with self._reading() as cursor:
            return self._extent.times(cursor)

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        """Traces in which a correlation whose key starts with `key_prefix` has this value, newest first."""
        asked = {"prefix": key_prefix, "value": value, "limit": limit}
        with self._reading() as cursor:
            [(hashed,)] = cursor.execute(sql("read/hash_of"), {"value": value}).fetchall()
            ranges = [part.commits for part in self._commit_ranges.that_may_hold([hashed])]
            rows = _in_each(cursor, ranges, "traces_with", asked)
            if len(rows) >= limit and len(ranges) > 1:
                # What was left out of one may have its first time in another one.
                rows = _in_each(cursor, [EVERYTHING], "traces_with", asked)
        return newest_traces(rows, limit)

    def nearest_values(self, key_prefix: str, value: str, limit: int) -> list[str]:
        """Known values nearest to `value`, the nearest first, the newest where they are equally near."""
        parameters = {"prefix": key_prefix, "value": value, "limit": limit}
        return [known for (known,) in self._rows("nearest_values", parameters)]

    def recent_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[tuple[str, int]]:
        """(value, last seen) of the newest correlations of the window."""
        parameters = {"prefix": key_prefix, "since": since, "until": until, "limit": limit}
        rows = self._rows("recent_values", parameters)
        return [(value, last) for value, last in rows]

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """All spans of these traces that start in the window, by start."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        sought = {low: low for _, low in traces}
        window = {"since": since, "until": until, "limit": limit}
        found: list[Row] = []
        events: list[Row] = []
        links: list[Row] = []
        with self._reading() as cursor:
            parts = self._commit_ranges.that_may_hold(sought)
            for rows in _within(cursor, parts, "spans_of", sought, window):
                spans = [row for row in rows if row[:2] in traces]
                if spans:
                    found += spans
                    beside = _where(spans)
                    events += cursor.execute(sql("read/events_of"), beside).fetchall()
                    links += cursor.execute(sql("read/links_of"), beside).fetchall()
            services = self._services(cursor, (row[4] for row in found))
        return whole_spans(found, services, events, links, limit)

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Traces with a span that links to one of these, without themselves: their consequences."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        sought = {key_of_link(low): low for _, low in traces}
        parts = self._commit_ranges.that_may_hold(sought)
        with self._reading() as cursor:
            rows = _all_within(cursor, parts, "traces_linked_from", sought)
        return ids_of(row[:2] for row in rows if row[2:] in traces and row[:2] not in traces)

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Traces with a span on one of these messages."""
        wanted = {(message.topic, message.partition, message.offset) for message in messages}
        sought = {key_of_message(partition, offset): offset for _, partition, offset in wanted}
        parts = self._commit_ranges.that_may_hold(sought)
        with self._reading() as cursor:
            window = {"since": since, "until": until}
            rows = _all_within(cursor, parts, "traces_of_messages", sought, window)
        return ids_of(row[:2] for row in rows if row[2:] in wanted)

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Topic → the groups that have been seen to consume it → the service that does."""
        first, consumers = self._commit_ranges.consumers()
        with self._reading() as cursor:
            newest = cursor.execute(sql("read/consumers_since"), {"first": first}).fetchall()
            services = self._services(cursor, (resource for *_, resource in newest))
        consumers |= {Consumer(topic, group, services[resource]) for topic, group, resource in newest}
        groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for topic, group, service in sorted(consumers):
            if topic in topics:
                groups[topic][group] = service
        return dict(groups)

    def callees(self, peers: Collection[Peer], since: int, until: int) -> dict[Peer, str]:
        """Which service answers there, as the calls of a window show, widened to whole minutes.

        As they were counted, where that is enough: of an address the count knows only whom a port leads to.
        """
        begin, end = since // MINUTE, -(-until // MINUTE)
        asked = {
            "addresses": [peer.address for peer in peers],
            "ports": [peer.port for peer in peers],
            "rpc_services": [peer.rpc_service for peer in peers],
        }
        with self._reading() as cursor:
            told = all(peer.port is not None or peer.address is None for peer in peers)
            if told and self._are_counted(cursor):
                query, window = "callees_counted", {"since": begin, "until": end}
            else:
                query, window = "callees", {"since": begin * MINUTE, "until": end * MINUTE}
            rows = cursor.execute(sql(f"read/{query}"), {**asked, **window}).fetchall()
        return {Peer(*peer): service for *peer, service in rows}

    def edges(self, since: int, until: int) -> list[EdgeRow]:
        """All edges that began in the window; counted before, where it is of whole minutes."""
        with self._reading() as cursor:
            edges = EdgeQuery(cursor, self._commit_ranges)
            if since % MINUTE == until % MINUTE == 0 and self._are_counted(cursor):
                edges.add_minutes(since, until)
            else:
                edges.add_window(since, until)
            return [edge_row(row) for row in edges.rows()]

    def latest_lag(self) -> list[Lag]:
        """The newest row of each (cluster, group, topic, partition)."""
        with self._reading() as cursor:
            return self._newest_lag.rows(cursor)

    def lag_between(self, since: int, until: int) -> list[Lag]:
        """All rows in the window, by time."""
        parameters = {"since": since, "until": until, "limit": MAX_ROWS}
        return [Lag(*row) for row in self._rows("lag_between", parameters)]

    def latency(self, by: str, since: int, until: int, bucket: int) -> list[LatencyPoint]:
        """Percentiles over time. `by` is `edge` or `route`; `bucket` is in ns."""
        parameters = {"since": since, "until": until, "bucket": bucket, "limit": MAX_ROWS}
        rows = self._rows(_LATENCY_QUERIES[by], parameters)
        return [latency_point(row) for row in rows]

    def _reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._moment, "cursor", None)
        return self._database.reading() if cursor is None else nullcontext(cursor)

    def _are_counted(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Whether all edges are counted, but those of the newest commits."""
        [(behind,)] = cursor.execute(sql("edges/behind")).fetchall()
        return behind is None or behind < self._stale

    def _rows(self, query: str, parameters: Parameters | None = None) -> list[Row]:
        with self._reading() as cursor:
            return cursor.execute(sql(f"read/{query}"), dict(parameters or {})).fetchall()

    def _services(self, cursor: duckdb.DuckDBPyConnection, resources: Iterable[int]) -> Mapping[int, str]:
        """The services of resources, of these at least; they never change."""
        unknown = set(resources) - self._service_of.keys()
        if unknown:
            found = cursor.execute(sql("read/services_of"), {"resources": list(unknown)}).fetchall()
            self._service_of.update(found)
        return self._service_of


def _in_each(
    cursor: duckdb.DuckDBPyConnection, ranges: Iterable[CommitRange], query: str, parameters: Parameters
) -> list[Row]:
    """The rows that a query finds in each of these ranges of commits."""
    rows: list[Row] = []
    for first, last in ranges:
        rows += cursor.execute(sql(f"read/{query}"), {**parameters, "from": first, "to": last}).fetchall()
    return rows


def _within(
    cursor: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    query: str,
    sought: Mapping[int, int],
    parameters: Parameters | None = None,
) -> Iterator[list[Row]]:
    """The rows that a query finds in each part.

    Args:
        sought: what to look for there, by the keys of the part.
    """
    for commits, keys in parts:
        asked = {"sought": [sought[key] for key in keys], **(parameters or {})}
        yield _in_each(cursor, [commits], query, asked)


def _all_within(
    cursor: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    query: str,
    sought: Mapping[int, int],
    parameters: Parameters | None = None,
) -> list[Row]:
    return list(chain.from_iterable(_within(cursor, parts, query, sought, parameters)))


def _where(spans: Sequence[Row]) -> Parameters:
    """Where what belongs to some rows of `spans_of.sql` is: it came in the same commits."""
    commits = [row[-1] for row in spans]
    return {"from": min(commits), "to": max(commits), "sought": list({row[1] for row in spans})}
