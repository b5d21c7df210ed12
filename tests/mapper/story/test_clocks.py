"""Durations come from causes: clocks that differ are corrected, and the story says by how much."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from laban_collector.store.rows import Span
from laban_mapper.story.builder import build_story

from ..shop_spans import (
    MS,
    grpc_client,
    grpc_server,
    http_client,
    http_server,
    hybrid_order,
    monolith_timeout,
    process,
    publish,
    span,
)


def shifted(spans: Sequence[Span], service: str, ms: float) -> list[Span]:
    """The spans as they are if the clock of a service is `ms` ahead."""
    return [replace(one, start=one.start + int(ms * MS)) if one.service == service else one for one in spans]


def priced_order() -> list[Span]:
    created = http_server("order", "POST /orders", 0, 100)
    asked = grpc_client("order", "shop.Pricing/Quote", 10, 50, created)
    quoted = grpc_server("pricing", "shop.Pricing/Quote", 15, 40, asked)
    return [created, asked, quoted, span("pricing", "compute", 1, 20, 10, quoted)]


@pytest.mark.parametrize(("ahead", "side"), [(-5000, "behind"), (5000, "ahead of")])
def test_a_call_takes_as_long_as_it_took_whatever_the_clocks_say(ahead: float, side: str) -> None:
    story = build_story("order", "123", shifted(priced_order(), "pricing", ahead))
    assert story.duration_ms == 100
    assert story.verdict == "Order 123 was created in 100 ms."
    assert [step.start_ms for step in story.steps] == [0, 10, 15, 20]
    assert story.notes == [f"clocks differ by about 5.0 s: pricing is {side} order"]
    assert story.clock_skew_ms == {"pricing": ahead}


def test_the_time_of_a_step_stays_as_it_was_sent() -> None:
    spans = shifted(priced_order(), "pricing", -5000)
    story = build_story("order", "123", spans)
    assert (story.steps[0].time - story.steps[2].time).total_seconds() == pytest.approx(4.985)


def test_the_critical_path_does_not_depend_on_the_clocks() -> None:
    right = build_story("order", "123", hybrid_order())
    wrong = build_story("order", "123", shifted(hybrid_order(), "pricing", -5000))
    assert [step.critical for step in wrong.steps] == [step.critical for step in right.steps]
    assert wrong.verdict == right.verdict
    assert wrong.duration_ms == right.duration_ms


def test_what_calls_tell_about_a_clock_also_counts_for_messages() -> None:
    spans = priced_order()
    published = publish("order", "orders", 70, spans[0])
    spans += [published, process("pricing", published, 7000, 5)]
    story = build_story("order", "123", shifted(spans, "pricing", -5000))
    assert story.steps[-1].wait_ms == pytest.approx(6930)
    assert story.duration_ms == 7005


def test_two_services_on_the_same_wrong_host_are_both_corrected() -> None:
    spans = priced_order()
    call = grpc_client("pricing", "shop.User/Get", 22, 20, spans[2])
    spans += [call, grpc_server("user", "shop.User/Get", 25, 14, call)]
    story = build_story("order", "123", shifted(shifted(spans, "pricing", -5000), "user", -5000))
    assert story.clock_skew_ms == {"pricing": -5000, "user": -5000}
    assert story.notes == ["clocks differ by about 5.0 s: pricing and user are behind order"]
    assert [step.start_ms for step in story.steps] == [0, 10, 15, 20, 22, 25]


def test_a_message_that_was_consumed_before_it_was_published_waited_for_an_unknown_time() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created)
    handled = process("email", published, -4050, 20)
    story = build_story("order", "123", [created, published, handled])
    assert story.steps[-1].wait_ms is None
    assert story.messages[0].groups[0].wait_ms is None
    assert story.duration_ms == 80
    assert story.notes == ["clocks differ by at least 4.1 s: email is behind order"]
    assert story.verdict == "Order 123 was created in 80 ms; email processed orders."


def test_what_follows_from_a_guessed_time_is_a_guess() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created)
    handled = process("email", published, -4050, 20)
    mailed = publish("email", "mails", -4040, handled, offset=3)
    sent = process("archive", mailed, 200, 5)
    steps = build_story("order", "123", [created, published, handled, mailed, sent]).steps
    assert next(step for step in steps if step.service == "archive").wait_ms is None


@pytest.mark.parametrize("spans", [hybrid_order(), monolith_timeout(), priced_order()])
def test_clocks_that_may_be_right_are_not_called_wrong(spans: list[Span]) -> None:
    story = build_story("order", "123", spans)
    assert (story.notes, story.clock_skew_ms) == ([], {})


def test_a_server_may_end_its_span_a_little_after_its_caller() -> None:
    created = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 30, created)
    late = http_server("user", "GET /users/{id}", 21, 28, call)
    assert build_story("order", "123", [created, call, late]).notes == []


def test_a_server_that_works_on_after_its_caller_gave_up_is_not_moved() -> None:
    created = http_server("order", "POST /orders", 0, 400)
    call = http_client("order", "GET", 10, 200, created, status=2, error_type="TimeoutError")
    queued = http_server("user", "GET /users/{id}", 300, 150, call)
    story = build_story("order", "123", [created, call, queued])
    assert story.notes == []
    assert story.duration_ms == 450


def test_a_failed_call_that_its_server_answered_tells_about_clocks_too() -> None:
    created = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 50, created, http_status=500, status=2)
    server = http_server("user", "GET /users/{id}", 9015, 40, call, http_status=500, status=2)
    story = build_story("order", "123", [created, call, server])
    assert story.duration_ms == 100
    assert story.clock_skew_ms == {"user": 9000}


def test_hosts_of_one_service_with_different_clocks_are_corrected_one_by_one() -> None:
    created = http_server("order", "POST /orders", 0, 200)
    calls = [grpc_client("order", "shop.Pricing/Quote", at, 50, created) for at in (10, 110)]
    servers = [
        grpc_server("pricing", "shop.Pricing/Quote", calls_at, 40, call)
        for call, calls_at in zip(calls, (-4985, 115), strict=True)
    ]
    story = build_story("order", "123", [created, *calls, *servers])
    assert story.duration_ms == 200
    assert sorted(step.start_ms or 0 for step in story.steps) == [0, 10, 15, 110, 115]


def test_the_story_begins_by_the_clock_of_its_first_service() -> None:
    spans = shifted(priced_order(), "pricing", -5000)
    story = build_story("order", "123", spans)
    assert story.started == story.steps[0].time


def test_one_host_with_a_right_clock_forbids_to_apply_the_other_hosts_correction() -> None:
    created = http_server("order", "POST /orders", 0, 200)
    calls = [grpc_client("order", "shop.Pricing/Quote", at, 50, created) for at in (10, 110)]
    wrong = grpc_server("pricing", "shop.Pricing/Quote", -4985, 40, calls[0])
    right = grpc_server("pricing", "shop.Pricing/Quote", 115, 40, calls[1])
    published = publish("order", "orders", 170, created)
    handled = process("pricing", published, 200, 5)
    story = build_story("order", "123", [created, *calls, wrong, right, published, handled])
    assert story.steps[-1].wait_ms == pytest.approx(30)


def test_nothing_is_said_about_a_clock_seen_only_from_a_guessed_one() -> None:
    created = http_server("order", "POST /orders", 0, 80)
    published = publish("order", "orders", 50, created)
    handled = process("email", published, -4050, 20)
    call = http_client("email", "GET", -4045, 10, handled)
    user = http_server("user", "GET /users/{id}", 200, 8, call)
    story = build_story("order", "123", [created, published, handled, call, user])
    assert story.notes == ["clocks differ by at least 4.1 s: email is behind order"]
    assert story.duration_ms == 80


def test_a_service_with_two_clocks_is_not_ahead_of_itself() -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "GET", 10, 50, entry)
    other = http_server("order", "GET /stock", 5015, 40, call)
    story = build_story("order", "123", [entry, call, other])
    assert story.notes == ["clocks differ by about 5.0 s: another host of order is ahead of order"]
    assert story.duration_ms == 100


@pytest.mark.parametrize("took", [0, 20])
def test_a_caller_that_did_not_wait_says_nothing_about_the_end_of_its_callee(took: float) -> None:
    entry = http_server("order", "POST /orders", 0, 100)
    call = http_client("order", "redirect", 10, took, entry)
    later = http_server("login", "GET /login", 34_000, max(took * 2, 0), call)
    story = build_story("order", "123", [entry, call, later])
    assert story.notes == []
