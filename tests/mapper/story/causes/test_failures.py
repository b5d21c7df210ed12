"""A failed call was answered with an error, was given up, or did not reach its callee."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from laban_collector.store.rows import Peer, Span, SpanEvent
from laban_mapper.model import Cause, Story
from laban_mapper.profiles.profile import profile_of
from laban_mapper.profiles.usual import Entry, Usual
from laban_mapper.story.builder import build_story

from ...shop_spans import (
    MS,
    T0,
    grpc_client,
    grpc_server,
    http_client,
    http_server,
    publish,
    raised,
    span,
)

STOCK = "shop.Stock/Reserve"
FAILED: dict[str, Any] = {"status": 2, "http_status": 500}


def first(story: Story) -> Cause:
    assert [cause.rank for cause in story.causes] == list(range(1, len(story.causes) + 1))
    return story.causes[0]


def call_of(took: float, server_took: float | None, **client: Any) -> list[Span]:
    """An order whose call of stock failed; stock has no span if `server_took` is None."""
    entry = http_server("order", "POST /orders", 0, took + 10, **FAILED)
    call = grpc_client("order", STOCK, 5, took, entry, **{"status": 2, **client})
    server = [] if server_took is None else [grpc_server("stock", STOCK, 6, server_took, call)]
    return [entry, call, *server]


def code(status: object) -> dict[str, Any]:
    return {"attributes": {"rpc.grpc.status_code": status}}


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        (code(4), "timed_out"),
        (code("DEADLINE_EXCEEDED"), "timed_out"),
        ({"error_type": "httpx.ReadTimeout"}, "timed_out"),
        ({"error_type": "asyncio.CancelledError"}, "timed_out"),
        (code(14), "unreachable"),
        ({"error_type": "httpx.ConnectTimeout"}, "unreachable"),
        ({"status_message": "dial tcp 10.0.0.7:80: connect: connection refused"}, "unreachable"),
        ({"events": raised("httpx.RemoteProtocolError", "Server disconnected")}, "unreachable"),
        ({**code(13), "status_message": "upstream timeout"}, "error"),
        ({"http_status": 500, "status_message": "timeout of the pool"}, "error"),
    ],
)
def test_the_caller_tells_what_happened_to_a_call_without_a_server_span(
    client: dict[str, Any], kind: str
) -> None:
    cause = first(build_story("order", "123", call_of(700, None, **client)))
    assert (cause.kind, cause.service) == (kind, "shop.Stock")


def test_a_callee_that_ran_on_shows_a_wait_whatever_the_caller_says() -> None:
    assert first(build_story("order", "123", call_of(2000, 3000))).kind == "timed_out"
    assert first(build_story("order", "123", call_of(2000, 1990))).kind == "error"


def test_a_call_without_a_word_that_ends_at_a_usual_deadline_was_given_up() -> None:
    assert first(build_story("order", "123", call_of(2004, None))).kind == "timed_out"
    assert first(build_story("order", "123", call_of(1700, None))).kind == "error"


def test_only_an_exception_is_a_word_of_a_call() -> None:
    retried = SpanEvent(T0, "laban.retry", {"laban.retry.attempt": 1})
    assert first(build_story("order", "123", call_of(2004, None, events=(retried,)))).kind == "timed_out"
    told = raised("shop.OutOfStock", "nothing left")
    assert first(build_story("order", "123", call_of(2004, None, events=told))).kind == "error"


def test_a_server_error_about_a_timeout_is_an_error_of_the_server() -> None:
    spans = call_of(50, 40, status_message="timeout")
    spans[2] = replace(spans[2], status=2, status_message="timeout of the connection pool")
    cause = first(build_story("order", "123", spans))
    assert (cause.kind, cause.service) == ("error", "stock")
    assert cause.sentence == "stock shop.Stock/Reserve failed (timeout of the connection pool)"


def waited(slow: float) -> list[Span]:
    """Order asks stock, which asks a database and user; user takes its time."""
    gave_up = slow > 500
    entry = http_server("order", "POST /orders", 0, min(slow, 500) + 40, status=2 * gave_up)
    call = grpc_client("order", STOCK, 5, min(slow, 500) + 25, entry, status=2 * gave_up, **code(4 * gave_up))
    server = grpc_server("stock", STOCK, 6, slow + 20, call)
    query = span("stock", "SELECT", 3, 7, 10, server, db_system="postgresql")
    ask = http_client("stock", "GET", 18, slow + 5, server, http_status=200)
    return [entry, call, server, query, ask, http_server("user", "GET /users", 20, slow, ask)]


def usual_of(count: int, slow: float = 12) -> Mapping[int, Usual]:
    many = [
        replace(one, trace_id=f"{number:032x}")
        for number in range(1, count + 1)
        for one in waited(slow + number % 3)
    ]
    profile = profile_of(many)
    return {profile.steps[0].entry: Usual(profile.steps, profile.counts)}


def test_a_wait_is_followed_to_the_service_that_took_the_time_with_its_usual_time() -> None:
    known = usual_of(40)

    def usual(entries: Sequence[Entry]) -> Mapping[int, Usual]:
        return {entry.entry: known[entry.entry] for entry in entries}

    story = build_story("order", "123", waited(3000), usual=usual)
    cause = first(story)
    assert (cause.kind, cause.service, cause.operation) == ("timed_out", "user", "GET /users")
    assert cause.sentence == (
        "user took 3.0 s for GET /users, usually 13 ms (40 traces); order gave up after 525 ms"
    )
    assert story.verdict.startswith(
        f"Order 123 failed after 540 ms: {cause.sentence}, so order failed. Look "
    )
    assert first(build_story("order", "123", waited(3000))).usual is None


def test_a_wait_that_has_become_usual_is_still_followed_to_the_service_that_took_the_time() -> None:
    known = usual_of(40, slow=3000)
    story = build_story("order", "123", waited(3000), usual=lambda _: known)
    cause = first(story)
    assert (cause.kind, cause.service, cause.operation) == ("timed_out", "user", "GET /users")


def test_a_sibling_that_was_cancelled_is_no_cause() -> None:
    entry = http_server("order", "POST /orders", 0, 60, **FAILED)
    bad = http_client("order", "GET", 5, 20, entry, **FAILED)
    cut = grpc_client("order", STOCK, 5, 25, entry, status=2, **code(1))
    cause = first(
        build_story("order", "123", [entry, bad, cut, http_server("user", "GET /u", 6, 10, bad, **FAILED)])
    )
    assert (cause.kind, cause.service) == ("error", "user")


ADDRESS: dict[str, Any] = {
    "peer_address": "10.0.0.7",
    "peer_port": 50051,
    "error_type": "ConnectionRefusedError",
}


def refused(**fields: Any) -> list[Span]:
    entry = http_server("order", "POST /orders", 0, 20, **FAILED)
    return [entry, http_client("order", "GET", 5, 2, entry, **{"status": 2, **ADDRESS, **fields})]


@pytest.mark.parametrize(
    ("fields", "subject"),
    [
        ({"peer_service": "stock"}, "stock at 10.0.0.7:50051"),
        ({"db_system": "postgresql"}, "postgresql at 10.0.0.7:50051"),
        ({"peer_address": "stock.shop"}, "stock.shop"),
        ({}, "10.0.0.7:50051"),
    ],
)
def test_a_callee_is_named_by_the_best_that_is_known(fields: dict[str, Any], subject: str) -> None:
    cause = first(build_story("order", "123", refused(**fields)))
    assert cause.kind == "unreachable"
    assert cause.sentence.startswith(f"{subject} could not be reached (ConnectionRefusedError)")


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (-60_000, "and has sent no span since 14:12:20 UTC"),
        (30_000, "although it has sent spans since (the newest ended at 14:13:50 UTC)"),
    ],
)
def test_the_last_span_tells_a_crash_from_a_broken_network(seen: int, told: str) -> None:
    peers = {Peer("10.0.0.7", 50051, None): "stock"}
    story = build_story("order", "123", refused(), peers=peers, last_seen={"stock": T0 + seen * MS}.get)
    assert first(story).sentence.endswith(told)
    assert "Look whether stock runs." in story.verdict


def test_a_broker_that_is_gone_is_named_and_not_its_publisher() -> None:
    entry = http_server("order", "POST /orders", 0, 20, **FAILED)
    sent = publish("order", "orders", 5, entry, None, status=2, error_type="NoBrokersAvailable")
    cause = first(build_story("order", "123", [entry, sent]))
    assert (cause.kind, cause.service) == ("unreachable", "kafka")


def test_a_caller_that_cannot_use_a_good_answer_failed_itself() -> None:
    entry = http_server("order", "POST /orders", 0, 20, **FAILED)
    call = http_client(
        "order", "GET", 5, 9, entry, status=2, http_status=200, events=raised("KeyError", "'id'")
    )
    cause = first(build_story("order", "123", [entry, call, http_server("user", "GET /u", 6, 5, call)]))
    assert (cause.kind, cause.service) == ("error", "order")


def test_a_later_failed_request_fails_the_headline() -> None:
    created = http_server("order", "POST /orders", 0, 10)
    later = http_server("order", "POST /orders/{id}/pay", 5000, 30, **FAILED)
    story = build_story("order", "123", [created, replace(later, trace_id="b" * 32)])
    assert story.outcome == "failed"
    assert story.verdict == (
        "Order 123 failed: order POST /orders/{id}/pay failed (HTTP 500). It was created in 10 ms. "
        "Look at the logs of order from 14:13:25 UTC."
    )


def test_a_refusal_that_was_caught_is_told_and_not_called_a_cause() -> None:
    entry = http_server("order", "POST /orders", 0, 40)
    call = http_client("order", "GET", 5, 20, entry, status=2, http_status=404)
    story = build_story(
        "order", "123", [entry, call, http_server("user", "GET /u", 6, 9, call, http_status=404)]
    )
    assert (story.outcome, story.causes) == ("ok_with_errors", [])
    assert story.verdict == "Order 123 was created in 40 ms; order GET failed (HTTP 404)."
