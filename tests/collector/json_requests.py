"""OTLP/JSON requests."""

from .requests import SPAN_ID, START, TRACE_ID


def json_span(**fields: object) -> dict[str, object]:
    """Return a span of 5 ms; `fields` are added or replaced."""
    return {
        "traceId": TRACE_ID.hex(),
        "spanId": SPAN_ID.hex(),
        "name": "span 0",
        "kind": 1,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + 5_000_000),
    } | fields


def json_request(*spans: dict[str, object]) -> dict[str, object]:
    """Return one request with these spans in one resource and scope."""
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "order"}}]}
    scope_spans = {"scope": {"name": "tests"}, "spans": list(spans)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]}
