from collections.abc import Sequence
from dataclasses import replace

import pytest

from laban_collector.store.rows import Peer, QueueProgress
from laban_mapper.model import Story
from laban_mapper.profiles.usual import Entry, Usual
from laban_mapper.spans import PRODUCER
from laban_mapper.story.builder import build_story
from laban_mapper.story.messages import Consumption

from ..shop_spans import (
    MS,
    T0,
    grpc_client,
    http_client,
    http_server,
    hybrid_order,
    lag,
    monolith_timeout,
    process,
    publish,
    raised,
    span,
)

SEEN = {"orders": {"payment": "payment", "email": "email"}, "payments": {"order": "order"}}


def states(story: Story) -> dict[tuple[str, str], str]:
    return {(m.topic, state.group): state.state for m in story.messages for state in m.groups}


def test_a_successful_order_has_a_verdict_of_one_line() -> None:
    story = build_story("order", "123", hybrid_order(), Consumption(groups=SEEN))
    assert story.outcome == "ok"
    assert story.root_cause is None
    assert story.verdict == (
        "Order 123 was created in 84 ms; email and payment processed orders within 210 ms; "
        "order processed payments after 225 ms."
    )


@pytest.mark.parametrize(
    ("key", "route", "verdict"),
    [
        ("order.id", "/v1/orders/", "Order 7 was created in 84 ms."),
        ("delivery.id", "/deliveries", "Delivery 7 was created in 84 ms."),
        ("customer.id", "/orders", "Customer 7: order did POST /orders in 84 ms."),
        ("order", "/orders/{id}/cancel", "Order 7: order did POST /orders/{id}/cancel in 84 ms."),
        ("trace", "/orders", "Trace 7…: order did POST /orders in 84 ms."),
    ],
)
def test_only_what_a_request_creates_is_called_created(key: str, route: str, verdict: str) -> None:
    story = build_story(key, "7", [http_server("order", f"POST {route}", 0, 84)])
    assert story.verdict == verdict


def test_steps_are_in_causal_order_with_waits_and_critical_path() -> None:
    story = build_story("order", "123", hybrid_order())
    steps = [(step.service, step.operation, step.depth) for step in story.steps]
    assert steps == [
        ("order", "POST /orders", 0),
        ("order", "shop.Pricing/Quote", 1),
        ("pricing", "shop.Pricing/Quote", 2),
        ("order", "publish orders", 1),
        ("payment", "process orders", 2),
        ("email", "process orders", 2),
        ("payment", "publish payments", 3),
        ("order", "process payments", 4),
    ]
    payment = story.steps[4]
    assert payment.wait_ms == pytest.approx(30)
    assert [s.service for s in story.steps if s.critical and s.kind == "consumer"] == ["payment", "order"]


def test_the_root_cause_of_a_timeout_is_the_slow_callee() -> None:
    story = build_story("order", "123", monolith_timeout())
    assert story.outcome == "failed"
    assert story.root_cause is not None
    assert story.root_cause.service == "user"
    assert story.root_cause.operation == "GET /users/{customer_id}"
    assert story.root_cause.error == "took 3.0 s for GET /users/{customer_id}; pricing gave up after 2.0 s"
    assert story.verdict == (
        "Order 123 failed after 2.0 s: user took 3.0 s for GET /users/{customer_id}; pricing gave up after "
        "2.0 s, so pricing, inventory and order failed. Look at what user does in GET /users/{customer_id}."
    )


def test_a_callee_without_a_span_is_named_by_its_address() -> None:
    spans = monolith_timeout()[:-1]  # user has not answered yet
    story = build_story("order", "123", spans, peers={Peer("127.0.0.1", 8104, None): "user"})
    assert story.root_cause is not None
    assert story.root_cause.service == "user"
    assert story.root_cause.error.startswith("gave no answer within 2.0 s")
    unknown = build_story("order", "123", spans)
    assert unknown.root_cause is not None
    assert unknown.root_cause.service == "127.0.0.1:8104"


def test_an_error_in_the_callee_is_the_root_cause() -> None:
    entry = http_server("order", "POST /orders", 0, 40, http_status=500, status=2)
    call = http_client("order", "GET", 5, 20, entry, status=2, http_status=500)
    user = http_server(
        "user", "GET /users/{id}", 8, 10, call, http_status=500, status=2, events=raised("KeyError", "'c-7'")
    )
    story = build_story("order", "123", [entry, call, user])
    assert story.root_cause is not None
    assert (story.root_cause.service, story.root_cause.error) == ("user", "KeyError: 'c-7'")


def test_a_caught_error_is_not_a_failure_and_not_hidden() -> None:
    entry = http_server("order", "POST /orders", 0, 40)
    call = http_client("order", "GET", 5, 20, entry, status=2, events=raised("ConnectError", "refused"))
    story = build_story("order", "123", [entry, call])
    assert story.outcome == "ok_with_errors"
    assert story.verdict == (
        "Order 123 was created in 40 ms, although order could not reach what it calls with GET "
        "(ConnectError: refused). Look at the logs of order from 14:13:20 UTC."
    )
    assert story.root_cause is None
    assert [step.error for step in story.steps] == [None, "ConnectError: refused"]


def test_a_failed_request_that_succeeds_later_is_not_a_failure() -> None:
    first = http_server("order", "POST /orders", 0, 40, http_status=503, status=2)
    second = replace(http_server("order", "POST /orders", 100, 40), trace_id="b" * 32)
    retried = build_story("order", "123", [first, second])
    assert retried.outcome == "ok_with_errors"
    assert retried.verdict == (
        "Order 123 was created in 40 ms, although order POST /orders failed once (HTTP 503) before attempt 2 "
        "of order succeeded, which cost 100 ms."
    )
    assert build_story("order", "123", [first]).outcome == "failed"


def test_an_unread_message_waits_behind_the_messages_before_it() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    polled = replace(lag("email", "orders", 0, 50, 300.0), time=T0 + 12_060 * MS, status="WARN")
    moved = T0 + 11_000 * MS
    progress = QueueProgress("c", "email", "orders", 0, first=T0, committed=moved, consumed_per_s=4.0)
    story = build_story("order", "123", spans, Consumption([polled], SEEN, [progress]))
    assert story.outcome == "waiting"
    assert "email has not read the message in orders for 12.0 s; 7 messages are ahead" in story.verdict
    (email,) = [s for m in story.messages for s in m.groups if s.group == "email"]
    assert (email.state, email.messages_ahead, email.seconds_ahead) == ("waiting", 7, 2.0)
    assert email.waiting_ms == 12_000
    stopped = Consumption([polled], SEEN, [replace(progress, committed=T0)])
    (told,) = [
        state
        for message in build_story("order", "123", spans, stopped).messages
        for state in message.groups
        if state.group == "email"
    ]
    assert told.seconds_ahead is None  # it had time for the message, and has committed nothing since


@pytest.mark.parametrize(("waited_s", "ahead_s"), [(12, None), (5, 30.0)])
def test_how_seldom_messages_came_is_no_estimate_for_the_next_one(
    waited_s: int, ahead_s: float | None
) -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    [sent] = [s for s in spans if s.topic == "orders" and s.kind == PRODUCER]
    now = sent.start + waited_s * 1_000 * MS
    polled = replace(
        lag("email", "orders", sent.offset, (sent.offset or 0) + 1, 1.0), time=now, status="WARN"
    )
    progress = QueueProgress("c", "email", "orders", 0, first=0, committed=T0 - 9, consumed_per_s=1 / 30)
    story = build_story("order", "123", spans, Consumption([polled], SEEN, [progress]))
    (email,) = [s for m in story.messages for s in m.groups if s.group == "email"]
    assert (email.messages_ahead, email.seconds_ahead) == (0, ahead_s)


def test_the_time_of_a_message_published_after_the_poll_is_unknown() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    story = build_story("order", "123", spans, Consumption([lag("email", "orders", 0, 50, 300.0)], SEEN))
    assert "the message on orders still waits for group email, 7 messages ahead of it;" in story.verdict
    (email,) = [s for m in story.messages for s in m.groups if s.group == "email"]
    assert email.waiting_ms is None


def test_messages_that_retention_deleted_are_not_ahead() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    story = build_story(
        "order", "123", spans, Consumption([replace(lag("email", "orders", 0, 50), start=5)], SEEN)
    )
    (email,) = [s for m in story.messages for s in m.groups if s.group == "email"]
    assert email.messages_ahead == 2


def test_a_group_of_the_same_name_in_another_cluster_is_another_group() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    here = lag("email", "orders", 5, 50)
    elsewhere = replace(lag("email", "orders", 3, 5), cluster="staging")
    story = build_story("order", "123", spans, Consumption([elsewhere, here], SEEN))
    (email,) = [s for m in story.messages for s in m.groups if s.group == "email"]
    assert (email.state, email.messages_ahead) == ("waiting", 2)
    ambiguous = Consumption([here, replace(elsewhere, end=50)], SEEN)
    assert states(build_story("order", "123", spans, ambiguous))["orders", "email"] == "unseen"


def test_a_group_without_a_commit_waits_from_the_start_of_the_log() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    story = build_story("order", "123", spans, Consumption([lag("email", "orders", None, 50)], SEEN))
    assert states(story)["orders", "email"] == "waiting"
    assert "7 messages ahead of it" in story.verdict


def test_a_committed_message_without_a_span_is_untraced() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    story = build_story("order", "123", spans, Consumption([lag("email", "orders", 8, 8)], SEEN))
    assert states(story)["orders", "email"] == "untraced"
    assert story.outcome == "incomplete"


def test_a_group_without_spans_and_offsets_is_unseen() -> None:
    spans = [s for s in hybrid_order() if s.service != "email"]
    assert states(build_story("order", "123", spans, Consumption(groups=SEEN)))["orders", "email"] == "unseen"


def test_a_topic_without_consumers_makes_the_story_incomplete() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    story = build_story("order", "123", [created, publish("order", "orders", 60, created)])
    assert story.outcome == "incomplete"
    assert "no group consumes orders" in story.verdict


def test_a_queue_without_consumer_spans_has_unknown_consumers() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created, None, messaging_system="rabbitmq")
    story = build_story("order", "123", [created, published])
    assert story.outcome == "incomplete"
    assert "no consumer of orders is known" in story.verdict


def test_the_operation_of_a_celery_span_names_the_queue_and_the_task() -> None:
    task = {"celery.task_name": "shop.pack"}
    created = http_server("order", "POST /orders", 0, 84)
    sent = publish("order", "orders", 60, created, None, messaging_system="celery", attributes=task)
    assert build_story("order", "123", [created, sent]).steps[1].operation == "publish orders (shop.pack)"


def test_a_handler_that_raises_fails_the_message() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    handled = process("payment", published, 90, 10, status=2, events=raised("ValueError", "no such card"))
    story = build_story("order", "123", [created, published, handled])
    assert story.outcome == "failed"
    assert states(story)["orders", "payment"] == "failed"
    assert story.root_cause is not None
    assert story.root_cause.error == "ValueError: no such card"
    assert "payment failed to process orders (ValueError: no such card)" in story.verdict


def test_a_successful_second_attempt_is_a_retry() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    first = process("payment", published, 90, 10, status=2)
    second = process("payment", published, 120, 10)
    story = build_story("order", "123", [created, published, first, second])
    assert states(story)["orders", "payment"] == "retried"
    assert story.outcome == "ok_with_errors"
    assert story.verdict == (
        "Order 123 was created in 84 ms, although payment process orders failed once (error) before attempt "
        "2 of payment succeeded, which cost 30 ms. payment processed orders after 130 ms on attempt 2."
    )


def test_a_message_processed_twice_is_a_duplicate() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    twice = [process("payment", published, at, 10) for at in (90, 120)]
    story = build_story("order", "123", [created, published, *twice])
    assert states(story)["orders", "payment"] == "duplicated"
    assert "payment processed orders 2 times, the first after 100 ms" in story.verdict


def test_a_dead_lettered_message_fails_the_order_with_the_inner_error() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    handled = process("payment", published, 90, 300)
    call = grpc_client(
        "payment", "bank.Bank/Charge", 95, 100, handled, status=2, status_message="card declined"
    )
    dead = publish("payment", "orders.dlq", 380, handled, offset=0)
    story = build_story("order", "123", [created, published, handled, call, dead])
    assert states(story) == {("orders", "payment"): "dead-lettered"}
    assert story.outcome == "failed"
    assert story.root_cause is not None
    assert (story.root_cause.service, story.root_cause.error) == ("bank.Bank", "card declined")


def test_a_dead_letter_without_an_inner_error_takes_the_reason_from_its_headers() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    handled = process("payment", published, 90, 10)
    headers = {
        "laban.dead_letter.exception": "shop.errors.UndecodableEvent",
        "laban.dead_letter.reason": "not JSON",
    }
    dead = publish("payment", "orders.dlq", 95, handled, offset=None, attributes=headers)
    story = build_story("order", "123", [created, published, handled, dead])
    assert story.root_cause is not None
    assert story.root_cause.error == (
        "published a message to orders (partition 0, offset 7) that payment could not read "
        "(UndecodableEvent: not JSON)"
    )
    assert (story.root_cause.service, story.causes[0].kind) == ("order", "poison")


def test_groups_that_failed_in_the_same_way_are_named_together() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    spans = [created, published]
    for service in ("payment", "email"):
        handled = process(service, published, 90, 10)
        spans += [handled, publish(service, "orders.dlq", 95, handled, offset=None)]
    verdict = build_story("order", "123", spans).verdict
    assert verdict == (
        "Order 123 failed: email process orders failed. It was created in 84 ms; email and payment gave up "
        "on orders and dead-lettered it. Look at the logs of email from 14:13:20 UTC."
    )


def test_a_receive_span_counts_only_without_a_process_span() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    received = process("email", published, 85, 1, messaging_operation="receive")
    story = build_story("order", "123", [created, published, received, process("email", published, 86, 9)])
    (state,) = story.messages[0].groups
    assert (state.state, state.attempts, state.duration_ms) == ("processed", 1, 9)


def test_a_missing_parent_makes_the_story_incomplete() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    lost = span("order", "internal", 1, 5, 50, entry)
    below = span("order", "inner", 1, 10, 10, lost)
    assert build_story("order", "123", [entry, below]).outcome == "incomplete"


def test_a_story_can_be_read_from_its_json() -> None:
    story = build_story("order", "123", monolith_timeout())
    assert Story.model_validate_json(story.model_dump_json()) == story


def test_a_missing_parent_is_given_as_the_reason() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    lost = [replace(http_server("user", "GET /users", at, 5), parent_id=f"{at:016x}") for at in (100, 200)]
    verdict = build_story("order", "123", [entry, *lost]).verdict
    assert verdict == (
        "Order 123 was created in 84 ms; incomplete, because 2 spans have parents that were not received "
        "(the sampler or a service without laban)."
    )
    assert "because 1 span has a parent that was not received" in build_story("order", "1", lost[:1]).verdict


def test_an_error_below_a_consumer_that_went_on_shows_in_the_outcome() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    published = publish("order", "orders", 60, created)
    handled = process("billing", published, 90, 50)
    inner = span("billing", "handler", 1, 91, 40, handled)
    insert = span(
        "billing",
        "INSERT",
        3,
        92,
        30,
        inner,
        db_system="postgresql",
        status=2,
        status_message="duplicate key",
    )
    story = build_story("order", "123", [created, published, handled, inner, insert])
    assert story.outcome == "ok_with_errors"
    assert states(story) == {("orders", "billing"): "processed"}
    assert story.verdict == (
        "Order 123 was created in 84 ms, although postgresql INSERT failed (duplicate key). billing "
        "processed orders after 140 ms. Look at the logs of billing from 14:13:20 UTC."
    )


def test_an_error_is_told_once_for_all_that_failed_because_of_it() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    calls = [http_client("order", "GET", at, 10, entry, status=2, http_status=500) for at in (5, 20)]
    servers = [http_server("user", "GET /users", 6, 8, call, status=2, http_status=500) for call in calls]
    story = build_story("order", "123", [entry, *calls, *servers])
    assert story.verdict == (
        "Order 123 was created in 84 ms, although user GET /users failed 2 times (HTTP 500). "
        "Look at the logs of user from 14:13:20 UTC."
    )


def test_attempts_before_a_success_are_told_as_attempts() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    failing = [http_client("order", "GET", at, 5, entry, status=2, http_status=503) for at in (5, 15)]
    good = http_client("order", "GET", 25, 5, entry)
    verdict = build_story("order", "123", [entry, *failing, good]).verdict
    assert verdict == (
        "Order 123 was created in 84 ms, although order GET failed 2 times (HTTP 503) before attempt 3 of "
        "order succeeded, which cost 20 ms."
    )


def test_many_kinds_of_errors_are_counted() -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    failing = [span("order", f"step {number}", 1, number, 1, entry, status=2) for number in range(9)]
    verdict = build_story("order", "123", [entry, *failing]).verdict
    assert verdict == (
        "Order 123 was created in 84 ms, although order step 0 failed (error). order step 1 failed (error); "
        "order step 2 failed (error); 6 more kinds of errors. Look at the logs of order from 14:13:20 UTC."
    )


def test_waiting_and_incomplete_win_over_errors_and_tell_them() -> None:
    created = http_server("order", "POST /orders", 0, 84)
    call = http_client("order", "GET", 5, 20, created, status=2)
    published = publish("order", "orders", 60, created)
    spans = [created, call, published]
    waiting = build_story(
        "order", "123", spans, Consumption([lag("email", "orders", 0, 50)], {"orders": {"email": "email"}})
    )
    incomplete = build_story("order", "123", spans)
    assert (waiting.outcome, incomplete.outcome) == ("waiting", "incomplete")
    assert all("order GET failed (error)" in story.verdict for story in (waiting, incomplete))


def test_rings_are_shown_whole_and_noted() -> None:
    first = http_server("order", "POST /orders", 0, 84)
    call = http_client("order", "GET", 5, 20, first)
    own = http_server("selfie", "GET /self", 0, 10)
    ring = [replace(first, parent_id=call.span_id), call, replace(own, parent_id=own.span_id)]
    story = build_story("order", "123", ring)
    assert len(story.steps) == 3
    assert story.outcome == "ok"
    assert story.notes == [
        "2 spans are each other's parents in a ring; it is cut at its earliest span, order POST /orders",
        "selfie GET /self is its own parent; the ring is cut there",
    ]


def test_services_of_two_namespaces_with_one_name_are_told_apart() -> None:
    entry = http_server("api", "GET /a", 0, 90, namespace="shop")
    call = http_client("api", "GET", 5, 80, entry, namespace="shop")
    other = http_server("api", "GET /b", 10, 60, call, namespace="billing")
    user = http_server("user", "GET /u", 70, 5, call, namespace="shop")
    steps = build_story("order", "123", [entry, call, other, user]).steps
    assert [step.service for step in steps] == ["shop/api", "shop/api", "billing/api", "user"]
    assert [step.namespace for step in steps] == ["shop", "shop", "billing", "shop"]


def test_names_are_shortened_in_the_verdict_and_whole_in_the_steps() -> None:
    name = "x" * 500
    story = build_story("order", "123", [span("a" * 300, name, 2, 0, 5)])
    assert len(story.verdict) < 220
    assert story.steps[0].operation == name


def test_a_truncated_story_says_what_it_left_out() -> None:
    story = build_story("order", "123", hybrid_order(), truncated=True)
    assert story.notes == ["the story is cut: it has more than these 8 spans in 1 trace"]


def test_a_wide_and_a_deep_story_are_built_in_linear_time() -> None:
    """Quadratic work on these would take minutes."""
    entry = http_server("order", "POST /orders", 0, 90_000)
    wide = [span("order", f"step {n % 7}", 1, n, 1, entry, status=2 * (n % 5 == 0)) for n in range(10_000)]
    deep = [span("order", "level", 1, 0, 1, entry)]
    for level in range(10_000):
        deep.append(span("order", "level", 1, level / 1000, 1, deep[-1], status=2))
    assert len(build_story("order", "123", [entry, *wide, *deep]).steps) == 20_002


@pytest.mark.parametrize("shift", [-56 * 365, 365])
def test_a_span_with_an_impossible_date_does_not_count_in_the_duration(shift: int) -> None:
    entry = http_server("order", "POST /orders", 0, 84)
    day = 24 * 3600 * 1000
    odd = span("order", "archive", 1, shift * day, 5, entry)
    story = build_story("order", "123", [entry, odd], now=entry.end)
    assert (story.duration_ms, story.started) == (84, story.steps[0].time)
    assert len(story.steps) == 2
    assert build_story("order", "123", [odd], now=entry.end).duration_ms == 5


def test_only_the_first_entries_of_a_story_are_compared_with_what_is_usual() -> None:
    asked: list[Entry] = []

    def usual(entries: Sequence[Entry]) -> dict[int, Usual]:
        asked.extend(entries)
        return {}

    roots = [http_server("order", f"POST /orders/{'x' * number}", number, 1) for number in range(1, 30)]
    again = [replace(root, span_id=f"a{root.span_id[1:]}") for root in roots]
    build_story("order", "123", [*roots, *again], usual=usual)
    assert len({entry.entry for entry in asked}) == 10
    assert len(asked) == 20
