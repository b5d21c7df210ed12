"""Rows are bounded: what is equal or small shares a line, and errors are always shown."""

from collections.abc import Sequence

from laban_collector.store.rows import Span, SpanEvent
from laban_mapper.story.builder import build_story
from laban_mapper.story.timeline import Line, chapters

from ..shop_spans import T0, http_client, http_server, process, publish, span


def lines(spans: Sequence[Span]) -> list[Line]:
    return [line for chapter in chapters(build_story("order", "123", spans).steps) for line in chapter.lines]


def entry() -> Span:
    return http_server("order", "POST /orders", 0, 1000)


def test_equal_steps_side_by_side_share_a_line() -> None:
    created = entry()
    queries = [span("order", "SELECT", 3, at, 1, created, db_system="postgresql") for at in range(1, 61)]
    other = span("order", "INSERT", 3, 70, 1, created, db_system="postgresql")
    found = lines([created, *queries, other])
    assert [(line.step.operation, len(line.equal)) for line in found] == [
        ("POST /orders", 0),
        ("SELECT", 60),
        ("INSERT", 0),
    ]
    assert sum(step.duration_ms for step in found[1].equal) == 60


def test_few_equal_steps_keep_their_lines() -> None:
    created = entry()
    queries = [span("order", "SELECT", 3, at, 1, created) for at in range(1, 5)]
    assert len(lines([created, *queries])) == 5


def test_equal_calls_share_a_line_with_everything_below_them() -> None:
    created = entry()
    spans = [created]
    for at in range(10, 20):
        call = http_client("order", "GET", at, 1, created)
        server = http_server("user", "GET /users/{id}", at, 1, call)
        spans += [call, server, span("user", "SELECT", 3, at, 0.5, server)]
    [_, folded] = lines(spans)
    assert (folded.step.service, len(folded.equal), len(folded.below)) == ("user", 10, 20)


def test_a_call_with_an_error_below_it_is_not_folded() -> None:
    created = entry()
    spans = [created]
    for at in range(10, 20):
        server = http_server("user", "GET /users/{id}", at, 1, http_client("order", "GET", at, 1, created))
        spans += [server, span("user", "SELECT", 3, at, 0.5, server, status=2 if at == 15 else 0)]
    errors = [line.step for line in lines(spans) if line.step.error]
    assert [step.operation for step in errors] == ["SELECT"]


def test_equal_errors_share_a_line_that_shows_the_error() -> None:
    created = entry()
    failed = [
        span("order", "INSERT", 3, at, 1, created, status=2, status_message="duplicate key")
        for at in range(1, 41)
    ]
    good = [span("order", "INSERT", 3, at, 1, created) for at in range(50, 60)]
    found = [(line.step.error, len(line.equal)) for line in lines([created, *failed, *good])[1:]]
    assert found == [("duplicate key", 40), (None, 10)]


def test_small_steps_of_frameworks_and_drivers_fold_under_their_step() -> None:
    created = entry()
    small = [
        span("order", "middleware - query", 1, 1, 0.2, created),
        span("order", "tcp.connect", 1, 2, 3, created),
        span("order", "POST /orders http send", 1, 3, 0.1, created),
        span("order", "redis-PING", 3, 4, 1, created, db_system="redis"),
        span("order", "pg.connect", 3, 5, 2, created, db_system="postgresql"),
    ]
    work = span("order", "SELECT", 3, 10, 40, created)
    found = lines([created, *small, work])
    assert [(line.step.operation, len(line.small)) for line in found] == [("POST /orders", 5), ("SELECT", 0)]


def test_a_small_step_that_takes_most_of_the_time_or_fails_is_shown() -> None:
    created = entry()
    slow = span("order", "dns.lookup", 1, 1, 900, created)
    broken = span("order", "tcp.connect", 1, 2, 3, created, status=2, status_message="refused")
    assert [line.step.operation for line in lines([created, slow, broken])] == [
        "POST /orders",
        "dns.lookup",
        "tcp.connect",
    ]


def test_many_brief_internal_steps_are_small_whatever_their_names_are() -> None:
    created = entry()
    brief = [span("order", f"step {number}", 1, number, 0.5, created) for number in range(4)]
    work = span("order", "compute", 1, 10, 400, created)
    calling = span("order", "brief, but calls", 1, 20, 5, created)
    found = lines([created, *brief, work, calling, http_client("order", "GET", 21, 3, calling)])
    assert [line.step.operation for line in found] == ["POST /orders", "compute", "brief, but calls", "GET"]
    assert len(found[0].small) == 4


def test_one_brief_internal_step_keeps_its_line() -> None:
    created = entry()
    assert len(lines([created, span("order", "validate", 1, 1, 0.1, created)])) == 2


def test_equal_messages_share_a_chapter() -> None:
    created = entry()
    published = [publish("order", "orders", at, created, offset=at) for at in range(10, 30)]
    handled = [process("email", one, 100 + at, 5) for at, one in enumerate(published)]
    found = chapters(build_story("order", "123", [created, *published, *handled]).steps)
    assert [len(chapter.lines[0].equal) for chapter in found] == [0, 20]


def test_the_halves_of_a_shared_span_keep_their_lines() -> None:
    created = entry()
    call = http_client("order", "GET", 1, 50, created)
    server = http_server("user", "GET /users/{id}", 2, 40, created, span_id=call.span_id)
    assert [line.step.service for line in lines([created, call, server])] == ["order", "order", "user"]


def test_a_step_that_tells_of_a_circuit_breaker_keeps_its_line() -> None:
    created = entry()
    refused = SpanEvent(T0, "laban.circuit.refused", {"laban.circuit.name": "user"})
    quiet = [span("order", f"step {at}", 1, at, 1, created) for at in range(1, 6)]
    telling = span("order", "tcp.connect", 1, 10, 1, created, events=(refused,))
    found = lines([created, *quiet, telling])
    assert [line.step.operation for line in found] == ["POST /orders", "tcp.connect"]
    assert found[1].step.notes == ["circuit breaker user was open and refused 1 call"]
    assert len(found[0].small) == 5
