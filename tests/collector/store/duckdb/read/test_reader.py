from dataclasses import asdict, fields, replace

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read import reader as reader_module
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.read.rows import both_forms
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import (
    MINUTE,
    EdgeMinute,
    EdgePlace,
    Lag,
    LagProblem,
    Peer,
    QueueMinute,
    QueueProgress,
    Span,
    SpanEvent,
)

from ....requests import START
from ..edges.test_counter import count, store
from ..random_shop import CLIENT, SERVER, T0, S


def poll(second: int, group: str = "email", messages: int = 4) -> Lag:
    return Lag(START + second, "c", group, "orders", 0, 5, 9, 0, messages, 1.5, "OK")


def test_lag_is_limited_to_the_newest_polls_by_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = [poll(second) for second in range(5)]
    DuckDBWriter(database).write_lag(polls)
    monkeypatch.setattr(reader_module, "MAX_ROWS", 3)
    assert DuckDBReader(database).lag_between(START, START + 5) == polls[2:]


def test_the_latest_lag_is_the_newest_poll_of_each_group(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    assert reader.latest_lag() == []
    writer.write_lag([poll(2), poll(1), poll(1, "audit")])
    assert reader.latest_lag() == [poll(1, "audit"), poll(2)]
    writer.write_lag([poll(3, messages=7), poll(2, "audit")])
    assert reader.latest_lag() == [poll(2, "audit"), poll(3, messages=7)]
    assert reader.latest_lag() == DuckDBReader(database).latest_lag()
    assert reader.latest_lag((START + 1, START + 3)) == [poll(2, "audit"), poll(2)]
    assert reader.latest_lag((START + 4, START + 9)) == []


def test_a_group_advances_as_its_polls_show(database: Database) -> None:
    committed = [5, 5, 7, 9, 11, 11]
    polls = [
        replace(poll(0, messages=20 - place), time=START + second * S, committed=place, end=20)
        for second, place in enumerate(committed)
    ]
    DuckDBWriter(database).write_lag([*polls, replace(polls[0], topic="others")])
    reader, until = DuckDBReader(database), START + 10 * S
    assert reader.queue_progress(["orders"], START, until, START) == [
        QueueProgress("c", "email", "orders", 0, START, START + 4 * S, 2.0)
    ]
    [still] = reader.queue_progress(["orders"], START + 4 * S, until, START)
    assert (still.committed, still.consumed_per_s) == (None, 0.0)
    minute = START // MINUTE * MINUTE
    assert reader.queue_minutes("email", "orders", START, until) == [QueueMinute(minute, 20, 9)]


def test_calls_of_an_edge_are_counted_by_minute_with_those_that_were_slow(database: Database) -> None:
    spans = [
        replace(
            span,
            start=T0 // MINUTE * MINUTE + minute * MINUTE,
            duration=duration,
            status=status,
            trace_id=f"{index + 1:032x}",
        )
        for index, (minute, duration, status) in enumerate(
            [(0, S // 1000, 0), (0, S // 1000, 2), (1, S, 0), (1, S // 1000, 0), (1, S, 2)]
        )
        for span in [Span("", "a" * 16, None, "payment", "charge", SERVER, 0, 0, 0)]
    ]
    store(DuckDBWriter(database), [spans])
    count(database)
    place, begin = EdgePlace(None, ("service:payment",)), T0 // MINUTE * MINUTE
    assert DuckDBReader(database).edge_minutes(place, begin, begin + 2 * MINUTE, S // 2) == [
        EdgeMinute(begin, 2, 1, 0),
        EdgeMinute(begin + MINUTE, 3, 1, 2),
    ]


def test_a_group_disappears_with_its_last_poll(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    writer.write_lag([poll(1, "audit"), poll(2)])
    assert reader.latest_lag() == [poll(1, "audit"), poll(2)]
    with database.writing() as cursor:
        cursor.execute("DELETE FROM lag WHERE consumer_group = 'audit'")
    assert reader.latest_lag() == [poll(2)]
    assert DuckDBReader(database).latest_lag() == [poll(2)]


def test_the_polls_of_a_slow_cluster_are_not_missed(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    slow = replace(poll(1), cluster="slow")
    writer.write_lag([poll(2)])
    writer.write_lag([slow])
    assert reader.latest_lag() == [poll(2), slow]
    writer.write_lag([poll(7)])
    assert reader.latest_lag() == [poll(7), slow]
    slow = replace(poll(6), cluster="slow")
    writer.write_lag([slow])
    assert reader.latest_lag() == [poll(7), slow]


def problem(second: int, cluster: str = "c") -> LagProblem:
    return LagProblem(START + second, cluster, "email", None, None, "not authorised")


def test_only_the_problems_of_the_newest_poll_are_told(database: Database) -> None:
    writer, reader = DuckDBWriter(database), DuckDBReader(database)
    assert reader.lag_problems() == []
    writer.write_lag([problem(1), poll(1)])
    writer.write_lag([problem(2), poll(2, "audit")])
    writer.write_lag([problem(1, "other")])
    assert reader.lag_problems() == [problem(2), problem(1, "other")]
    writer.write_lag([poll(3)])
    assert reader.lag_problems() == [problem(1, "other")]


def call(number: int, service: str, peer: Peer) -> list[Span]:
    """Return the spans of a call to `peer` that `service` answers."""
    rpc = {"rpc_system": "grpc", "rpc_service": peer.rpc_service} if peer.rpc_service else {}
    client = Span(f"{number:032x}", f"{1:016x}", None, "web", "call", CLIENT, T0 + number * S, S, 0)
    return [
        replace(client, peer_address=peer.address, peer_port=peer.port, **rpc),  # type: ignore[arg-type]
        replace(client, span_id=f"{2:016x}", parent_id=client.span_id, service=service, kind=SERVER, **rpc),  # type: ignore[arg-type]
    ]


def test_callees_are_the_same_from_spans_and_from_counts(database: Database) -> None:
    service_of = {
        Peer("bank.local", 443, None): "bank",
        Peer("gateway", 80, "shop.Stock"): "stock",
        Peer("gateway", 80, "shop.Prices"): "pricing",
        Peer(None, None, "shop.Users"): "user",
    }
    without_port = Peer("old.local", None, None)
    calls = [call(number, service, peer) for number, (peer, service) in enumerate(service_of.items(), 1)]
    store(DuckDBWriter(database), [*calls, call(9, "old", without_port)])
    reader = DuckDBReader(database)
    unknown = [Peer("bank.local", 80, None), Peer("bank.example", 443, None), Peer("gateway", 80, "shop.X")]
    for _ in range(2):
        assert reader.callees([*service_of, *unknown], T0, T0 + MINUTE) == service_of
        assert reader.callees([without_port], T0, T0 + MINUTE) == {without_port: "old"}
        assert reader.callees(service_of, T0 + 2 * MINUTE, T0 + 3 * MINUTE) == {}
        count(database)


def test_an_rpc_service_of_several_services_names_none_of_them(database: Database) -> None:
    health = Peer(None, None, "grpc.Health")
    store(DuckDBWriter(database), [call(1, "stock", health), call(2, "user", health)])
    for _ in range(2):
        assert DuckDBReader(database).callees([health], T0, T0 + MINUTE) == {}
        count(database)


def test_every_field_of_a_span_is_read_back(database: Database) -> None:
    """All fields have different values, so swapped fields are detected."""
    sent = Span(
        trace_id=f"{0xA1:032x}",
        span_id=f"{0xA2:016x}",
        parent_id=f"{0xA3:016x}",
        service="a service",
        name="a name",
        kind=CLIENT,
        start=T0,
        duration=1_700,
        status=2,
        status_message="a status message",
        http_method="a method",
        http_route="a route",
        http_status=418,
        rpc_system="an RPC system",
        rpc_service="an RPC service",
        rpc_method="an RPC method",
        messaging_system="a messaging system",
        messaging_operation="an operation",
        topic="a topic",
        group="a group",
        partition=11,
        offset=12,
        message_key="a message key",
        batch_count=13,
        peer_address="an address",
        peer_port=14,
        peer_service="a peer",
        db_system="a database system",
        db_namespace="a namespace",
        error_type="an error",
        message_type="an event type",
        message_version="a version",
        attributes={"an": "attribute"},
        events=(SpanEvent(T0 + 1, "an event", {"another": "attribute"}),),
        links=((f"{0xA4:032x}", f"{0xA5:016x}"),),
        namespace="a namespace of services",
    )
    unset = [field.name for field in fields(Span) if field.default == getattr(sent, field.name)]
    assert unset == []
    store(DuckDBWriter(database), [[sent]])
    [found] = DuckDBReader(database).spans_of([sent.trace_id], T0, T0 + 1, 10)
    # By convention a partition id is text, so the number that was sent also stays in the attributes.
    partition = {"messaging.destination.partition.id": 11}
    assert asdict(found) == asdict(sent) | {"attributes": sent.attributes | partition}


@pytest.mark.parametrize(
    ("wanted", "found", "returned"),
    [
        ({(7, 1)}, {(7, 1), (0, 1)}, {(7, 1), (0, 1)}),
        ({(0, 1)}, {(7, 1), (0, 1)}, {(7, 1), (0, 1)}),
        ({(7, 1)}, {(0, 1)}, {(7, 1), (0, 1)}),
        ({(7, 1)}, {(7, 1), (8, 1), (0, 1)}, {(7, 1)}),
        ({(7, 1)}, {(7, 1), (8, 1)}, {(7, 1)}),
        ({(7, 1)}, {(7, 1), (0, 2)}, {(7, 1)}),
    ],
)
def test_the_forms_of_a_trace_id_are_one_id_if_there_is_no_doubt(
    wanted: set[tuple[int, int]], found: set[tuple[int, int]], returned: set[tuple[int, int]]
) -> None:
    assert both_forms(wanted, found) == returned
