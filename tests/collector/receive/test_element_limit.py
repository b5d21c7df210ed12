import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

from laban_collector.errors import UndecodableRequest
from laban_collector.receive.element_limit import too_many_elements

from ..requests import key_values, request, span

MANY = 5000


def of(sent: Span) -> bytes:
    return request(sent).SerializeToString()


def nested(depth: int) -> AnyValue:
    value = AnyValue(array_value=ArrayValue(values=[AnyValue()] * MANY))
    for _ in range(depth):
        value = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(value=value)]))
    return value


BOMBS = {
    "spans": request(*[Span()] * MANY),
    "attributes": request(Span(attributes=[KeyValue()] * MANY)),
    "events": request(Span(events=[Span.Event()] * MANY)),
    "links": request(Span(links=[Span.Link()] * MANY)),
    "attributes of an event": request(Span(events=[Span.Event(attributes=[KeyValue()] * MANY)])),
    "attributes of a link": request(Span(links=[Span.Link(attributes=[KeyValue()] * MANY)])),
    "values of a list": request(Span(attributes=[KeyValue(value=nested(0))])),
    "values of a list, deep": request(Span(attributes=[KeyValue(value=nested(5))])),
    "resources": ExportTraceServiceRequest(resource_spans=[ResourceSpans()] * MANY),
    "attributes of the resource": request(span(), resource={str(number): 1 for number in range(MANY)}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_small_elements_are_counted_at_every_level(bomb: str) -> None:
    body = BOMBS[bomb].SerializeToString()
    assert too_many_elements(body, MANY - 1)
    assert not too_many_elements(body, 3 * MANY)


def test_the_count_is_exact() -> None:
    sent = span(0, {"a": 1, "b": [1, "two", {"c": None}]})
    sent.events.add(name="e").attributes.extend(key_values({"d": "x" * 500}))
    # ResourceSpans, Resource and its attribute and value; ScopeSpans, Scope; Span; a, b, d and their values;
    # the list with three values; the map with c and its value; Event.
    elements = 4 + 2 + 1 + 6 + 1 + 3 + 1 + 2 + 1
    assert too_many_elements(of(sent), elements - 1)
    assert not too_many_elements(of(sent), elements)


def test_long_texts_do_not_count_as_elements() -> None:
    assert not too_many_elements(of(span(0, {"a": "x" * 100_000})), 20)


def test_a_truncated_body_is_refused() -> None:
    body = BOMBS["spans"].SerializeToString() + b"\x0a\x7f"
    with pytest.raises(UndecodableRequest, match="not an OTLP ExportTraceServiceRequest"):
        too_many_elements(body, MANY // 2)


def test_unknown_fields_do_not_count() -> None:
    unknown = b"\x7a\x00" * MANY  # field 15, which no request has
    assert not too_many_elements(of(span()) + unknown, 100)
