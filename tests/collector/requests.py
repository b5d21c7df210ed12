"""OTLP/protobuf requests."""

from collections.abc import Mapping

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import Span

START = 1_795_000_000_000_000_000
"""2026-11-18, in ns since the epoch."""

TRACE_ID = bytes.fromhex("f0e1d2c3b4a5968778695a4b3c2d1e0f")
SPAN_ID = bytes.fromhex("fedcba9876543210")


def any_value(value: object) -> AnyValue:
    """Convert a Python value to an OTLP value; None is the empty value."""
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=key_values(value)))
        case _:
            return AnyValue(string_value=str(value))


def key_values(attributes: Mapping[str, object]) -> list[KeyValue]:
    """Convert attributes to OTLP."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def span(
    number: int = 0,
    attributes: Mapping[str, object] | None = None,
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_INTERNAL,
) -> Span:
    """Return a span of 5 ms; each number gives another span in the same trace, 1 ms later."""
    start = START + number * 1_000_000
    return Span(
        trace_id=TRACE_ID,
        span_id=(int.from_bytes(SPAN_ID) + number).to_bytes(8),
        name=f"span {number}",
        kind=kind,
        start_time_unix_nano=start,
        end_time_unix_nano=start + 5_000_000,
        attributes=key_values(attributes or {}),
    )


def request(
    *spans: Span,
    resource: Mapping[str, object] | None = None,
    scope: str = "tests",
) -> ExportTraceServiceRequest:
    """Return one request with these spans in one resource and scope."""
    built = ExportTraceServiceRequest()
    resource_spans = built.resource_spans.add()
    resource_spans.resource.attributes.extend(key_values(resource or {"service.name": "order"}))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = scope
    scope_spans.spans.extend(spans)
    return built


def body(*spans: Span) -> bytes:
    """Return the body of a request."""
    return request(*spans).SerializeToString()
