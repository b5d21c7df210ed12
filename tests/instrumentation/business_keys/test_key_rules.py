"""The rules that find business keys in spans, routes and JSON bodies."""

import pytest
from opentelemetry.trace import SpanKind

from laban.business_keys.key_rules import KeyRules, configured_rules
from laban.business_keys.keys import parse_rules

ROUTE = {"http.route": "/orders/{order_id}", "url.path": "/orders/1001"}
MESSAGE = {"messaging.destination.name": "orders", "messaging.kafka.message.key": "1001"}


def test_routes_and_json_fields_need_no_rule() -> None:
    assert KeyRules().in_span(SpanKind.SERVER, ROUTE) == {"order.id": "1001"}
    assert KeyRules().in_json({"orderId": 1, "total": 2, "trace_id": "x"}) == {"order.id": "1"}


def test_paths_of_the_old_conventions_are_read() -> None:
    attributes = {"http.route": "/orders/{order_id}", "http.target": "/orders/1001?full=1"}
    assert KeyRules().in_span(SpanKind.SERVER, attributes) == {"order.id": "1001"}


def test_routes_on_client_spans_have_no_keys() -> None:
    assert KeyRules().in_span(SpanKind.CLIENT, ROUTE) == {}


def test_a_kafka_key_needs_a_rule_for_its_topic() -> None:
    named = KeyRules(parse_rules("order.id=kafka.key:orders*"))
    for kind in (SpanKind.PRODUCER, SpanKind.CONSUMER):
        assert KeyRules().in_span(kind, MESSAGE) == {}
        assert named.in_span(kind, MESSAGE) == {"order.id": "1001"}
        assert named.in_span(kind, MESSAGE | {"messaging.destination.name": "prices"}) == {}


def test_a_rule_wins_over_the_automatic_rules() -> None:
    named = KeyRules(parse_rules("order.id=route:number|json:order.number"))
    attributes = {"http.route": "/orders/{order_id}/{number}", "url.path": "/orders/1/A-1"}
    assert named.in_span(SpanKind.SERVER, attributes) == {"order.id": "A-1"}
    assert named.in_json({"order_id": "1", "order": {"number": "A-1"}}) == {"order.id": "A-1"}


def test_the_first_rule_for_a_key_wins() -> None:
    named = KeyRules(parse_rules("order.id=attribute:a|attribute:b"))
    assert named.in_span(SpanKind.INTERNAL, {"a": "1", "b": "2"}) == {"order.id": "1"}
    assert named.in_span(SpanKind.INTERNAL, {"b": "2"}) == {"order.id": "2"}


@pytest.mark.parametrize(
    "document", [None, 1, "order_id", ["order_id"], {"order_id": None}, {"order_id": [1]}]
)
def test_json_without_ids_has_no_keys(document: object) -> None:
    assert KeyRules().in_json(document) == {}


def test_malformed_rules_leave_the_automatic_rules(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LABAN_KEYS", "order.id=nowhere")
    configured_rules.cache_clear()
    try:
        assert configured_rules().in_span(SpanKind.SERVER, ROUTE) == {"order.id": "1001"}
        assert "LABAN_KEYS" in caplog.text
    finally:
        configured_rules.cache_clear()
