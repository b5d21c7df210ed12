"""Answers the queries of `SpanReader` from one DuckDB file."""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final

import duckdb

from laban.vocabulary import KAFKA_KEY_CORRELATION, UNKNOWN_SERVICE
from laban_collector.store.base import ClosureReader, SpanReader
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.edges.query import STREAMING_MARK, EdgeQuery, bucket_of
from laban_collector.store.duckdb.index.commit_ranges import (
    EVERYTHING,
    CommitRanges,
    Part,
)
from laban_collector.store.duckdb.index.keys import (
    CommitRange,
    Consumer,
    key_of_link,
    key_of_message,
    key_of_value,
)
from laban_collector.store.duckdb.read.caches import (
    NewestLagCache,
    ServiceCounts,
    SpanExtentCaches,
    TraceCount,
)
from laban_collector.store.duckdb.read.exemplars import newest_exemplars
from laban_collector.store.duckdb.read.last_spans import LastSpans
from laban_collector.store.duckdb.read.rows import (
    Row,
    Service,
    both_forms,
    edges_of,
    entry_times_of,
    halves,
    hop_seen,
    keys_of,
    lag_of,
    latencies_of,
    log_line_of,
    named_rows,
    newest_traces,
    operation_seen,
    outline_of,
    sets_of_keys,
    spans_of,
    trace_id_of,
    trace_ids,
    traces_by_value,
    unread_of,
    unread_parameters,
)
from laban_collector.store.duckdb.read.search import TraceSearch
from laban_collector.store.duckdb.read.trace import Origins, TraceQuery
from laban_collector.store.edge_totals import Exemplar
from laban_collector.store.rows import (
    ALL_STARTS,
    MAX_ROWS,
    MINUTE,
    Contents,
    DatedSpans,
    EdgeMinute,
    EdgePlace,
    EdgeRow,
    EntryTimes,
    Lag,
    LagProblem,
    LagRate,
    Latencies,
    LogLine,
    MessageRef,
    Peer,
    ProfileCount,
    ProfileStep,
    QueueMinute,
    QueueProgress,
    SampledRef,
    SeenHop,
    SeenOperation,
    Span,
    TraceRef,
    Unread,
    UnreadRange,
    ValueRef,
    WholeSpan,
)
from laban_collector.store.searches import FoundTraces, NamedOperation, SpanOutline, SpanSearch

_MOST_LATENCIES: Final = 300
"""Edges or routes whose latencies are returned: those with the most calls."""
_MAX_SERVICES: Final = 1000
_UNPROFILED: Final = 300_000
"""Number of the newest spans among which traces without a profile are looked for."""
_EARLIER: Final = 10 * MINUTE
"""ns: how long before a window the roots of its traces are looked for."""
_LOST_AMONG: Final = 200_000
"""Number of spans among which traces without a root are looked for."""
_MAX_KNOWN: Final = 1 << 16
"""Resources whose services are kept in memory: senders may make up new ones without end."""
_FIRST_WINDOW: Final = MINUTE
_WIDER: Final = 8
"""How far back the newest values are looked for at first, in ns, and by what factor if they are too few."""

Parameters = Mapping[str, object]


class DuckDBReader(SpanReader):
    """Reads one DuckDB file. Thread-safe.

    Args:
        database: the file.
        staleness: seconds of the newest commits that edges may miss while these are being counted.
        commit_ranges: of the same database, if the caller has them.
        polls: returns the number of stored polls of the lag, if it is known.
    """

    def __init__(
        self,
        database: Database,
        staleness: float = 0,
        commit_ranges: CommitRanges | None = None,
        polls: Callable[[], int] | None = None,
    ) -> None:
        self._database = database
        self._staleness = staleness * 1e9
        self._commit_ranges = commit_ranges or CommitRanges(database)
        self._polls = polls
        self._snapshot = threading.local()
        self.forget()

    def forget(self) -> None:
        """Forget what was read: the database is another one now."""
        self._extents = SpanExtentCaches()
        self._counts = ServiceCounts()
        self._traces = TraceCount()
        self._newest_lag = NewestLagCache(self._polls)
        self._service_of: dict[int, Service] = {}
        self._origins = Origins()
        self._last_spans = LastSpans(self._commit_ranges)

    @contextmanager
    def at_one_moment(self) -> Generator[None, None, None]:
        """Let all queries of this thread in the block see the same state of the store; blocks may nest."""
        if hasattr(self._snapshot, "cursor"):
            yield
            return
        with self._database.reading() as cursor:
            self._snapshot.cursor, self._snapshot.values = cursor, {}
            try:
                yield
            finally:
                del self._snapshot.cursor, self._snapshot.values

    def contents(self) -> Contents:
        """Return a summary of the store."""
        with self._reading() as cursor:
            counts = self._counts.of(cursor)
            spans = sum(counts.values())
            traces, estimated = self._traces.of(cursor, spans)
        # The default of an SDK may have the name of the program behind it.
        unnamed = (name for name in counts if name.partition(":")[0] == UNKNOWN_SERVICE)
        return Contents(
            services=tuple(sorted(counts)[:_MAX_SERVICES]),
            spans=spans,
            unnamed=sum(counts[name] for name in unnamed),
            traces=traces,
            estimated=estimated,
        )

    def extent(self, since: int, until: int) -> tuple[int, int] | None:
        """Return the first and the last start of the spans that start in the window; None without spans."""
        with self._reading() as cursor:
            return self._extents[since].times(cursor, until)

    def spans_outside(self, since: int, until: int) -> list[DatedSpans]:
        """Return the spans that start outside the window, by the number of digits of their starts."""
        window = {"since": since, "until": until}
        return [DatedSpans(**row) for row in self._rows("spans_outside", window)]

    def namespaces(self) -> list[str]:
        """Return the namespaces of all services."""
        return [row["namespace"] for row in self._rows("namespaces", {"limit": _MAX_SERVICES})]

    def traces_with(self, key_prefix: str, value: str, limit: int) -> list[TraceRef]:
        """Return the traces with this value for a key that starts with `key_prefix`, newest first."""
        rows = self._rows_with(value, 2 * limit)
        if rows is None:
            # Grouped, so that all times of a trace are known, also those in another range.
            parameters = {"prefix": key_prefix, "value": value, "limit": limit}
            with self._reading() as cursor:
                rows = _in_each(cursor, [EVERYTHING], "traces_with", parameters)
        else:
            rows = [{**row, "named": row["key"].startswith(key_prefix)} for row in rows]
            rows = [row for row in rows if row["named"] or row["key"] == KAFKA_KEY_CORRELATION]
        return newest_traces(rows, limit)

    def _rows_with(self, value: str, limit: int) -> list[Row] | None:
        """Return the rows of a value, read once at one moment; None if there are as many as the limit."""
        known: dict[tuple[str, int], list[Row]] = getattr(self._snapshot, "values", {})
        if (value, limit) not in known:
            parts = self._commit_ranges.that_may_hold([key_of_value(value)])
            with self._reading() as cursor:
                parameters = {"value": value, "limit": limit}
                known[value, limit] = _in_each(
                    cursor, [part.commits for part in parts], "rows_with", parameters
                )
        rows = known[value, limit]
        return rows if len(rows) < limit else None

    def nearest_values(self, key_prefix: str, value: str, limit: int) -> list[str]:
        """Return the known values that resemble `value`, nearest first; newest first if equally near."""
        parameters = {"prefix": key_prefix, "value": value, "limit": limit}
        return [row["value"] for row in self._rows("nearest_values", parameters)]

    def recent_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[tuple[str, int]]:
        """Return (value, last seen) of the newest correlations in the window."""
        parameters = {"prefix": key_prefix, "since": since, "until": until, "limit": limit}
        return [(row["value"], row["last_seen"]) for row in self._rows("recent_values", parameters)]

    def newest_values(self, key_prefix: str, since: int, until: int, limit: int) -> list[ValueRef]:
        """Return the newest values in the window of the keys that start with a prefix, newest first.

        Grouping all values costs far more than reading a few minutes, so the window grows backward.
        """
        parameters = {"prefix": key_prefix, "since": since, "until": until}
        [row] = self._rows("newest_correlation", parameters)
        if row["newest"] is None:
            return []
        newest, length = min(row["newest"], until - 1), _FIRST_WINDOW
        while True:
            parameters["since"] = max(newest - length, since)
            rows = self._rows("newest_values", {**parameters, "limit": limit})
            if len(rows) >= limit or parameters["since"] == since:
                return [ValueRef(**row) for row in rows]
            length *= _WIDER

    def traces_of_values(
        self, key_prefix: str, values: Collection[str], limit: int
    ) -> dict[tuple[str, str], list[TraceRef]]:
        """Return the newest traces of some values, at most `limit` each, by key and value, newest first."""
        wanted = {key_of_value(value): value for value in values}
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            parameters = {"prefix": key_prefix, "limit": limit}
            rows = _all_within(cursor, parts, "traces_of_values", wanted, parameters)
        return traces_by_value(rows, limit)

    def keys_with(self, value: str, limit: int) -> list[frozenset[str]]:
        """Return the sets of business keys that have a value together in a trace, without bare Kafka keys."""
        rows = self._rows_with(value, 2 * limit)
        if rows is None:
            return [frozenset(row["keys"]) for row in self._rows("keys_with", {"value": value})]
        return sets_of_keys(row for row in rows if row["key"] != KAFKA_KEY_CORRELATION)

    def spans_of(self, trace_ids: Sequence[str], since: int, until: int, limit: int) -> list[Span]:
        """Return the first spans of these traces that start in the window, by start.

        The spans of another form of a trace id are included: see `both_forms`.
        """
        traces = {halves(trace_id) for trace_id in trace_ids}
        wanted = {low: low for _, low in traces}
        window = {"since": since, "until": until}
        found: list[Row] = []
        events: list[Row] = []
        links: list[Row] = []
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            read = [_first_spans(cursor, part, wanted, window, limit) for part in parts]
            traces = both_forms(traces, {(row["trace_hi"], row["trace_lo"]) for rows in read for row in rows})
            for rows in read:
                spans = [row for row in rows if (row["trace_hi"], row["trace_lo"]) in traces]
                if spans:
                    found += spans
                    commits = _commits_of(spans)
                    events += _in_each(cursor, [commits], "events_of", _traces_of(spans))
                    links += _in_each(cursor, [commits], "links_of", _traces_of(spans))
            services = self._services(cursor, (row["resource_id"] for row in found))
        return spans_of(found, services, events, links, limit)

    def trace(self, trace_id: str, limit: int | None = None) -> Generator[list[WholeSpan], None, None]:
        """Yield the spans of a trace by start, in parts of some thousand; nothing if there are none.

        The spans of another form of the id are included: see `both_forms`.
        """
        return self.whole_traces([trace_id], limit)

    def whole_traces(
        self, trace_ids: Collection[str], limit: int | None = None
    ) -> Generator[list[WholeSpan], None, None]:
        """Yield the spans of some traces, as `trace` does for one."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        parts = self._commit_ranges.that_may_hold({low for _, low in traces})
        # A reader may take long for the parts, so all come from one state of the store.
        with self._database.reading() as cursor:
            self._origins = origins = self._origins.few()
            yield from TraceQuery(cursor, traces, [part.commits for part in parts], origins).pages(limit)

    def traces_linked_from(self, trace_ids: Sequence[str]) -> list[str]:
        """Return the other traces with a span that links to one of these: their consequences."""
        traces = {halves(trace_id) for trace_id in trace_ids}
        wanted = {key_of_link(low): low for _, low in traces}
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            rows = _all_within(cursor, parts, "traces_linked_from", wanted)
        linking = [row for row in rows if (row["linked_trace_hi"], row["linked_trace_lo"]) in traces]
        return trace_ids_without(linking, traces)

    def traces_of_messages(self, messages: Sequence[MessageRef], since: int, until: int) -> list[str]:
        """Return the traces with a span on one of these messages."""
        addresses = {(message.topic, message.partition, message.offset) for message in messages}
        wanted = {key_of_message(partition, offset): offset for _, partition, offset in addresses}
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            window = {"since": since, "until": until}
            rows = _all_within(cursor, parts, "traces_of_messages", wanted, window)
        return trace_ids(row for row in rows if (row["topic"], row["partition"], row["offset"]) in addresses)

    def published(self, messages: Collection[MessageRef], since: int, until: int) -> dict[MessageRef, int]:
        """Return when these messages were published (ns), as far as a span of the window tells."""
        wanted = {key_of_message(one.partition, one.offset): one.offset for one in messages}
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            window = {"since": since, "until": until}
            rows = _all_within(cursor, parts, "publications_of", wanted, window)
        found: dict[MessageRef, int] = {}
        for row in rows:
            message = MessageRef(row["topic"], row["partition"], row["offset"])
            found[message] = min(row["start"], found.get(message, row["start"]))
        return {message: found[message] for message in messages if message in found}

    def unread(
        self, ranges: Sequence[UnreadRange], since: int, until: int, limit: int
    ) -> dict[UnreadRange, Unread]:
        """Return what the spans of a window tell of unread messages: of each range, the first `limit`."""
        if not ranges:
            return {}
        parameters = {
            **unread_parameters(ranges),
            "since": since,
            "until": until,
            "limit": limit,
        }
        return unread_of(self._rows("unread", parameters), ranges)

    def keys_of(
        self, trace_ids: Collection[str], since: int, until: int, limit: int
    ) -> dict[str, list[tuple[str, str]]]:
        """Return the business keys and values of traces, at most `limit` each."""
        traces = [halves(trace_id) for trace_id in trace_ids]
        ids = {"highs": [high for high, _ in traces], "lows": [low for _, low in traces]}
        return keys_of(self._rows("keys_of", {**ids, "since": since, "until": until, "limit": limit}))

    def newest_consumptions(self, group: str, topic: str, since: int, until: int, limit: int) -> list[str]:
        """Return the newest traces in which a group has processed messages of a topic."""
        window = {"since": since, "until": until, "limit": limit}
        return trace_ids(self._rows("newest_consumptions", {"group": group, "topic": topic, **window}))

    def lag_rates(self, since: int, until: int) -> list[LagRate]:
        """Return how fast messages came and were consumed in a window, by cluster, group and topic."""
        rows = self._rows("lag_rates", {"since": since, "until": until, "limit": MAX_ROWS})
        return [LagRate(**row) for row in rows]

    def queue_progress(
        self, topics: Sequence[str], since: int, until: int, recent: int
    ) -> list[QueueProgress]:
        """Return how the groups of some topics have advanced in a window; their rates since `recent`."""
        window = {"topics": list(topics), "since": since, "until": until, "recent": recent}
        return [QueueProgress(**row) for row in self._rows("queue_progress", {**window, "limit": MAX_ROWS})]

    def queue_minutes(self, group: str, topic: str, since: int, until: int) -> list[QueueMinute]:
        """Return how far a group had come in a topic, by minute."""
        queue = {"group": group, "topic": topic, "since": since, "until": until}
        return [QueueMinute(**row) for row in self._rows("queue_minutes", queue)]

    def groups_of(self, topics: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return topic → consumer group → service, for all groups that have consumed these topics."""
        first, consumers = self._commit_ranges.consumers()
        if first is not None:
            consumers |= self._consumers_since(first)
        groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for topic, group, service in sorted(consumers):
            if topic in topics:
                groups[topic][group] = service
        return dict(groups)

    def _consumers_since(self, first: int) -> set[Consumer]:
        with self._reading() as cursor:
            rows = named_rows(cursor.execute(sql("read/consumers_since"), {"first": first}))
            services = self._services(cursor, (row["resource_id"] for row in rows))
        return {Consumer(row["topic"], row["group"], services[row["resource_id"]].name) for row in rows}

    def last_spans(self, services: Collection[str]) -> dict[str, int]:
        """Return the end (ns) of the last span of each service that has one."""
        with self._reading() as cursor:
            return self._last_spans.of(cursor, services)

    def callees(self, peers: Collection[Peer], since: int, until: int) -> dict[Peer, str]:
        """Return the service behind each peer, from the calls of a window widened to whole minutes.

        Uses counted edges if possible: for an address, they know the service only with its port.
        """
        begin, end = since // MINUTE, -(-until // MINUTE)
        parameters = {
            "addresses": [peer.address for peer in peers],
            "ports": [peer.port for peer in peers],
            "rpc_services": [peer.rpc_service for peer in peers],
        }
        with self._reading() as cursor:
            complete = all(peer.port is not None or peer.address is None for peer in peers)
            if complete and self._are_counted(cursor):
                query, window = "callees_counted", {"since": begin, "until": end}
            else:
                query, window = (
                    "callees",
                    {"since": begin * MINUTE, "until": min(end * MINUTE, ALL_STARTS[1])},
                )
            rows = named_rows(cursor.execute(sql(f"read/{query}"), {**parameters, **window}))
        found: dict[Peer, str | None] = {}
        for row in rows:
            peer = Peer(row["address"], row["port"], row["rpc_service"])
            # Several services may implement an RPC service, such as the health check.
            found[peer] = row["service"] if peer not in found or peer.address is not None else None
        return {peer: service for peer, service in found.items() if service is not None}

    def edges(self, since: int, until: int) -> list[EdgeRow]:
        """Return all edges that began in the window; from the counts if it consists of whole minutes."""
        with self._reading() as cursor:
            query = EdgeQuery(cursor, self._commit_ranges)
            if since % MINUTE == until % MINUTE == 0 and self._are_counted(cursor):
                query.add_minutes(since, until)
            else:
                query.add_window(since, until)
            edges = named_rows(query.result())
            contracts = query.contracts()
            return edges_of(edges, [] if contracts is None else named_rows(contracts))

    def entry_times(self, names: Collection[str], since: int, until: int) -> list[EntryTimes]:
        """Return how some operations (`order POST /orders`) did in a window, as far as they were called."""
        window = {"since": since, "until": until, "streaming": STREAMING_MARK}
        return [entry_times_of(row) for row in self._rows("entry_times", {"names": list(names), **window})]

    def newest_publications(
        self, topics: Collection[str], since: int, until: int, each: int
    ) -> dict[str, list[str]]:
        """Return the newest traces that published to some topics in a window, at most `each` by topic."""
        parameters = {"topics": list(topics), "since": since, "until": until, "each": each}
        found: defaultdict[str, list[str]] = defaultdict(list)
        for row in self._rows("newest_publications", parameters):
            found[row["topic"]].append(trace_id_of(row))
        return dict(found)

    def exemplars(self, limit: int) -> list[Exemplar]:
        """Return traces of the newest spans as examples for the histograms of edges, the newest first."""
        with self._reading() as cursor:
            return newest_exemplars(cursor, limit)

    def edge_minutes(self, place: EdgePlace, since: int, until: int, slow: int) -> list[EdgeMinute]:
        """Return the counted calls of some edges by minute, and those that took `slow` ns or longer."""
        parameters = {
            "source": place.source,
            **dict(zip(("first", "second", "third"), place.targets * 3, strict=False)),
            "address": place.address,
            "rpc_service": place.rpc_service,
            "since": since // MINUTE,
            "until": -(-until // MINUTE),
            "slow": bucket_of(slow),
        }
        with self._reading() as cursor:
            rows = named_rows(cursor.execute(sql("edges/edge_minutes"), parameters))
        return [EdgeMinute(**row) for row in rows]

    def counted_to(self) -> int | None:
        """Return when the newest spans were stored that edges of whole minutes contain; None: no spans."""
        with self._reading() as cursor:
            [(time,)] = cursor.execute(sql("edges/counted_to")).fetchall()
        return None if time is None else int(time)

    def all_counted(self) -> bool:
        """Return whether the edges of whole minutes contain all stored spans, or are computed from them."""
        with self._reading() as cursor:
            behind = self._behind(cursor)
        return behind is None or behind >= self._staleness

    def seen_operations(self, since: int, until: int) -> list[SeenOperation]:
        """Return the operations that server spans of a window name, the most frequent first."""
        window = {"since": since, "until": until, "limit": MAX_ROWS}
        return [operation_seen(row) for row in self._rows("seen_operations", window)]

    def seen_hops(self, since: int, until: int) -> list[SeenHop]:
        """Return the kinds of spans and their other sides in a window, the most frequent first."""
        window = {"since": since, "until": until, "limit": MAX_ROWS}
        return [hop_seen(row) for row in self._rows("seen_hops", window)]

    def services(self, limit: int) -> list[str]:
        """Return the names of the services that have spans, without namespaces, sorted."""
        return [row["service"] for row in self._rows("services", {"limit": limit})]

    def operations_of(self, service: str, since: int, until: int, limit: int) -> list[NamedOperation]:
        """Return the names and kinds of the spans of a service in a window, the most frequent first."""
        asked = {"service": service, "since": since, "until": until, "limit": limit}
        return [NamedOperation(**row) for row in self._rows("operations_of", asked)]

    def search(self, search: SpanSearch, limit: int, among: Collection[str] | None = None) -> FoundTraces:
        """Return the newest traces with a span that fits, of all traces or of some."""
        traces = None if among is None else {halves(trace_id) for trace_id in among}
        parts = [] if traces is None else self._commit_ranges.that_may_hold({low for _, low in traces})
        with self._reading() as cursor:
            query = TraceSearch(cursor, search)
            return query.newest(limit) if traces is None else query.among(parts, limit)

    def outlines_of(self, trace_ids: Collection[str], limit: int) -> list[SpanOutline]:
        """Return what summaries need of the spans of traces; as many as the limit: not all."""
        wanted = {low: low for _, low in map(halves, trace_ids)}
        parts = self._commit_ranges.that_may_hold(wanted)
        with self._reading() as cursor:
            rows = _all_within(cursor, parts, "outlines_of", wanted, {"limit": limit})[:limit]
            services = self._services(cursor, (row["resource_id"] for row in rows))
        return [outline_of(row, services[row["resource_id"]].name) for row in rows]

    def profile(self, entry: int, since: int, until: int) -> tuple[list[ProfileStep], list[ProfileCount]]:
        """Return the steps of an entry, and the counts of all time slices that overlap a window, added up."""
        begin, end = since // MINUTE, -(-until // MINUTE)
        window = {"entry": entry, "since": begin, "until": end}
        with self._reading() as cursor:
            counts = cursor.execute(sql("profiles/count_of"), window).fetchall()
            steps = named_rows(cursor.execute(sql("profiles/steps_of"), {"entry": entry})) if counts else []
        return [ProfileStep(**row) for row in steps], [
            ProfileCount(begin, end - begin, entry, step, measure, tuple(zip(buckets, numbers, strict=True)))
            for step, measure, buckets, numbers in counts
        ]

    def profile_slices(self, entry: int, measure: int, since: int, until: int) -> list[tuple[int, int, int]]:
        """Return start and length of each slice of an entry, and how many values of a measure it has."""
        window = {"since": since // MINUTE, "until": -(-until // MINUTE), "entry": entry, "measure": measure}
        with self._reading() as cursor:
            return cursor.execute(sql("profiles/slices_of"), window).fetchall()

    def profiled_to(self) -> int:
        """Return the last commit whose traces profiles contain."""
        with self._reading() as cursor:
            [(profiled,)] = cursor.execute(sql("profiles/profiled")).fetchall()
        return int(profiled)

    def unprofiled_entries(
        self, namespace: str | None, service: str, name: str, limit: int
    ) -> list[TraceRef]:
        """Return some of the newest traces that no profile contains yet and whose root has this name."""
        entry = {"namespace": namespace, "service": service, "name": name}
        rows = self._rows("unprofiled_entries", {**entry, "spans": _UNPROFILED, "limit": limit})
        return [TraceRef(trace_id_of(row), row["start"], row["start"]) for row in rows]

    def sampled_traces(self, since: int, until: int, entries: int, each: int) -> list[SampledRef]:
        """Return some traces of each entry operation of a window, chosen by their random ids."""
        window = {"since": since, "until": until, "before": max(since - _EARLIER, 0)}
        limits = {"entries": entries, "each": each, "share": _LOST_AMONG}
        rows = self._rows("sampled_entries", {**window, **limits})
        first, last = self._commits_of(since, until)
        wanted = [row["trace_lo"] for row in rows]
        sizes = self._rows("sizes_of_traces", {"first": first, "last": last, "wanted": wanted})
        spans = {row["trace_lo"]: row["spans"] for row in sizes}
        return [
            SampledRef(
                row["namespace"],
                row["service"],
                row["name"],
                row["seen"],
                trace_id_of(row),
                spans.get(row["trace_lo"], 0),
            )
            for row in rows
        ]

    def in_bulk(self, since: int, until: int) -> ClosureReader:
        """Return a reader for very many traces of a window at once."""
        # The class is derived from this one.
        from laban_collector.store.duckdb.profiles.round_reader import RoundReader

        bulk = RoundReader(self._database, commit_ranges=self._commit_ranges, with_events=True)
        bulk._snapshot = self._snapshot  # noqa: SLF001 - of its own class: both see the same moment
        bulk.read_only_in(self._commits_of(since, until))
        return bulk

    def _commits_of(self, since: int, until: int) -> CommitRange:
        """Return the commits that hold the spans of a window, and those that came soon after."""
        [row] = self._rows("commits_of_window", {"since": since, "until": until})
        return CommitRange(row["first"], row["last"])

    def logs_of(self, trace_ids: Sequence[str], limit: int) -> list[LogLine]:
        """Return the first log records of these traces, by time; a record that was sent twice, once."""
        wanted = {half: trace_id for trace_id in trace_ids if (half := int(trace_id[-16:], 16))}
        if not wanted:
            return []
        rows = self._rows("logs_of", {"traces": list(wanted), "limit": limit})
        return [line for row in rows if (line := log_line_of(row, wanted[row["trace_lo"]])) is not None]

    def latest_lag(self, window: tuple[int, int] | None = None) -> list[Lag]:
        """Return the newest row of each (cluster, group, topic, partition), or of those in a window."""
        if window is not None:
            polls = self._rows("latest_lag", {"since": window[0], "until": window[1]})
            rows = [lag_of(poll | poll.pop("rest")) for poll in polls]
            return sorted(rows, key=lambda row: (row.group, row.topic, row.partition, row.cluster))[:MAX_ROWS]
        with self._reading() as cursor:
            return self._newest_lag.rows(cursor)

    def lag_problems(self) -> list[LagProblem]:
        """Return what the newest poll of each cluster could not read."""
        return [LagProblem(**row) for row in self._rows("lag_problems", {"limit": MAX_ROWS})]

    def lag_between(self, since: int, until: int) -> list[Lag]:
        """Return all rows in the window, by time."""
        parameters = {"since": since, "until": until, "limit": MAX_ROWS}
        return [lag_of(row) for row in self._rows("lag_between", parameters)]

    def latency(self, by: str, since: int, until: int, slot: int) -> Latencies:
        """Return percentiles over time and of the whole window, of the busiest edges or routes."""
        with self._reading() as cursor:
            if by == "edge":
                query = EdgeQuery(cursor, self._commit_ranges)
                if since % MINUTE == until % MINUTE == 0 and self._are_counted(cursor):
                    query.add_minutes(since, until)
                    query.count_latencies(slot, (since, until))
                else:
                    query.add_window(since, until)
                    query.count_latencies(slot)
            else:
                window = {"since": since, "until": until, "slot": slot, "streaming": STREAMING_MARK}
                cursor.execute(sql("read/latency_counts"), window)
            rows = named_rows(cursor.execute(sql("read/latencies"), {"most": _MOST_LATENCIES}))
            cursor.execute("DROP TABLE latency_counts")
        return latencies_of(rows)

    def _reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        cursor: duckdb.DuckDBPyConnection | None = getattr(self._snapshot, "cursor", None)
        return self._database.reading() if cursor is None else nullcontext(cursor)

    def _are_counted(self, cursor: duckdb.DuckDBPyConnection) -> bool:
        """Return whether all edges are counted, except for those of the newest commits."""
        behind = self._behind(cursor)
        return behind is None or behind < self._staleness

    def _behind(self, cursor: duckdb.DuckDBPyConnection) -> int | None:
        """Return by how many ns the counts are behind the spans; None if all are counted."""
        [(behind,)] = cursor.execute(sql("edges/behind")).fetchall()
        return None if behind is None else int(behind)

    def _rows(self, query: str, parameters: Parameters | None = None) -> list[Row]:
        with self._reading() as cursor:
            return named_rows(cursor.execute(sql(f"read/{query}"), dict(parameters or {})))

    def _services(self, cursor: duckdb.DuckDBPyConnection, resources: Iterable[int]) -> Mapping[int, Service]:
        """Return the services of at least these resources; they never change."""
        wanted = set(resources)
        if len(self._service_of) > _MAX_KNOWN:  # other threads may still read the old ones
            self._service_of = {}
        known = self._service_of
        unknown = wanted - known.keys()
        if unknown:
            found = cursor.execute(sql("read/services_of"), {"resources": list(unknown)}).fetchall()
            known.update((resource, Service(*service)) for resource, *service in found)
        return known


def trace_ids_without(rows: Iterable[Row], traces: Collection[tuple[int, int]]) -> list[str]:
    """Return the ids of the traces in rows, each once, except for `traces`."""
    return trace_ids(row for row in rows if (row["trace_hi"], row["trace_lo"]) not in traces)


def _in_each(
    cursor: duckdb.DuckDBPyConnection, ranges: Iterable[CommitRange], query: str, parameters: Parameters
) -> list[Row]:
    """Return the rows of a query in each of these ranges of commits."""
    rows: list[Row] = []
    for first, last in ranges:
        rows += named_rows(cursor.execute(sql(f"read/{query}"), {**parameters, "from": first, "to": last}))
    return rows


def _first_spans(
    cursor: duckdb.DuckDBPyConnection,
    part: Part,
    wanted: Mapping[int, int],
    window: Mapping[str, int],
    limit: int,
) -> list[Row]:
    """Return the spans of some traces in a part: all, or the first by start if there are more than the limit.

    Sorting takes as long as finding a few spans, so only too many spans are sorted.
    """
    rows = _all_within(cursor, [part], "spans_of", wanted, {**window, "limit": limit + 1})
    if len(rows) <= limit:
        return rows
    [last] = _all_within(cursor, [part], "last_start", wanted, {**window, "before": limit - 1})
    first = {**window, "until": last["start"] + 1, "limit": limit + MAX_ROWS}
    return _all_within(cursor, [part], "spans_of", wanted, first)


def _all_within(
    cursor: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    query: str,
    wanted: Mapping[int, object],
    parameters: Parameters | None = None,
) -> list[Row]:
    """Return the rows of a query in all parts.

    Args:
        cursor: of the database.
        parts: what to read.
        query: the query.
        wanted: the values to look for there, by the keys of the part.
        parameters: other parameters of the query.
    """
    rows: list[Row] = []
    for commits, keys in parts:
        asked = {"wanted": [wanted[key] for key in keys], **(parameters or {})}
        rows += _in_each(cursor, [commits], query, asked)
    return rows


def _commits_of(spans: Sequence[Row]) -> CommitRange:
    """Return the commits that contain some spans, and so their events and links."""
    commits = [row["arrival"] for row in spans]
    return CommitRange(min(commits), max(commits))


def _traces_of(spans: Sequence[Row]) -> Parameters:
    return {"wanted": list({row["trace_lo"] for row in spans})}
