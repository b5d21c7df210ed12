from dataclasses import replace

from laban_collector.store.rows import Span
from laban_mapper.queue_causes import queue_causes

from .shop_spans import http_client, http_server, process, publish, raised, span


def handled(number: int, *, slow: float = 80, error: bool = False) -> list[Span]:
    """A message whose handler takes 100 ms, 80 of them in a query of another service."""
    trace = f"{number:032x}"
    request = replace(http_server("order", "POST /orders", 0, 5), trace_id=trace)
    published = publish("order", "orders", 2, request, offset=number)
    handler = process("email", published, 10, 20 + slow)
    get = http_client("email", "GET", 12, slow, handler)
    failure = {"status": 2, "events": raised("Timeout", "no address")} if error else {}
    served = http_server("user", "GET /users/{id}", 12, slow, get)
    query = span("user", "SELECT users", 3, 12, slow, served, db_system="postgresql", **failure)
    followed = process("audit", publish("email", "sent", 15, handler, offset=number), 16, 500)
    return [request, published, handler, get, served, query, followed]


def many(count: int, **how: float) -> list[Span]:
    return [one for number in range(count) for one in handled(number, **how)]  # type: ignore[arg-type]


def test_the_span_that_took_the_time_itself_made_the_queue() -> None:
    (cause,) = queue_causes(many(10), "email", "orders")
    assert (cause.kind, cause.service, cause.operation) == ("slow", "user", "SELECT users")
    assert (cause.messages, cause.of, cause.mean_ms) == (10, 10, 80)
    assert cause.share == 0.8
    assert (
        cause.sentence
        == "user SELECT users took 80 ms per message, 80% of the time, in 10 of the 10 newest messages"
    )


def test_the_consumers_of_what_a_handler_published_are_another_queue() -> None:
    assert [cause.service for cause in queue_causes(many(10), "audit", "sent")] == ["audit"]
    assert queue_causes(many(10), "billing", "orders") == []


def test_the_deepest_error_is_told_with_its_count() -> None:
    spans = [*many(6), *(one for number in range(6, 10) for one in handled(number, error=True))]
    failing, slow = queue_causes(spans, "email", "orders")
    assert (failing.kind, failing.service, failing.operation) == ("failing", "user", "SELECT users")
    assert (failing.error, failing.messages, failing.of) == ("Timeout: no address", 4, 10)
    assert (slow.kind, slow.messages) == ("slow", 10)


def test_a_share_of_very_few_messages_is_no_cause() -> None:
    assert queue_causes(many(2), "email", "orders") == []
    assert queue_causes([], "email", "orders") == []


def test_parallel_calls_do_not_take_more_than_the_time_of_their_caller() -> None:
    spans = []
    for number in range(5):
        made = handled(number)
        spans += [*made, replace(made[3], span_id=f"{number + 1000:016x}")]
    causes = queue_causes(spans, "email", "orders")
    assert [cause.operation for cause in causes] == ["GET", "SELECT users"]
    assert [cause.share for cause in causes] == [0.8, 0.8]
