"""Converts spans of tests to the OTLP request that an exporter would send."""

from collections.abc import Iterable
from itertools import groupby

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from laban.vocabulary import PROMOTED
from laban_collector.store.rows import Span

_FIELDS = {
    "messaging_destination": "topic",
    "messaging_group": "group",
    "messaging_partition": "partition",
    "messaging_offset": "offset",
    "messaging_key": "message_key",
    "messaging_batch_count": "batch_count",
}


def to_otlp(spans: Iterable[Span]) -> bytes:
    """Return an ExportTraceServiceRequest with these spans and one resource per service and namespace."""
    request = ExportTraceServiceRequest()
    for (service, namespace), own in groupby(sorted(spans, key=_resource), key=_resource):
        resource_spans = request.resource_spans.add()
        resource_spans.resource.attributes.append(_attribute("service.name", service))
        if namespace:
            resource_spans.resource.attributes.append(_attribute("service.namespace", namespace))
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "tests"
        for span in own:
            sent = scope_spans.spans.add()
            sent.trace_id = bytes.fromhex(span.trace_id)
            sent.span_id = bytes.fromhex(span.span_id)
            sent.parent_span_id = bytes.fromhex(span.parent_id or "")
            sent.name = span.name
            sent.kind = span.kind  # type: ignore[assignment]
            sent.start_time_unix_nano = span.start
            sent.end_time_unix_nano = span.end
            sent.status.code = span.status  # type: ignore[assignment]
            sent.status.message = span.status_message or ""
            sent.attributes.extend(_attributes(span))
            for event in span.events:
                added = sent.events.add(time_unix_nano=event.time, name=event.name)
                added.attributes.extend(_attribute(key, value) for key, value in event.attributes.items())
            for trace_id, span_id in span.links:
                sent.links.add(trace_id=bytes.fromhex(trace_id), span_id=bytes.fromhex(span_id))
    return request.SerializeToString()


def _resource(span: Span) -> tuple[str, str]:
    return (span.service, span.namespace or "")


def _attributes(span: Span) -> list[KeyValue]:
    found: list[KeyValue] = [_attribute(key, value) for key, value in span.attributes.items()]
    for promoted in PROMOTED:
        value = getattr(span, _FIELDS.get(promoted.column, promoted.column))
        if value is not None:
            found.append(_attribute(promoted.keys[0], value))
    return found


def _attribute(key: str, value: object) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=str(value)))
