import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.edges.query import EdgeQuery
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.read.rows import Row, named_rows
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MINUTE, Span

from .....otlp import to_otlp
from ..older_files import make_older
from ..random_shop import CLIENT, CONSUMER, PRODUCER, SERVER, T0, S, shop
from ..write.test_writer import rows

WHOLE = (T0 - 10 * MINUTE, T0 + 60 * MINUTE)


def random_commits(spans: Sequence[Span], number: int, seed: int) -> list[list[Span]]:
    """Distribute spans at random over at most `number` commits."""
    generator = random.Random(seed)  # noqa: S311 - nothing secret
    commits: list[list[Span]] = [[] for _ in range(number)]
    for span in spans:
        generator.choice(commits).append(span)
    return [commit for commit in commits if commit]


def store(writer: DuckDBWriter, commits: Iterable[Sequence[Span]]) -> None:
    for commit in commits:
        writer.write(decode([to_otlp(commit)], KeyFinder()).batch)


def count(database: Database, step: int = 1_000) -> EdgeCounter:
    counter = EdgeCounter(database, CommitRanges(database), step)
    while counter.count_next() is not None:
        pass
    return counter


def rows_of(query: EdgeQuery) -> list[Row]:
    """Return the edges, and then their contracts."""
    edges = named_rows(query.result())
    contracts = query.contracts()
    return edges if contracts is None else edges + named_rows(contracts)


def from_spans(database: Database, since: int, until: int) -> list[Row]:
    """Compute the edges and their contracts from the spans."""
    with database.reading() as cursor:
        edges = EdgeQuery(cursor, CommitRanges(database))
        edges.add_window(since, until)
        return rows_of(edges)


def from_counts(database: Database, since: int, until: int) -> list[Row]:
    """Add up the edges and their contracts from the counts."""
    with database.reading() as cursor:
        edges = EdgeQuery(cursor, CommitRanges(database))
        edges.add_minutes(since, until)
        return rows_of(edges)


@pytest.mark.parametrize("seed", range(8))
def test_counts_equal_the_edges_of_all_spans_in_any_order_of_arrival(database: Database, seed: int) -> None:
    spans = shop(seed)
    store(DuckDBWriter(database), random_commits(spans, 1 + seed, seed))
    count(database, step=1 + 20 * (seed % 3))
    for since, until in (WHOLE, (T0, T0 + MINUTE), (T0 + 2 * MINUTE, T0 + 5 * MINUTE)):
        expected = from_spans(database, since, until)
        assert expected
        assert from_counts(database, since, until) == expected


def test_compacting_counts_does_not_change_the_edges(database: Database) -> None:
    store(DuckDBWriter(database), random_commits(shop(1), 9, 1))
    counter = count(database, step=5)
    in_parts, parts = from_counts(database, *WHOLE), rows(database, "SELECT count(*) FROM edges")
    counter.compact()
    assert from_counts(database, *WHOLE) == in_parts
    assert rows(database, "SELECT count(*) FROM edges") < parts
    assert rows(database, "SELECT count(*) FROM edges WHERE calls <= 0") == [(0,)]


def test_many_minutes_are_compacted_in_bounded_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(DuckDBWriter(database), random_commits(shop(1), 9, 1))
    counter = count(database, step=5)
    in_parts = from_counts(database, *WHOLE)
    monkeypatch.setattr("laban_collector.store.duckdb.edges.counter._AT_ONCE", 1)
    counter.compact()
    keys = "SELECT DISTINCT COLUMNS(c -> c NOT IN ('calls', 'errors', 'timed', 'elapsed')) FROM edges"
    assert rows(database, f"SELECT count(*) FROM ({keys})") == rows(database, "SELECT count(*) FROM edges")  # noqa: S608
    assert from_counts(database, *WHOLE) == in_parts


def test_counting_continues_after_the_last_counted_commit(database: Database) -> None:
    first, second = random_commits(shop(2), 2, 2)
    writer = DuckDBWriter(database)
    store(writer, [first])
    count(database)
    store(writer, [second])
    counter = EdgeCounter(database, CommitRanges(database))
    assert (counter.uncounted(), counter.count_next()) == (len(second), 2)
    assert (counter.uncounted(), counter.count_next()) == (0, None)
    assert from_counts(database, *WHOLE) == from_spans(database, *WHOLE)


def test_a_late_caller_replaces_the_unknown_caller(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database)
    store(writer, [[server]])
    count(database)
    assert pairs(database) == [("unseen:callers", "service:stock")]
    store(writer, [[client]])
    count(database)
    assert pairs(database) == [("service:order", "service:stock")]


def test_a_late_callee_replaces_the_unknown_callee(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database)
    store(writer, [[client]])
    count(database)
    assert pairs(database) == [("service:order", "external:stock.local:80")]
    store(writer, [[server]])
    count(database)
    assert pairs(database) == [("service:order", "service:stock")]


def test_a_crowded_trace_is_searched_nearby_only(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.edges.query._CROWDED", 10)
    monkeypatch.setattr("laban_collector.store.duckdb.edges.query._SOME", 1)
    client, server = client_and_server()
    far = replace(server, start=client.start + 3 * MINUTE, span_id="f" * 16)
    rest = [
        replace(server, span_id=f"{number:016x}", parent_id=None, start=client.start + number * MINUTE // 8)
        for number in range(1, 25)
    ]
    writer = DuckDBWriter(database)
    store(writer, [[*rest, client]])
    count(database)
    store(writer, [[server]])
    count(database)
    assert ("service:order", "service:stock") in pairs(database)  # the client is near
    store(writer, [[far]])
    count(database)
    assert ("unseen:callers", "service:stock") in pairs(database)


def test_edges_of_whole_minutes_come_from_the_counts_if_they_are_recent_enough(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database, itertools.count(T0, S).__next__)
    store(writer, [[client], [server]])
    EdgeCounter(database, CommitRanges(database), step=1).count_next()
    reader, stale = DuckDBReader(database), DuckDBReader(database, staleness=1.5)
    assert [edge.target for edge in reader.edges(*WHOLE)] == ["service:stock"]
    assert [edge.target for edge in stale.edges(*WHOLE)] == ["external:stock.local:80"]
    assert [edge.target for edge in stale.edges(T0 - 1, T0 + 2 * S)] == ["service:stock"]
    store(writer, [[replace(client, span_id=digit * 16)] for digit in "de"])  # beyond the staleness
    assert [(edge.target, edge.calls) for edge in stale.edges(*WHOLE)] == [("service:stock", 3)]


def test_counts_are_deleted_with_the_last_span_of_their_minute(database: Database) -> None:
    client, server = client_and_server()
    later = [replace(span, start=span.start + MINUTE, trace_id="e" * 32) for span in (client, server)]
    store(DuckDBWriter(database, itertools.count(T0, S).__next__), [[client], [server], later])
    count(database)
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + S).run()
    assert rows(database, "SELECT DISTINCT minute FROM edges") == [(T0 // MINUTE,), (T0 // MINUTE + 1,)]
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + 2 * S).run()
    assert rows(database, "SELECT DISTINCT minute FROM edges") == [(T0 // MINUTE + 1,)]


@pytest.mark.parametrize("version", [1, 2, 3, 5])
def test_a_file_of_an_older_version_is_counted_from_the_start(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.duckdb"
    first, second = random_commits(shop(3), 2, 3)
    with Database.open(path) as database:
        store(DuckDBWriter(database), [first])
        count(database)
    make_older(path, version)
    with Database.open(path) as database:
        store(DuckDBWriter(database), [second])  # with the same resources, whose ids are hashes
        count(database)
        assert from_counts(database, *WHOLE) == from_spans(database, *WHOLE)
        expected = rows(database, "SELECT count(*) FROM spans JOIN resources USING (resource_id)")
        assert expected == [(len(first) + len(second),)]
        assert rows(database, "SELECT count(DISTINCT service) = count(*) FROM resources") == [(True,)]


def test_a_late_producer_is_matched_with_its_waiting_consumer(database: Database) -> None:
    producer, consumer = producer_and_consumer(MINUTE)
    writer = DuckDBWriter(database)
    store(writer, [[consumer]])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links") == [(1,)]
    store(writer, [[producer]])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links") == [(0,)]
    assert from_counts(database, *WHOLE) == from_spans(database, *WHOLE)
    assert [row["by_link"] for row in from_counts(database, *WHOLE)] == [0, 1], "by link"


@pytest.mark.parametrize("digest_spans", [1, 1_000_000])
def test_a_producer_of_hours_before_is_found(database: Database, digest_spans: int) -> None:
    producer, consumer = producer_and_consumer(20 * 60 * MINUTE)
    writer = DuckDBWriter(database)
    store(writer, [[producer], *([span] for span in shop(4)[:60]), [consumer]])
    assert (Digester(database, digest_spans).catch_up() > 0) == (digest_spans == 1)
    count(database, step=20)
    since, until = T0 - 10 * MINUTE, T0 + 21 * 60 * MINUTE
    assert from_counts(database, since, until) == from_spans(database, since, until)
    [waits] = [
        row["latencies"]
        for row in from_counts(database, since, until)
        if (row["source"], row["target"]) == ("topic:late", "service:bank")
    ]
    assert waits == [pytest.approx(20 * 60 * MINUTE, rel=1e-6)]


def test_an_unmet_link_is_deleted_with_its_span(database: Database) -> None:
    _, consumer = producer_and_consumer(MINUTE)
    store(DuckDBWriter(database, itertools.count(T0, S).__next__), [[consumer], shop(5)])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links WHERE arrival = 1") == [(1,)]
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + S).run()
    assert rows(database, "SELECT count(*) FROM unmet_links WHERE arrival = 1") == [(0,)]


def producer_and_consumer(waits: int) -> tuple[Span, Span]:
    """Return a producer and a consumer span in separate traces; the message waits `waits` ns."""
    producer = Span("a" * 32, "b" * 16, None, "order", "send", PRODUCER, T0, S, 0)
    consumer = Span("c" * 32, "d" * 16, None, "bank", "process", CONSUMER, T0 + waits, S, 0)
    consumer = replace(consumer, links=((producer.trace_id, producer.span_id),))
    return on_topic(producer), on_topic(consumer)


def on_topic(span: Span) -> Span:
    return replace(span, messaging_system="kafka", topic="late")


def client_and_server() -> tuple[Span, Span]:
    client = Span("a" * 32, "b" * 16, None, "order", "GET", CLIENT, T0 + S, S, 0, http_method="GET")
    client = replace(client, peer_address="stock.local", peer_port=80)
    server = Span("a" * 32, "c" * 16, "b" * 16, "stock", "GET /", SERVER, T0 + S, S, 0, http_method="GET")
    return client, server


def pairs(database: Database) -> list[tuple[str, str]]:
    return [(row["source"], row["target"]) for row in from_counts(database, *WHOLE)]
