"""The critical paths are sections: each step counts with the part of its own time that was waited for."""

from collections.abc import Sequence

from laban_collector.store.rows import Span
from laban_mapper.story.builder import build_story

from ..shop_spans import http_client, http_server, hybrid_order, process, publish, span


def to_reply(spans: Sequence[Span]) -> list[float | None]:
    """What the reply waited for, in the order of the spans."""
    steps = {step.span_id: step for step in build_story("order", "123", spans).steps}
    return [steps[one.span_id].critical_ms for one in spans]


def to_end(spans: Sequence[Span]) -> list[float | None]:
    steps = {step.span_id: step for step in build_story("order", "123", spans).steps}
    return [steps[one.span_id].critical_to_end_ms for one in spans]


def test_of_two_parallel_calls_the_reply_waited_for_the_slower() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    fast = http_client("order", "GET", 10, 20, entry)
    slow = http_client("order", "GET", 10, 80, entry)
    assert to_reply([entry, fast, slow]) == [20, 0, 80]


def test_the_reply_waited_for_all_calls_that_follow_each_other() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    first = http_client("order", "GET", 10, 20, entry)
    second = http_client("order", "GET", 40, 50, entry)
    served = http_server("user", "GET /users", 45, 30, second)
    assert to_reply([entry, first, second, served]) == [30, 20, 20, 30]


def test_a_call_that_ends_after_its_caller_is_cut_at_the_end_of_the_caller() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    late = span("order", "write the log", 1, 70, 500, entry)
    below = span("order", "flush", 1, 90, 470, late)
    assert to_reply([entry, late, below]) == [70, 20, 10]


def test_the_reply_waits_for_no_consumer_but_the_end_does() -> None:
    spans = hybrid_order()
    created, asked, quoted, published, paid, captured, mailed, settled = to_reply(spans)
    assert [created, asked, quoted, published] == [62, 5, 15, 2]
    assert [paid, captured, mailed, settled] == [0, 0, 0, 0]
    # Until the message was published, until the payment was published, and the last consumer.
    assert to_end(spans) == [40, 5, 15, 2, 105, 2, 0, 5]


def test_a_request_that_only_reads_later_does_not_end_the_path() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    polled = http_server("order", "GET /orders/{id}", 900, 5)
    assert to_end([entry, polled]) == [100, 0]


def test_a_story_that_begins_with_a_message_has_no_reply() -> None:
    published = publish("order", "orders", 0, http_server("order", "POST /orders", 0, 10))
    assert to_reply([process("email", published, 20, 5)]) == [None]


def test_each_step_says_when_it_was_waited_for() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    first = http_client("order", "GET", 10, 20, entry)
    second = http_client("order", "GET", 40, 50, entry)
    beside = http_client("order", "PUT", 40, 10, entry)
    steps = {step.span_id: step for step in build_story("order", "123", [entry, first, second, beside]).steps}
    sections = [steps[one.span_id].critical_sections for one in (entry, first, second, beside)]
    assert sections == [[(0, 10), (30, 40), (90, 100)], [(10, 30)], [(40, 90)], []]
