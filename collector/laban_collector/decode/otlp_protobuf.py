"""OTLP/protobuf requests to one SpanBatch, span by span, with the classes of the protobuf library.

Source: opentelemetry-proto 1.x, `trace/v1/trace.proto`.
"""

from collections.abc import Iterator, Sequence

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban_collector.batch.attributes import values
from laban_collector.decode.batch_builder import (
    BatchBuilder,
    EventRow,
    LinkRow,
    ResourceRow,
    ScopeRow,
    SentSpan,
    checked_time,
    json_or_none,
    resource_row,
    scope_row,
)
from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.results import AcceptedRequest, DecodedRequests, MalformedError, Problems
from laban_collector.errors import UndecodableRequest


def decode(payloads: Sequence[bytes], finder: KeyFinder) -> DecodedRequests:
    """Decode bodies of ExportTraceServiceRequest into one batch.

    The outcome of a body that cannot be decoded is an `UndecodableRequest`; the other bodies are not
    affected. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    builder = BatchBuilder(finder)
    outcomes = tuple(_decode_one(payload, builder) for payload in payloads)
    return DecodedRequests(builder.to_batch(), outcomes)


def parse(payload: bytes) -> ExportTraceServiceRequest:
    """Parse the body of a request.

    Raises:
        UndecodableRequest: it is not an ExportTraceServiceRequest.
    """
    try:
        return ExportTraceServiceRequest.FromString(payload)
    except DecodeError as error:
        raise UndecodableRequest(f"The body is not an OTLP ExportTraceServiceRequest: {error}") from error


def sent_spans(payload: bytes, problems: Problems) -> Iterator[SentSpan]:
    """Yield the spans of one body; malformed ones are left out and counted.

    Raises:
        UndecodableRequest: it is not an ExportTraceServiceRequest; raised before the first span.
    """
    for resource_spans in parse(payload).resource_spans:
        resource = resource_row(values(resource_spans.resource.attributes))
        for scope_spans in resource_spans.scope_spans:
            sent = scope_spans.scope
            scope = scope_row(sent.name, sent.version, values(sent.attributes))
            for span in scope_spans.spans:
                try:
                    yield _span(span, resource, scope, problems)
                except MalformedError as reason:
                    problems.reject(reason)


def _decode_one(payload: bytes, builder: BatchBuilder) -> AcceptedRequest | UndecodableRequest:
    problems = Problems()
    before = len(builder)
    try:
        for span in sent_spans(payload, problems):
            builder.add(span)
    except UndecodableRequest as error:
        return error
    return AcceptedRequest(len(builder) - before, problems.rejected, problems.explain())


def _span(span: Span, resource: ResourceRow, scope: ScopeRow, problems: Problems) -> SentSpan:
    """Read one span; raises MalformedError."""
    trace_id = _trace_id(span.trace_id)
    start, end = checked_time(span.start_time_unix_nano), checked_time(span.end_time_unix_nano)
    span_id, parent_id = _span_id(span.span_id), _parent_id(span.parent_span_id)
    events = problems.well_formed(_event, span.events, "event")
    links = problems.well_formed(_link, span.links, "link")
    return SentSpan(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        start=start,
        end=end,
        kind=span.kind,
        status=span.status.code,
        name=span.name,
        resource=resource,
        scope=scope,
        attributes=values(span.attributes),
        events=events,
        links=links,
        flags=span.flags,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count + len(span.events) - len(events),
        dropped_links=span.dropped_links_count + len(span.links) - len(links),
        status_message=span.status.message or None,
        trace_state=span.trace_state or None,
    )


def _event(event: Span.Event) -> EventRow:
    return EventRow(
        time=checked_time(event.time_unix_nano),
        name=event.name,
        dropped_attributes=event.dropped_attributes_count,
        attributes=json_or_none(values(event.attributes)),
    )


def _link(link: Span.Link) -> LinkRow:
    """Read a link. One without ids, or with zeros, is valid: it is kept for its attributes."""
    trace_hi, trace_lo = _trace_id(link.trace_id) if any(link.trace_id) else (0, 0)
    return LinkRow(
        linked_trace_hi=trace_hi,
        linked_trace_lo=trace_lo,
        linked_span_id=_span_id(link.span_id) if any(link.span_id) else 0,
        flags=link.flags,
        dropped_attributes=link.dropped_attributes_count,
        trace_state=link.trace_state or None,
        attributes=json_or_none(values(link.attributes)),
    )


def _trace_id(sent: bytes) -> tuple[int, int]:
    if len(sent) != 16:
        raise MalformedError(f"trace id of {len(sent)} bytes, not 16")
    if not any(sent):
        raise MalformedError("trace id of zeros")
    return int.from_bytes(sent[:8]), int.from_bytes(sent[8:])


def _span_id(sent: bytes) -> int:
    if len(sent) != 8:
        raise MalformedError(f"span id of {len(sent)} bytes, not 8")
    if not any(sent):
        raise MalformedError("span id of zeros")
    return int.from_bytes(sent)


def _parent_id(sent: bytes) -> int:
    """Return 0 for a root span; some senders write its parent as eight zeros."""
    if len(sent) not in (0, 8):
        raise MalformedError(f"parent span id of {len(sent)} bytes, not 8 or none")
    return int.from_bytes(sent)
