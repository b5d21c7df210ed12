"""A message that no group could read blames its publisher, and fails only an order that lacks it."""

from collections.abc import Sequence
from typing import Any

from laban_collector.store.rows import Span
from laban_mapper.story.builder import build_story

from ...shop_spans import http_client, http_server, process, publish, raised, span

UNREADABLE: dict[str, Any] = {"status": 2, "events": raised("JSONDecodeError", "Expecting value")}


def order(*groups: str) -> tuple[list[Span], Span]:
    """An order with a message that nobody has read yet; if there are groups, with one that they processed."""
    created = http_server("order", "POST /orders", 0, 84)
    bad = publish("order", "orders", 50, created, offset=6)
    spans = [created, bad]
    if groups:
        sent = publish("order", "orders", 60, created)
        spans += [sent, *(process(group, sent, 100, 10) for group in groups)]
    return spans, bad


def kinds(spans: Sequence[Span]) -> list[tuple[str, str]]:
    return [(cause.kind, cause.service) for cause in build_story("order", "123", spans).causes]


def test_an_order_with_an_additional_unreadable_message_did_not_fail() -> None:
    spans, bad = order("payment", "email")
    spans += [process(group, bad, 90, 2, **UNREADABLE) for group in ("payment", "email")]
    story = build_story("order", "123", spans)
    assert (story.outcome, story.root_cause) == ("ok_with_errors", None)
    assert story.verdict == (
        "Order 123 was created in 84 ms, but order published an additional message to orders (partition 0, "
        "offset 6) that email and payment could not read (JSONDecodeError: Expecting value). "
        "email and payment processed orders within 110 ms. Look at what order publishes."
    )


def test_an_order_fails_if_nobody_could_read_its_only_message() -> None:
    spans, bad = order()
    spans.append(process("payment", bad, 90, 2, **UNREADABLE))
    story = build_story("order", "123", spans)
    assert story.outcome == "failed"
    assert story.root_cause is not None
    assert story.root_cause.service == "order"
    assert kinds(spans) == [("poison", "order")]


def test_a_message_that_one_group_could_read_is_no_poison() -> None:
    spans, bad = order("payment", "email")
    spans += [process("payment", bad, 90, 2, **UNREADABLE), process("email", bad, 90, 2)]
    assert kinds(spans) == [("error", "payment")]
    verdict = build_story("order", "123", spans).verdict
    assert "payment failed to process 1 of 2 messages on orders" in verdict
    assert "payment (1 of 2 messages)" in verdict


def test_a_consumer_that_called_others_before_it_failed_had_read_the_message() -> None:
    spans, bad = order()
    handled = process("payment", bad, 90, 20, **UNREADABLE)
    spans += [handled, http_client("payment", "GET", 92, 5, handled, http_status=200)]
    assert kinds(spans) == [("error", "payment")]


def test_groups_that_fail_alike_only_on_this_message_could_not_use_it() -> None:
    for errors, kind in ((("KeyError", "KeyError"), "poison"), (("KeyError", "OSError"), "error")):
        spans, bad = order("payment", "email")
        for group, error in zip(("payment", "email"), errors, strict=True):
            spans.append(process(group, bad, 90, 2, status=2, events=raised(error, "'id'")))
        assert kinds(spans)[0][0] == kind


def test_attempts_of_a_call_cost_the_time_until_the_one_that_succeeded() -> None:
    entry = http_server("order", "POST /orders", 0, 900)
    spans = [entry]
    for at, failing in ((5, True), (305, True), (705, False)):
        call = http_client(
            "order", "GET", at, 50, entry, status=2 * failing, http_status=503 if failing else 200
        )
        user = http_server("user", "GET /users", at + 1, 40, call, http_status=503 if failing else 200)
        spans += [call, user]
    story = build_story("order", "123", spans)
    assert [(cause.kind, cause.service, cause.rank) for cause in story.causes] == [("retried", "user", 1)]
    assert story.verdict == (
        "Order 123 was created in 900 ms, although user GET /users failed 2 times (HTTP 503) before attempt "
        "3 of order (GET) succeeded, which cost 700 ms."
    )


def test_a_success_beside_a_failed_call_is_no_later_attempt() -> None:
    entry = http_server("order", "POST /orders", 0, 900)
    bad = span("order", "load", 1, 5, 50, entry, status=2)
    assert kinds([entry, bad, span("order", "load", 1, 20, 50, entry)]) == [("error", "order")]
