"""Business keys on the spans of a trace, and their propagation between services."""

import pytest
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.trace import Link, SpanKind

import laban
from laban.business_keys.key_rules import MAX_KEYS

from ..recording import Recording

RULED = {"shop.order": "1001"}
"""Matches the attribute rule of the tests."""


def arrive(headers: dict[str, str]) -> context.Context:
    return propagate.extract(headers, context.Context())


def leave() -> dict[str, str]:
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def test_correlate_sets_the_key_on_the_current_the_entry_and_every_later_span(recording: Recording) -> None:
    tracer = recording.tracer
    with tracer.start_as_current_span("entry"):
        with tracer.start_as_current_span("before"):
            pass
        with tracer.start_as_current_span("inner"):
            laban.correlate(order_id=1001)
        with tracer.start_as_current_span("later"):
            pass
    marks = {span.name: span.attributes.get("order.id") for span in recording.finished}
    assert marks == {"entry": "1001", "before": None, "inner": "1001", "later": "1001"}


def test_a_key_is_propagated_with_every_later_call_and_inherited(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("caller"):
        assert "baggage" not in leave()
        laban.correlate(order_id="1001")
        headers = leave()
    tracer = recording.tracer
    with (
        tracer.start_as_current_span("callee", context=arrive(headers), kind=SpanKind.SERVER),
        tracer.start_as_current_span("deeper"),
    ):
        further = leave()
    assert recording.one("deeper").attributes["order.id"] == "1001"
    assert "order.id=1001" in further["baggage"]


def test_an_inherited_value_wins_and_a_different_one_is_recorded_as_local(recording: Recording) -> None:
    arrived = arrive({"baggage": "order.id=1001"})
    with recording.tracer.start_as_current_span("entry", context=arrived):
        laban.correlate(order_id="7")
        with recording.tracer.start_as_current_span("later"):
            assert "order.id=1001" in leave()["baggage"]
    for span in recording.finished:
        assert (span.attributes["order.id"], span.attributes["laban.local.order.id"]) == ("1001", "7")


def test_rules_keep_an_earlier_value_and_correlate_replaces_it(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("entry", attributes=RULED):
        with recording.tracer.start_as_current_span("other", attributes={"shop.order": "7"}):
            pass
        laban.correlate(order_id="9")
    assert recording.one("other").attributes["order.id"] == "1001"
    assert recording.one("other").attributes["laban.local.order.id"] == "7"
    assert recording.one("entry").attributes["order.id"] == "9"


def test_traces_do_not_share_keys(recording: Recording) -> None:
    for order in ("1", "2"):
        with recording.tracer.start_as_current_span(order, context=arrive({})):
            laban.correlate(order_id=order)
    assert [span.attributes["order.id"] for span in recording.finished] == ["1", "2"]


def test_a_link_does_not_propagate_keys(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("job", attributes=RULED) as job:
        link = Link(job.get_span_context())
        with recording.tracer.start_as_current_span("other", context=arrive({}), links=[link]):
            pass
    assert "order.id" not in recording.one("other").attributes


def test_correlate_without_a_current_span_does_nothing(recording: Recording) -> None:
    laban.correlate(order_id="1001")
    with recording.tracer.start_as_current_span("later"):
        pass
    assert "order.id" not in recording.one("later").attributes


def test_values_that_cannot_be_ids_are_ignored_with_one_warning(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    with recording.tracer.start_as_current_span("entry"):
        for _ in range(2):
            laban.correlate(shipment_id="x" * 200)
    assert "shipment.id" not in recording.one("entry").attributes
    assert len([line for line in caplog.messages if "shipment_id" in line]) == 1


def test_other_baggage_is_propagated_but_not_recorded(recording: Recording) -> None:
    token = context.attach(arrive({"baggage": "tenant=blue,trace_id=1,order.id=" + "x" * 200}))
    try:
        with recording.tracer.start_as_current_span("entry"):
            assert "tenant=blue" in leave()["baggage"]
    finally:
        context.detach(token)
    assert set(recording.one("entry").attributes) == {"correlation.id"}


def test_the_number_of_keys_is_limited(recording: Recording) -> None:
    many = ",".join(f"k{letter}.id=1" for letter in "abcdefghijklmnopqrstuvwxyz")
    with recording.tracer.start_as_current_span("entry", context=arrive({"baggage": many})):
        laban.correlate(order_id="1001")
    assert len(recording.one("entry").attributes) <= MAX_KEYS + 1


def test_the_edge_creates_a_correlation_id_and_later_services_keep_it(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("edge", context=arrive({})):
        headers = leave()
    with recording.tracer.start_as_current_span("next", context=arrive(headers)):
        assert leave()["X-Correlation-ID"] == headers["X-Correlation-ID"]
    edge, following = recording.finished
    assert edge.attributes["correlation.id"] == headers["X-Correlation-ID"]
    assert following.attributes["correlation.id"] == headers["X-Correlation-ID"]


def test_lower_case_metadata_is_read(recording: Recording) -> None:
    arrived = arrive({"x-correlation-id": "abc", "x-order-id": "1001"})
    with recording.tracer.start_as_current_span("entry", context=arrived):
        pass
    assert recording.one("entry").attributes == {"correlation.id": "abc", "order.id": "1001"}


def test_a_correlation_id_set_by_the_user_is_not_replaced(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("edge", context=arrive({})):
        headers = {"X-Correlation-ID": "mine"}
        propagate.inject(headers)
    assert headers["X-Correlation-ID"] == "mine"


def test_baggage_set_by_the_program_wins_over_known_keys(recording: Recording) -> None:
    with recording.tracer.start_as_current_span("entry", attributes=RULED):
        token = context.attach(baggage.set_baggage("order.id", "own"))
        try:
            assert leave()["baggage"] == "order.id=own"
        finally:
            context.detach(token)


def test_an_unsampled_trace_still_propagates_received_keys(recording: Recording) -> None:
    arrived = arrive({"baggage": "order.id=1001", "X-Correlation-ID": "abc"})
    unsampled = trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)
    token = context.attach(trace.set_span_in_context(unsampled, arrived))
    try:
        laban.correlate(order_id="7")
        headers = leave()
    finally:
        context.detach(token)
    assert headers["X-Correlation-ID"] == "abc"
    assert "order.id=1001" in headers["baggage"]
