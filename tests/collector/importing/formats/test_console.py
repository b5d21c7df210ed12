"""Decoding of what the Python SDK prints, checked on the SDK itself."""

import io
import json
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.trace.span import TraceState

from laban_collector.decode.batch_builder import SentSpan
from laban_collector.decode.results import Problems
from laban_collector.importing.formats.console import is_console_span, sent_spans

LINKED = SpanContext(0xA1, 0xB2, is_remote=True, trace_state=TraceState([("a", "1"), ("b", "2")]))
START = 1_795_000_000_123_456_000


def printed() -> list[dict[str, Any]]:
    """Return two spans, parent and child, as the SDK prints them."""
    out = io.StringIO()
    provider = TracerProvider(resource=Resource.create({"service.name": "order", "tenant.id": 7}))
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out)))
    tracer = provider.get_tracer("tests")
    parent = tracer.start_span(
        "POST /orders",
        kind=SpanKind.SERVER,
        start_time=START,
        attributes={"order.id": 1, "tags": ["a", "b"], "x": 0.5},
    )
    child = tracer.start_span(
        "send",
        trace.set_span_in_context(parent),
        SpanKind.PRODUCER,
        links=[Link(LINKED, {"n": 1})],
        start_time=START,
    )
    child.add_event("retry", {"attempt": 2}, START + 1000)
    child.set_status(Status(StatusCode.ERROR, "no broker"))
    child.end(START + 2_000_000)
    parent.end(START + 3_000_000)
    provider.shutdown()
    decoder = json.JSONDecoder()
    text = out.getvalue()
    child_document, end = decoder.raw_decode(text)
    return [child_document, decoder.raw_decode(text[end:].lstrip())[0]]


def read(document: dict[str, Any]) -> SentSpan:
    problems = Problems()
    [span] = sent_spans(document, problems)
    assert problems.reasons == {}
    return span


def test_printed_spans_keep_what_was_recorded() -> None:
    documents = printed()
    assert all(map(is_console_span, documents))
    child, parent = map(read, documents)
    assert (parent.name, parent.kind, parent.status, parent.parent_id) == ("POST /orders", 2, 0, 0)
    assert (parent.start, parent.end) == (START, START + 3_000_000)
    assert parent.attributes == {"order.id": 1, "tags": ["a", "b"], "x": 0.5}
    assert (parent.resource.service, parent.trace_id) == ("order", child.trace_id)
    assert '"tenant.id":7' in parent.resource.attributes
    assert (child.kind, child.status, child.status_message, child.parent_id) == (
        4,
        2,
        "no broker",
        parent.span_id,
    )
    [event], [link] = child.events, child.links
    assert (event.name, event.time, event.attributes) == ("retry", START + 1000, '{"attempt":2}')
    assert (link.linked_trace_lo, link.linked_span_id, link.trace_state) == (0xA1, 0xB2, "a=1,b=2")
    assert link.attributes == '{"n":1}'


def test_the_resource_of_old_versions_is_read() -> None:
    assert read(printed()[0] | {"resource": {"service.name": "old"}}).resource.service == "old"


def test_a_span_without_an_end_ends_at_its_start() -> None:
    assert read(printed()[0] | {"end_time": None}).end == START


def test_numbers_that_are_no_json_are_text() -> None:
    assert read(printed()[0] | {"attributes": {"x": float("nan")}}).attributes == {"x": "NaN"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start_time": None}, "no start_time"),
        ({"start_time": "yesterday"}, "a start_time that is not ISO 8601"),
        ({"start_time": "1969-12-31T23:59:59Z"}, "a time before 1970"),
        ({"start_time": "9999-01-01T00:00:00Z"}, "a time after the year 2262"),
        ({"context": {"trace_id": "0xzz", "span_id": "0x1"}}, "trace id that is not hex"),
        ({"context": {"trace_id": "0x1", "span_id": None}}, "span id that is not a string"),
        ({"attributes": [1]}, "attributes is not an object"),
    ],
)
def test_a_malformed_span_is_left_out_and_counted(changed: dict[str, Any], reason: str) -> None:
    problems = Problems()
    assert sent_spans(printed()[0] | changed, problems) == []
    assert problems.reasons == {f"span(s) rejected: {reason}": 1}
