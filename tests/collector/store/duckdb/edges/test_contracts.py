"""Event types and versions of messages by edge, counted as spans arrive and computed from the spans."""

from dataclasses import replace
from typing import Any

import pytest

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import MINUTE, ContractRow, Span

from ..random_shop import CONSUMER, PRODUCER, T0, S, shop
from ..write.test_writer import rows
from .test_counter import WHOLE, count, from_counts, from_spans, random_commits, store


def message(number: int, kind: int, service: str, at: int = T0, **fields: Any) -> Span:
    """A span that publishes or consumes message `number` of the topic `orders`."""
    span = Span(
        trace_id=f"{number + 1:032x}",
        span_id=f"{2 * number + (kind == CONSUMER) + 1:016x}",
        parent_id=f"{2 * number + 1:016x}" if kind == CONSUMER else None,
        service=service,
        name="orders",
        kind=kind,
        start=at,
        duration=S // 10,
        status=0,
        messaging_system="kafka",
        topic="orders",
        group=service if kind == CONSUMER else None,
    )
    return replace(span, **fields)


def contracts(database: Database, source: str, target: str) -> list[ContractRow]:
    [found] = [
        edge.contracts
        for edge in DuckDBReader(database).edges(*WHOLE)
        if (edge.source, edge.target) == (source, target)
    ]
    return list(found)


def test_each_version_has_its_calls_errors_and_minutes(database: Database) -> None:
    old: dict[str, Any] = {"message_type": "created", "message_version": "1"}
    new: dict[str, Any] = {"message_type": "created", "message_version": "2"}
    sent = [
        message(0, PRODUCER, "order", **old),
        message(1, PRODUCER, "order", T0 + MINUTE, **old),
        message(2, PRODUCER, "order", T0 + 3 * MINUTE, **new),
    ]
    got = [message(n, CONSUMER, "mail", span.start + S, status=2 * (n == 2)) for n, span in enumerate(sent)]
    store(DuckDBWriter(database), [got, sent])  # the producers are late, and only they know the types
    count(database)
    assert contracts(database, "service:order", "topic:orders") == [
        ContractRow("created", "1", 2, 0, T0, T0 + MINUTE),
        ContractRow("created", "2", 1, 0, T0 + 3 * MINUTE, T0 + 3 * MINUTE),
    ]
    for edge in (("topic:orders", "group:mail"), ("group:mail", "service:mail")):
        assert contracts(database, *edge) == [
            ContractRow("created", "1", 2, 0, T0, T0 + MINUTE),
            ContractRow("created", "2", 1, 1, T0 + 3 * MINUTE, T0 + 3 * MINUTE),
        ]
    assert from_counts(database, *WHOLE) == from_spans(database, *WHOLE)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (1, 3, 0, 2), (3, 2, 1, 0)])
def test_a_consumer_that_says_what_the_message_is_does_not_take_the_version_of_another_type(
    database: Database, order: tuple[int, ...]
) -> None:
    spans = [
        message(0, PRODUCER, "order", message_type="created", message_version="1"),
        message(0, CONSUMER, "mail", message_type="mapped"),
        message(1, PRODUCER, "order", message_type="created", message_version="1"),
        message(1, CONSUMER, "mail", message_type="created"),
    ]
    store(DuckDBWriter(database), [[spans[at]] for at in order])
    count(database, step=1)
    assert contracts(database, "topic:orders", "group:mail") == [
        ContractRow("created", "1", 1, 0, T0, T0),
        ContractRow("mapped", None, 1, 0, T0, T0),
    ]


def test_messages_that_say_nothing_have_no_contract_and_take_no_rows(database: Database) -> None:
    store(DuckDBWriter(database), [[message(0, PRODUCER, "order"), message(0, CONSUMER, "mail")]])
    count(database)
    assert contracts(database, "topic:orders", "group:mail") == []
    assert rows(database, "SELECT count(*) FROM contracts") == [(0,)]


def test_ten_thousand_event_types_are_counted_as_twenty_and_one_other(database: Database) -> None:
    writer = DuckDBWriter(database)
    made_up = [f"type {number:05d} \x1b[2J{'x' * 300}" for number in range(10_000)]
    many = [
        message(n, PRODUCER, "order", message_type=made_up[n], message_version="1") for n in range(10_000)
    ]
    beside = [message(20_000 + n, PRODUCER, "bank", topic="paid", message_type="Paid") for n in range(3)]
    store(writer, [many[:6_000], [*many[6_000:], *beside]])
    counter = EdgeCounter(database, CommitRanges(database), 1)
    counter.count_next()
    counter.compact()
    EdgeCounter(database, CommitRanges(database), 1).count_next()  # after a restart
    found = contracts(database, "service:order", "topic:orders")
    assert len(found) == 21
    assert found[0] == ContractRow("other", None, 9_980, 0, T0, T0)
    assert {(len(one.event_type or ""), one.version, one.calls) for one in found[1:]} == {(200, "1", 1)}
    assert contracts(database, "service:bank", "topic:paid") == [ContractRow("Paid", None, 3, 0, T0, T0)]
    assert rows(database, "SELECT count(*) < 50, sum(calls) FROM contracts") == [(True, 10_003)]
    # Computed from the spans, an answer is bounded too.
    [edge] = [edge for edge in DuckDBReader(database).edges(T0, T0 + S) if edge.source == "service:order"]
    assert (len(edge.contracts), sum(one.calls for one in edge.contracts)) == (51, 10_000)


def test_an_hour_that_refused_a_type_takes_no_other_after_a_restart(database: Database) -> None:
    writer = DuckDBWriter(database)
    store(writer, [[message(n, PRODUCER, "order", message_type=f"t{n:02d}") for n in range(21)]])
    count(database).compact()
    store(writer, [[message(50, PRODUCER, "order", message_type="late")]])
    count(database)
    names = {one.event_type for one in contracts(database, "service:order", "topic:orders")}
    assert names == {"other", *(f"t{n:02d}" for n in range(20))}
    store(writer, [[message(60, PRODUCER, "order", T0 + 60 * MINUTE, message_type="late")]])
    count(database)
    assert rows(database, "SELECT calls FROM contracts WHERE event_type = 'late'") == [(1,)]


def test_compacting_keeps_what_is_counted(database: Database) -> None:
    store(DuckDBWriter(database), random_commits(shop(1), 9, 1))
    counter = count(database, step=1)
    before, parts = from_counts(database, *WHOLE), rows(database, "SELECT count(*) FROM contracts")
    counter.compact()
    assert from_counts(database, *WHOLE) == before
    assert rows(database, "SELECT count(*) FROM contracts") < parts
    assert rows(database, "SELECT count(*) FROM contracts WHERE calls < 0") == [(0,)]


def test_retention_deletes_the_contracts_of_minutes_without_spans(database: Database) -> None:
    writer = DuckDBWriter(database)
    store(writer, [[message(0, PRODUCER, "order", message_type="old")]])
    store(writer, [[message(1, PRODUCER, "order", T0 + 5 * MINUTE, message_type="new")]])
    count(database)
    Retention(database, RetentionLimits(age=1), clock=lambda: T0 * 2).run()
    assert rows(database, "SELECT event_type FROM contracts") == [("new",)]
