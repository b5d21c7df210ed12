import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges, Part, joined
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.index.keys import CommitRange, key_of_message
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MessageRef

from ....requests import START
from ..housekeeping.test_retention import span_in_own_trace
from ..older_files import make_older
from ..write.test_writer import batch, rows

Query = Callable[[DuckDBReader], object]

COMMITS = 12
LAST = (1 << 64) - 1


def part(first: int, last: int, *keys: int) -> Part:
    return Part(CommitRange(first, last), frozenset(keys))


def trace_of(number: int) -> str:
    return f"{number + 1:032x}"


def consumer(number: int) -> Span:
    span = span_in_own_trace(number)
    span.kind = Span.SPAN_KIND_CONSUMER
    for key, value in {
        "messaging.destination.name": "orders",
        "messaging.consumer.group.name": f"group-{number}",
        "messaging.destination.partition.id": "3",
        "customer.id": "c-1",
    }.items():
        span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="messaging.kafka.offset").value.int_value = number
    span.links.add(trace_id=(1000 + number).to_bytes(16), span_id=(7).to_bytes(8))
    return span


def fill(database: Database) -> None:
    """Write one commit per trace."""
    writer = DuckDBWriter(database, itertools.count(START, 1_000_000_000).__next__)
    for number in range(COMMITS):
        writer.write(batch(consumer(number)))


QUERIES: dict[str, Query] = {
    "spans": lambda reader: [
        reader.spans_of([trace_of(number)], START - 1, START + 10**12, 10) for number in range(COMMITS + 1)
    ],
    "spans of several": lambda reader: reader.spans_of(
        [trace_of(1), trace_of(9)], START - 1, START + 10**12, 10
    ),
    "keys": lambda reader: reader.traces_with("customer.id", "c-1", COMMITS + 1),
    "the newest of many": lambda reader: {ref.last for ref in reader.traces_with("customer.id", "c-1", 3)},
    "links": lambda reader: [
        reader.traces_linked_from([f"{1000 + number:032x}"]) for number in range(COMMITS + 1)
    ],
    "messages": lambda reader: [
        reader.traces_of_messages([MessageRef("orders", 3, number)], START - 1, START + 10**12)
        for number in range(COMMITS + 1)
    ],
    "groups": lambda reader: reader.groups_of(["orders"]),
}


@pytest.mark.parametrize("spans", [1, 3, COMMITS * 2])
def test_answers_are_the_same_with_and_without_digests(database: Database, spans: int) -> None:
    fill(database)
    without = {name: query(DuckDBReader(database)) for name, query in QUERIES.items()}
    assert all(without.values())
    Digester(database, spans).catch_up()
    assert {name: query(DuckDBReader(database)) for name, query in QUERIES.items()} == without


def test_ranges_without_the_key_are_skipped(database: Database) -> None:
    fill(database)
    assert Digester(database, 2).catch_up() == 5  # of twelve commits; the newest is never digested
    commit_ranges = CommitRanges(database)
    assert commit_ranges.consumers()[0] == 11
    message = key_of_message(3, 9)
    assert commit_ranges.that_may_hold([4 + 1]) == [part(5, 6, 5), part(11, LAST, 5)]
    assert commit_ranges.that_may_hold([message]) == [part(9, LAST, message)]
    assert commit_ranges.that_may_hold([5, message]) == [part(5, 6, 5), part(9, LAST, 5, message)]
    assert commit_ranges.that_may_hold([]) == []


def test_spans_stored_after_a_digest_are_found(database: Database) -> None:
    fill(database)
    Digester(database, 1).catch_up()
    reader = DuckDBReader(database)
    assert reader.spans_of([trace_of(50)], START - 1, START + 10**12, 10) == []
    DuckDBWriter(database).write(batch(consumer(50)))
    assert len(reader.spans_of([trace_of(50)], START - 1, START + 10**12, 10)) == 1
    assert Digester(database, 1).catch_up() == 1


def test_a_digest_is_deleted_with_its_commits(database: Database) -> None:
    fill(database)
    Digester(database, 2).catch_up()
    ticks = itertools.count(0, 10)
    commit_ranges = CommitRanges(database, lambda: float(next(ticks)))
    assert commit_ranges.that_may_hold([1])[0] == part(0, 2, 1)
    Retention(database, RetentionLimits(age=5), lambda: START + 11 * 10**9, lambda _: False).run()
    assert rows(database, "SELECT min(first_arrival) FROM digests") == [(7,)]
    assert commit_ranges.that_may_hold([1]) == [part(11, LAST, 1)]


def test_extreme_values_can_be_digested(database: Database) -> None:
    span = consumer(1)
    span.attributes[-1].value.int_value = -(1 << 63)
    span.attributes[-3].value.string_value = str((1 << 63) - 1)
    writer = DuckDBWriter(database)
    writer.write(batch(span))
    writer.write(batch(consumer(2)))
    assert Digester(database, 1).catch_up() == 1


def test_parts_with_the_smallest_gaps_are_joined() -> None:
    parts = [part(1, 2, 7), part(3, 4), part(6, 7), part(100, 110, 8), part(112, 120, 9)]
    assert joined(parts, 8) == [part(1, 4, 7), part(6, 7), part(100, 110, 8), part(112, 120, 9)]
    assert joined(parts, 2) == [part(1, 7, 7), part(100, 120, 8, 9)]
    assert joined(parts, 1) == [part(1, 120, 7, 8, 9)]


def test_neighbours_with_too_many_keys_are_not_joined() -> None:
    parts = [part(1, 2, *range(20)), part(3, 4, *range(10, 30)), part(5, 6, *range(30, 60))]
    assert joined(parts, 8) == [part(1, 4, *range(30)), parts[2]]
    assert joined(parts, 1) == [part(1, 6, *range(60))]


def test_a_file_of_an_older_version_is_updated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "old.duckdb"
    with Database.open(path) as database:
        fill(database)
        expected = [query(DuckDBReader(database)) for query in QUERIES.values()]
    make_older(path, 1)
    with caplog.at_level("WARNING"), Database.open(path) as database:
        assert f"updated {path} from schema version 1 to " in caplog.text
        Digester(database, 3).catch_up()
        assert [query(DuckDBReader(database)) for query in QUERIES.values()] == expected
