from dataclasses import replace

import pytest

from laban_collector.store.base import MINUTE, Lag, Peer, Span
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.read import reader
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ....requests import START
from ..edges.test_counter import count, store
from ..random_shop import CLIENT, SERVER, T0, S


def poll(second: int, group: str = "email", messages: int = 4) -> Lag:
    return Lag(START + second, "c", group, "orders", 0, 5, 9, 0, messages, 1.5, "OK")


def test_of_too_many_polls_the_newest_are_given_by_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = [poll(second) for second in range(5)]
    DuckDBWriter(database).write_lag(polls)
    monkeypatch.setattr(reader, "MAX_ROWS", 3)
    assert DuckDBReader(database).lag_between(START, START + 5) == polls[2:]


def test_the_newest_poll_of_each_group_is_given_however_often_it_is_asked_for(database: Database) -> None:
    writer, asked = DuckDBWriter(database), DuckDBReader(database)
    assert asked.latest_lag() == []
    writer.write_lag([poll(2), poll(1), poll(1, "audit")])
    assert asked.latest_lag() == [poll(1, "audit"), poll(2)]
    writer.write_lag([poll(3, messages=7), poll(2, "audit")])
    assert asked.latest_lag() == [poll(2, "audit"), poll(3, messages=7)]
    assert asked.latest_lag() == DuckDBReader(database).latest_lag()


def test_a_group_is_forgotten_with_its_last_poll(database: Database) -> None:
    writer, asked = DuckDBWriter(database), DuckDBReader(database)
    writer.write_lag([poll(1, "audit"), poll(2)])
    assert asked.latest_lag() == [poll(1, "audit"), poll(2)]
    with database.writing() as cursor:
        cursor.execute("DELETE FROM lag WHERE consumer_group = 'audit'")
    assert asked.latest_lag() == [poll(2)]
    assert DuckDBReader(database).latest_lag() == [poll(2)]


def call(number: int, service: str, peer: Peer) -> list[Span]:
    """A call that `service` answers."""
    rpc = {"rpc_system": "grpc", "rpc_service": peer.rpc_service} if peer.rpc_service else {}
    made = Span(f"{number:032x}", f"{1:016x}", None, "web", "call", CLIENT, T0 + number * S, S, 0)
    return [
        replace(made, peer_address=peer.address, peer_port=peer.port, **rpc),  # type: ignore[arg-type]
        replace(made, span_id=f"{2:016x}", parent_id=made.span_id, service=service, kind=SERVER, **rpc),  # type: ignore[arg-type]
    ]


def test_who_answers_where_is_told_by_the_spans_and_as_well_by_the_counts(database: Database) -> None:
    answering = {
        Peer("bank.local", 443, None): "bank",
        Peer("gateway", 80, "shop.Stock"): "stock",
        Peer("gateway", 80, "shop.Prices"): "pricing",
        Peer(None, None, "shop.Users"): "user",
    }
    without_port = Peer("old.local", None, None)
    calls = [call(number, service, peer) for number, (peer, service) in enumerate(answering.items(), 1)]
    store(DuckDBWriter(database), [*calls, call(9, "old", without_port)])
    asked = DuckDBReader(database)
    elsewhere = [Peer("bank.local", 80, None), Peer("bank.example", 443, None), Peer("gateway", 80, "shop.X")]
    for _ in range(2):
        assert asked.callees([*answering, *elsewhere], T0, T0 + MINUTE) == answering
        assert asked.callees([without_port], T0, T0 + MINUTE) == {without_port: "old"}
        assert asked.callees(answering, T0 + 2 * MINUTE, T0 + 3 * MINUTE) == {}
        count(database)
