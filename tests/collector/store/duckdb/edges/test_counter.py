import itertools
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.store.base import MINUTE, RetentionLimits, Span
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.edges.query import EdgeQuery
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.read.rows import Row, named_rows
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from .....otlp import to_otlp
from ..older_files import make_older
from ..random_shop import CLIENT, CONSUMER, PRODUCER, SERVER, T0, S, shop
from ..write.test_writer import rows

WHOLE = (T0 - 10 * MINUTE, T0 + 60 * MINUTE)


def commits_of(spans: Sequence[Span], number: int, seed: int) -> list[list[Span]]:
    """The spans in any order, in so many commits."""
    mixed = random.Random(seed)  # noqa: S311 - nothing secret
    commits: list[list[Span]] = [[] for _ in range(number)]
    for span in spans:
        mixed.choice(commits).append(span)
    return [commit for commit in commits if commit]


def store(writer: DuckDBWriter, commits: Iterable[Sequence[Span]]) -> None:
    for commit in commits:
        writer.write(decode([to_otlp(commit)], KeyFinder()).batch)


def count(database: Database, step: int = 1_000) -> EdgeCounter:
    counter = EdgeCounter(database, CommitRanges(database), step)
    while counter.count_next() is not None:
        pass
    return counter


def worked_out(database: Database, since: int, until: int) -> list[Row]:
    """From the spans."""
    with database.reading() as cursor:
        edges = EdgeQuery(cursor, CommitRanges(database))
        edges.add_window(since, until)
        return named_rows(edges.result())


def counted(database: Database, since: int, until: int) -> list[Row]:
    """From the counts."""
    with database.reading() as cursor:
        edges = EdgeQuery(cursor, CommitRanges(database))
        edges.add_minutes(since, until)
        return named_rows(edges.result())


@pytest.mark.parametrize("seed", range(12))
def test_counts_are_what_all_spans_tell_in_whatever_order_they_came(database: Database, seed: int) -> None:
    spans = shop(seed)
    store(DuckDBWriter(database), commits_of(spans, 1 + seed, seed))
    count(database, step=1 + 20 * (seed % 3))
    for since, until in (WHOLE, (T0, T0 + MINUTE), (T0 + 2 * MINUTE, T0 + 5 * MINUTE)):
        expected = worked_out(database, since, until)
        assert expected
        assert counted(database, since, until) == expected


def test_what_was_counted_in_parts_is_added_up_and_tells_the_same(database: Database) -> None:
    store(DuckDBWriter(database), commits_of(shop(1), 9, 1))
    counter = count(database, step=1)
    in_parts, parts = counted(database, *WHOLE), rows(database, "SELECT count(*) FROM edges")
    counter.compact()
    assert counted(database, *WHOLE) == in_parts
    assert rows(database, "SELECT count(*) FROM edges") < parts
    assert rows(database, "SELECT count(*) FROM edges WHERE calls <= 0") == [(0,)]


def test_who_counts_goes_on_after_what_was_counted(database: Database) -> None:
    first, second = commits_of(shop(2), 2, 2)
    writer = DuckDBWriter(database)
    store(writer, [first])
    count(database)
    store(writer, [second])
    counter = EdgeCounter(database, CommitRanges(database))
    assert (counter.uncounted(), counter.count_next()) == (len(second), 2)
    assert (counter.uncounted(), counter.count_next()) == (0, None)
    assert counted(database, *WHOLE) == worked_out(database, *WHOLE)


def test_a_caller_who_reports_late_takes_the_place_of_the_unknown_one(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database)
    store(writer, [[server]])
    count(database)
    assert pairs(database) == [("entry:clients", "service:stock")]
    store(writer, [[client]])
    count(database)
    assert pairs(database) == [("service:order", "service:stock")]


def test_a_callee_who_reports_late_takes_the_place_of_the_unknown_one(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database)
    store(writer, [[client]])
    count(database)
    assert pairs(database) == [("service:order", "external:stock.local:80")]
    store(writer, [[server]])
    count(database)
    assert pairs(database) == [("service:order", "service:stock")]


def test_a_graph_of_whole_minutes_comes_from_the_counts_when_all_are_counted(database: Database) -> None:
    client, server = client_and_server()
    writer = DuckDBWriter(database, itertools.count(T0, S).__next__)
    store(writer, [[client], [server]])
    EdgeCounter(database, CommitRanges(database), step=1).count_next()
    reader, forgiving = DuckDBReader(database), DuckDBReader(database, staleness=1.5)
    assert [edge.target for edge in reader.edges(*WHOLE)] == ["service:stock"]
    assert [edge.target for edge in forgiving.edges(*WHOLE)] == ["external:stock.local:80"]
    assert [edge.target for edge in forgiving.edges(T0 - 1, T0 + 2 * S)] == ["service:stock"]
    store(writer, [[replace(client, span_id=digit * 16)] for digit in "de"])  # later than is forgiven
    assert [(edge.target, edge.calls) for edge in forgiving.edges(*WHOLE)] == [("service:stock", 3)]


def test_counts_go_with_the_last_span_of_their_minute(database: Database) -> None:
    client, server = client_and_server()
    later = [replace(span, start=span.start + MINUTE, trace_id="e" * 32) for span in (client, server)]
    store(DuckDBWriter(database, itertools.count(T0, S).__next__), [[client], [server], later])
    count(database)
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + S).run()
    assert rows(database, "SELECT DISTINCT minute FROM edges") == [(T0 // MINUTE,), (T0 // MINUTE + 1,)]
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + 2 * S).run()
    assert rows(database, "SELECT DISTINCT minute FROM edges") == [(T0 // MINUTE + 1,)]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_file_of_an_older_version_is_counted_from_its_beginning(tmp_path: Path, version: int) -> None:
    path = tmp_path / "old.duckdb"
    first, second = commits_of(shop(3), 2, 3)
    with Database.open(path) as database:
        store(DuckDBWriter(database), [first])
        count(database)
    make_older(path, version)
    with Database.open(path) as database:
        store(DuckDBWriter(database), [second])  # of the same resources, which have hashes for numbers
        count(database)
        assert counted(database, *WHOLE) == worked_out(database, *WHOLE)
        expected = rows(database, "SELECT count(*) FROM spans JOIN resources USING (resource_id)")
        assert expected == [(len(first) + len(second),)]
        assert rows(database, "SELECT count(DISTINCT service) = count(*) FROM resources") == [(True,)]


def test_a_producer_that_comes_last_is_found_by_who_took_its_message_up(database: Database) -> None:
    sent, taken = producer_and_consumer(MINUTE)
    writer = DuckDBWriter(database)
    store(writer, [[taken]])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links") == [(1,)]
    store(writer, [[sent]])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links") == [(0,)]
    assert counted(database, *WHOLE) == worked_out(database, *WHOLE)
    assert [row["by_link"] for row in counted(database, *WHOLE)] == [0, 1], "by link"


@pytest.mark.parametrize("stretch", [1, 1_000_000])
def test_who_sent_a_message_hours_before_is_found(database: Database, stretch: int) -> None:
    sent, taken = producer_and_consumer(20 * 60 * MINUTE)
    writer = DuckDBWriter(database)
    store(writer, [[sent], *([span] for span in shop(4)), [taken]])
    assert (Digester(database, stretch).catch_up() > 0) == (stretch == 1)
    count(database, step=1)
    since, until = T0 - 10 * MINUTE, T0 + 21 * 60 * MINUTE
    assert counted(database, since, until) == worked_out(database, since, until)
    [waits] = [
        row["latencies"]
        for row in counted(database, since, until)
        if (row["source"], row["target"]) == ("topic:late", "service:bank")
    ]
    assert waits == [pytest.approx(20 * 60 * MINUTE, rel=1e-6)]


def test_what_waits_for_its_producer_is_forgotten_with_its_span(database: Database) -> None:
    _, taken = producer_and_consumer(MINUTE)
    store(DuckDBWriter(database, itertools.count(T0, S).__next__), [[taken], shop(5)])
    count(database)
    assert rows(database, "SELECT count(*) FROM unmet_links WHERE arrival = 1") == [(1,)]
    Retention(database, RetentionLimits(age=0.5), lambda: T0 + S).run()
    assert rows(database, "SELECT count(*) FROM unmet_links WHERE arrival = 1") == [(0,)]


def producer_and_consumer(waits: int) -> tuple[Span, Span]:
    """In traces of their own; the message waits so many ns."""
    sent = Span("a" * 32, "b" * 16, None, "order", "send", PRODUCER, T0, S, 0)
    taken = Span("c" * 32, "d" * 16, None, "bank", "take", CONSUMER, T0 + waits, S, 0)
    taken = replace(taken, links=((sent.trace_id, sent.span_id),))
    return on_topic(sent), on_topic(taken)


def on_topic(span: Span) -> Span:
    return replace(span, messaging_system="kafka", topic="late")


def client_and_server() -> tuple[Span, Span]:
    client = Span("a" * 32, "b" * 16, None, "order", "GET", CLIENT, T0 + S, S, 0, http_method="GET")
    client = replace(client, peer_address="stock.local", peer_port=80)
    server = Span("a" * 32, "c" * 16, "b" * 16, "stock", "GET /", SERVER, T0 + S, S, 0, http_method="GET")
    return client, server


def pairs(database: Database) -> list[tuple[str, str]]:
    return [(row["source"], row["target"]) for row in counted(database, *WHOLE)]
