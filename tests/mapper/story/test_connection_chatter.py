"""What drivers say to keep a connection folds away with its count; work and errors keep their lines."""

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.builder import build_story
from laban_mapper.story.connection_chatter import is_connection_chatter
from laban_mapper.story.timeline import Line, chapters

from ..shop_spans import http_server, span

RESET = "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"


@pytest.mark.parametrize(
    ("system", "name", "statement"),
    [
        ("postgresql", "connect", None),
        ("postgresql", "BEGIN;", "BEGIN;"),
        ("postgresql", "COMMIT", None),
        ("postgresql", "SELECT", RESET),
        ("postgresql", "select", "select pg_catalog.version()"),
        ("postgresql", "show", "show transaction isolation level"),
        ("postgresql", "SET", "SET application_name = 'orders'"),
        ("postgresql", "SELECT shop", "SELECT 1"),
        ("postgresql", "SELECT", "SELECT ?"),
        ("mysql", "SET", "SET NAMES utf8mb4"),
        ("mysql", "SELECT", "SELECT @@transaction_isolation"),
        ("mysql", "SELECT", "select database()"),
        ("oracle.db", "SELECT", "SELECT 1 FROM DUAL"),
        ("sqlite", "PRAGMA", "PRAGMA foreign_keys = ON"),
        ("redis", "HELLO", "HELLO 3 AUTH ? ?"),
        ("redis", "CLIENT SETINFO", None),
        ("redis", "SELECT", None),
        ("mongodb", "admin.hello", "hello"),
        ("mongodb", "admin.endSessions", None),
        ("mongodb", "saslStart admin", None),
    ],
)
def test_chatter(system: str, name: str, statement: str | None) -> None:
    assert is_connection_chatter(query(system, name, statement))


@pytest.mark.parametrize(
    ("system", "name", "statement"),
    [
        ("postgresql", "SELECT", "SELECT * FROM settings"),
        ("postgresql", "SELECT", "SELECT 1 FROM orders WHERE id = 7"),
        ("postgresql", "SELECT", "select version() from orders"),
        ("postgresql", "BEGIN", "BEGIN; UPDATE orders SET sku = 'tea'; COMMIT"),
        ("postgresql", "settle_order", None),
        ("postgresql", "UPDATE", "UPDATE orders SET sku = 'tea'"),
        ("redis", "SET", "SET ? ?"),
        ("redis", "GET", None),
        ("redis", "SET INCRBY EXPIRE", None),
        ("mongodb", "shop.find", "find orders"),
        ("mongodb", "shop.insert", None),
        ("elasticsearch", "search", None),
        (None, "connect", None),
        (None, "SET", None),
    ],
)
def test_work(system: str | None, name: str, statement: str | None) -> None:
    assert not is_connection_chatter(query(system, name, statement))


def query(
    system: str | None,
    name: str,
    statement: str | None = None,
    at: float = 1,
    parent: Span | None = None,
    **fields: object,
) -> Span:
    attributes = {} if statement is None else {"db.statement": statement}
    return span("order", name, 3, at, 1, parent, db_system=system, attributes=attributes, **fields)


def lines(*spans: Span) -> list[Line]:
    steps = build_story("order", "123", spans).steps
    return [line for chapter in chapters(steps) for line in chapter.lines]


def test_chatter_folds_with_all_that_is_below_it_and_is_counted() -> None:
    created = http_server("order", "POST /orders", 0, 100)
    connect = query("postgresql", "connect", at=1, parent=created)
    version = query("postgresql", "select", "select pg_catalog.version()", 1, connect)
    other = query("postgresql", "select", "select typarray from pg_type", 1, connect)
    work = query("postgresql", "SELECT", "SELECT * FROM orders", 5, created)
    reset = query("postgresql", "SELECT", RESET, 7, created)
    [request, select] = lines(created, connect, version, other, work, reset)
    assert {step.span_id for step in request.small} == {
        chatter.span_id for chatter in (connect, version, other, reset)
    }
    assert select.step.span_id == work.span_id


def test_equal_chatter_is_not_counted_as_work() -> None:
    created = http_server("order", "POST /orders", 0, 100)
    work = [query("postgresql", "SELECT", "SELECT * FROM orders", at, created) for at in range(1, 6)]
    resets = [query("postgresql", "SELECT", RESET, at + 0.5, created) for at in range(1, 6)]
    [request, select] = lines(created, *work, *resets)
    assert (len(request.small), len(select.equal)) == (5, 5)


def test_a_connection_that_takes_most_of_the_time_keeps_its_line() -> None:
    created = http_server("order", "POST /orders", 0, 1.5)
    connect = query("postgresql", "connect", at=0, parent=created)
    assert [line.step.operation for line in lines(created, connect)] == ["POST /orders", "connect"]


def test_a_connection_that_fails_keeps_its_line_and_so_does_an_error_below_one() -> None:
    created = http_server("order", "POST /orders", 0, 100)
    failed = query(
        "postgresql", "connect", at=0, parent=created, status=2, status_message="too many connections"
    )
    connect = query("postgresql", "connect", at=1, parent=created)
    refused = query("postgresql", "SET", None, 1, connect, status=2, status_message="no such role")
    errors = {line.step.error for line in lines(created, failed, connect, refused)}
    assert errors == {None, "too many connections", "no such role"}
