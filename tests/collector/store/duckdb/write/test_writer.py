from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.otlp_protobuf import decode
from laban_collector.errors import StoreError
from laban_collector.store.base import Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag, LagProblem

from ....requests import START, body, request, span

SERVER, CLIENT = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT


def batch(*spans: Span) -> SpanBatch:
    return decode([body(*spans)], KeyFinder()).batch


def rows(database: Database, query: str) -> list[tuple[object, ...]]:
    with database.reading() as cursor:
        return cursor.execute(query).fetchall()


def with_all(number: int, kind: Span.SpanKind.ValueType = Span.SPAN_KIND_INTERNAL) -> Span:
    """A span with one event, one link and one business key."""
    built = span(number, {"order.id": str(number)}, kind)
    built.events.add(time_unix_nano=START, name=f"event of {kind}")
    built.links.add(trace_id=b"\xff" * 16, span_id=b"\xff" * 8)
    return built


def sent_by(service: str, *spans: Span) -> bytes:
    built = request(*spans)
    built.resource_spans[0].resource.attributes[0].value.string_value = service
    return built.SerializeToString()


def counts(database: Database) -> list[int]:
    tables = ("spans", "span_events", "span_links", "correlations", "ledger")
    return [int(str(rows(database, f"SELECT count(*) FROM {table}")[0][0])) for table in tables]  # noqa: S608


def test_spans_are_stored_with_all_their_rows(database: Database) -> None:
    assert DuckDBWriter(database).write(batch(with_all(0), with_all(1))) == Written(2, 0)
    assert counts(database) == [2, 2, 2, 2, 1]
    assert rows(database, "SELECT service FROM resources") == [("order",)]
    assert rows(database, "SELECT name FROM scopes") == [("tests",)]


def test_an_empty_batch_creates_no_commit(database: Database) -> None:
    assert DuckDBWriter(database).write(batch()) == Written(0, 0)
    assert counts(database) == [0, 0, 0, 0, 0]


def test_a_batch_sent_twice_is_stored_once(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write(batch(with_all(0), with_all(1)))
    assert writer.write(batch(with_all(0), with_all(1))) == Written(0, 2)
    assert counts(database) == [2, 2, 2, 2, 1]


def test_only_the_new_spans_of_a_batch_are_stored(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write(batch(with_all(0)))
    assert writer.write(batch(with_all(2), with_all(0), with_all(1))) == Written(2, 1)
    assert counts(database)[:3] == [3, 3, 3]


def test_a_span_repeated_in_a_batch_is_stored_once(database: Database) -> None:
    assert DuckDBWriter(database).write(batch(with_all(0), with_all(0))) == Written(1, 1)
    assert counts(database) == [1, 1, 1, 1, 1]


def test_both_halves_of_a_zipkin_shared_span_are_stored_with_their_events(database: Database) -> None:
    writer = DuckDBWriter(database)
    client, server = with_all(0, CLIENT), with_all(0, SERVER)
    assert writer.write(batch(client)) == Written(1, 0)
    assert writer.write(batch(client, server)) == Written(1, 1)
    assert rows(database, "SELECT kind FROM spans ORDER BY kind") == [(SERVER,), (CLIENT,)]
    assert rows(database, "SELECT name FROM span_events ORDER BY name") == [
        (f"event of {SERVER}",),
        (f"event of {CLIENT}",),
    ]


def test_the_commit_sequence_continues_after_a_restart(tmp_path: Path) -> None:
    for number in range(3):
        with Database.open(tmp_path / "a.duckdb") as database:
            DuckDBWriter(database).write(batch(span(number)))
    with Database.open(tmp_path / "a.duckdb") as database:
        assert rows(database, "SELECT arrival FROM spans ORDER BY start") == [(1,), (2,), (3,)]


def test_the_ledger_counts_each_commit(database: Database) -> None:
    writer = DuckDBWriter(database, clock=lambda: START)
    writer.write(batch(with_all(0), span(1)))
    writer.write(batch(with_all(0), span(2)))
    assert rows(
        database, "SELECT arrival, epoch_ns(time), spans, events, links, correlations FROM ledger"
    ) == [(1, START, 2, 1, 1, 1), (2, START, 1, 0, 0, 1)]


def test_resource_ids_continue_after_a_restart(tmp_path: Path) -> None:
    for number, services in enumerate((["order", "stock"], ["stock", "bank"])):
        with Database.open(tmp_path / "a.duckdb") as database:
            sent = [sent_by(service, span(2 * number + place)) for place, service in enumerate(services)]
            DuckDBWriter(database).write(decode(sent, KeyFinder()).batch)
    with Database.open(tmp_path / "a.duckdb") as database:
        assert rows(database, "SELECT resource_id, service FROM resources ORDER BY resource_id") == [
            (1, "order"),
            (2, "stock"),
            (3, "bank"),
        ]
        assert rows(database, "SELECT resource_id, scope_id FROM spans ORDER BY arrival, start") == [
            (1, 1),
            (2, 1),
            (2, 1),
            (3, 1),
        ]


def test_a_failed_commit_stores_no_rows_and_the_next_one_works(database: Database) -> None:
    writer = DuckDBWriter(database)
    with database.writing() as cursor:
        cursor.execute("ALTER TABLE ledger RENAME TO elsewhere")
    with pytest.raises(StoreError):
        writer.write(batch(with_all(0)))
    with database.writing() as cursor:
        cursor.execute("ALTER TABLE elsewhere RENAME TO ledger")
    assert counts(database) == [0, 0, 0, 0, 0]
    writer.write(batch(with_all(0)))
    assert rows(database, "SELECT arrival FROM ledger") == [(1,)]
    assert rows(database, "SELECT service FROM spans JOIN resources USING (resource_id)") == [("order",)]


def test_a_commit_that_was_made_although_it_failed_is_not_stored_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = DuckDBWriter(database)
    writing = database.writing

    @contextmanager
    def failing() -> Generator[duckdb.DuckDBPyConnection, None, None]:
        with writing() as cursor:
            yield cursor
        raise StoreError("the cleanup after the commit failed")

    monkeypatch.setattr(database, "writing", failing)
    with pytest.raises(StoreError, match="cleanup"):
        writer.load([batch(with_all(0))], 1)
    monkeypatch.undo()
    assert writer.load([batch(with_all(0))], 1) == [Written(0, 1)]
    assert counts(database)[:4] == [1, 1, 1, 1]
    assert rows(database, "SELECT sum(spans)::BIGINT FROM ledger") == [(1,)]


def test_lag_is_stored_with_unknown_values(database: Database) -> None:
    known = Lag(START, "c", "email", "orders", 0, 5, 9, 7, 2, 1.5, "OK", 2, "message", 3)
    unknown = Lag(START, "c", "email", "orders", 1, None, 9, 0, None, None, "STOP")
    writer = DuckDBWriter(database)
    writer.write_lag([])
    writer.write_lag([known, unknown])
    assert rows(database, "SELECT epoch_ns(time), * EXCLUDE (time) FROM lag ORDER BY partition") == [
        (START, "c", "email", "orders", 0, 5, 9, 7, 2, 1.5, "OK", 2, "message", 3),
        (START, "c", "email", "orders", 1, None, 9, 0, None, None, "STOP", 0, None, None),
    ]


def test_what_a_poll_could_not_read_is_stored_apart(database: Database) -> None:
    lag = Lag(START, "c", "email", "orders", 0, 5, 9, 0, 4, 1.5, "OK")
    problem = LagProblem(START, "c", None, "orders", 1, "no leader")
    DuckDBWriter(database).write_lag([problem, lag])
    assert rows(database, "SELECT count(*) FROM lag") == [(1,)]
    assert rows(database, "SELECT epoch_ns(time), * EXCLUDE (time) FROM lag_problems") == [
        (START, "c", None, "orders", 1, "no leader")
    ]
