"""Spans of Datadog's tracers: a request of `shop` that produces to Kafka, and `mailer`, which consumes."""

from typing import Any

TRACE_ID = 11_702_361_215_094_311_187
UPPER = "66e0b2a400000000"
START = 1_795_000_000_000_000_001


def span(number: int, **fields: object) -> dict[str, Any]:
    return {
        "trace_id": TRACE_ID,
        "span_id": number,
        "parent_id": 0,
        "service": "shop",
        "name": "flask.request",
        "resource": "POST /orders",
        "type": "web",
        "start": START,
        "duration": 5_000,
        "error": 0,
        "meta": {},
        "metrics": {},
    } | fields


def chain() -> list[list[dict[str, Any]]]:
    """Return the traces of `shop` → topic `orders` → `mailer`, each with its own first span."""
    request = span(
        1,
        meta={
            "_dd.p.tid": UPPER,
            "span.kind": "server",
            "http.method": "POST",
            "http.status_code": "201",
            "http.url": "http://shop.test/orders/7",
            "order_id": "A-1",
            "env": "prod",
            "version": "1.2",
            "runtime-id": "r-1",
        },
        metrics={"_sampling_priority_v1": 1, "process_id": 7},
    )
    produce = span(
        2,
        parent_id=1,
        service="shop-kafka",
        name="kafka.produce",
        resource="orders",
        type="worker",
        meta={"kafka.topic": "orders", "_dd.base_service": "shop", "kafka.message_key": "A-1"},
        metrics={"kafka.partition": 3.0, "kafka.message_offset": 12.0},
    )
    consume = span(
        3,
        parent_id=2,
        service="mailer",
        name="kafka.consume",
        resource="kafka.consume",
        type="worker",
        meta={"kafka.topic": "orders", "kafka.group_id": "mail", "_dd.p.tid": UPPER, "component": "kafka"},
        metrics={"kafka.partition": 3, "kafka.message_offset": 12},
    )
    return [[request, produce], [consume]]
