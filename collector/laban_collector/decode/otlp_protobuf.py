"""OTLP/protobuf requests to one SpanBatch, by the protobuf library: a Python object a span.

Source: opentelemetry-proto 1.x, `trace/v1/trace.proto`.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from laban.vocabulary import (
    HTTP_ROUTE,
    LABAN_END_TIME,
    MESSAGING_DESTINATION_NAME,
    MESSAGING_KAFKA_MESSAGE_KEY,
    PROMOTED,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_NAMESPACE,
    SERVICE_VERSION,
)
from laban_collector.correlations import Correlation, KeyFinder
from laban_collector.decode.attributes import Value, to_json, values
from laban_collector.decode.decoded import Accepted, Decoded
from laban_collector.decode.promotion import Columns, promote
from laban_collector.decode.rows import EventRow, LinkRow, ResourceRow, Rows, ScopeRow, SpanRow
from laban_collector.errors import UndecodableRequest

UNKNOWN_SERVICE: Final = "unknown_service"
"""The service of a resource without `service.name`."""

_MAX_TIME: Final = 2**63 - 1
_MAX_REASONS: Final = 5
_Sent = TypeVar("_Sent")
_Row = TypeVar("_Row")
_COLUMN: Final = {promoted.keys[0]: promoted.column for promoted in PROMOTED}


class _MalformedError(Exception):
    """A span, an event or a link that cannot be stored as it is; the text says why."""


def decode(payloads: Sequence[bytes], finder: KeyFinder) -> Decoded:
    """Decode bodies of ExportTraceServiceRequest into one batch.

    A body that cannot be decoded becomes an `UndecodableRequest` among the outcomes, and leaves the others
    alone. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    rows = Rows()
    outcomes = tuple(_decode_one(payload, rows, finder) for payload in payloads)
    return Decoded(rows.to_batch(), outcomes)


def _decode_one(payload: bytes, rows: Rows, finder: KeyFinder) -> Accepted | UndecodableRequest:
    try:
        # Parsed whole before the first row is taken: a body that fails leaves no rows behind.
        request = ExportTraceServiceRequest.FromString(payload)
    except DecodeError as error:
        return UndecodableRequest(f"The body is no OTLP ExportTraceServiceRequest: {error}")
    before = len(rows.spans)
    problems: Counter[str] = Counter()
    rejected = 0
    for resource_spans in request.resource_spans:
        resource_id = _resource(resource_spans.resource, rows)
        for scope_spans in resource_spans.scope_spans:
            scope_id = _scope(scope_spans.scope, rows)
            for span in scope_spans.spans:
                try:
                    _span(span, resource_id, scope_id, rows, finder, problems)
                except _MalformedError as reason:
                    rejected += 1
                    problems[f"span(s) rejected: {reason}"] += 1
    return Accepted(len(rows.spans) - before, rejected, _explain(problems))


def _explain(problems: Counter[str]) -> str:
    return "; ".join(f"{count} {problem}" for problem, count in problems.most_common(_MAX_REASONS))


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _resource(resource: Resource, rows: Rows) -> int:
    """The id of a resource: the same attributes in another order are the same resource."""
    attributes = dict(sorted(values(resource.attributes).items()))
    text = to_json(attributes)
    resource_id = _hash(text)
    if resource_id not in rows.resources:
        service = _text(attributes.get(SERVICE_NAME)) or UNKNOWN_SERVICE
        rows.resources[resource_id] = ResourceRow(
            resource_id,
            service,
            text,
            _text(attributes.get(SERVICE_NAMESPACE)),
            _text(attributes.get(SERVICE_VERSION)),
            _text(attributes.get(SERVICE_INSTANCE_ID)),
        )
    return resource_id


def _scope(scope: InstrumentationScope, rows: Rows) -> int:
    attributes = dict(sorted(values(scope.attributes).items()))
    text = to_json(attributes)
    scope_id = _hash(to_json({"name": scope.name, "version": scope.version, "attributes": text}))
    rows.scopes.setdefault(scope_id, ScopeRow(scope_id, scope.name, text, scope.version or None))
    return scope_id


def _text(value: Value) -> str | None:
    """A scalar as text, None for nothing and for what is not a scalar."""
    return str(value) if isinstance(value, (str, int, float)) and value != "" else None


def _span(
    span: Span, resource_id: int, scope_id: int, rows: Rows, finder: KeyFinder, problems: Counter[str]
) -> None:
    """Take one span.

    Raises:
        _MalformedError: before anything of the span is taken.
    """
    trace_hi, trace_lo = _trace_id(span.trace_id)
    start, end = _time(span.start_time_unix_nano), _time(span.end_time_unix_nano)
    kind = span.kind if span.kind in range(6) else 0
    sent = values(span.attributes)
    if end < start:
        sent[LABAN_END_TIME] = end
    columns, attributes = promote(sent, kind)
    events = _gather(_event, span.events, "event", problems)
    links = _gather(_link, span.links, "link", problems)
    row = SpanRow(
        trace_hi=trace_hi,
        trace_lo=trace_lo,
        span_id=_span_id(span.span_id),
        parent_id=_parent_id(span.parent_span_id),
        start=start,
        duration=max(end - start, 0),
        kind=kind,
        status=span.status.code if span.status.code in range(3) else 0,
        name=span.name,
        resource_id=resource_id,
        scope_id=scope_id,
        flags=span.flags,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count + len(span.events) - len(events),
        dropped_links=span.dropped_links_count + len(span.links) - len(links),
        status_message=span.status.message or None,
        trace_state=span.trace_state or None,
        attributes=_json_or_none(attributes),
    )
    rows.add(row, columns, events, links, _correlations(sent, columns, finder))


def _gather(
    read: Callable[[_Sent], _Row], sent: Iterable[_Sent], what: str, problems: Counter[str]
) -> list[_Row]:
    """The rows of what can be read; a malformed one is dropped and counted, and the span is kept."""
    rows: list[_Row] = []
    for one in sent:
        try:
            rows.append(read(one))
        except _MalformedError as reason:
            problems[f"{what}(s) dropped: {reason}"] += 1
    return rows


def _correlations(sent: Mapping[str, Value], columns: Columns, finder: KeyFinder) -> set[Correlation]:
    def column(key: str) -> str | None:
        value = columns.get(_COLUMN[key])
        return value if isinstance(value, str) else None

    return finder.find(
        sent,
        route=column(HTTP_ROUTE),
        topic=column(MESSAGING_DESTINATION_NAME),
        message_key=column(MESSAGING_KAFKA_MESSAGE_KEY),
    )


def _event(event: Span.Event) -> EventRow:
    return EventRow(
        time=_time(event.time_unix_nano),
        name=event.name,
        dropped_attributes=event.dropped_attributes_count,
        attributes=_json_or_none(values(event.attributes)),
    )


def _link(link: Span.Link) -> LinkRow:
    """A link to nowhere (no ids, or zeros) is legal: the specification keeps it for its attributes."""
    trace_hi, trace_lo = _trace_id(link.trace_id) if any(link.trace_id) else (0, 0)
    return LinkRow(
        linked_trace_hi=trace_hi,
        linked_trace_lo=trace_lo,
        linked_span_id=_span_id(link.span_id) if any(link.span_id) else 0,
        flags=link.flags,
        dropped_attributes=link.dropped_attributes_count,
        trace_state=link.trace_state or None,
        attributes=_json_or_none(values(link.attributes)),
    )


def _json_or_none(attributes: Mapping[str, Value]) -> str | None:
    return to_json(attributes) if attributes else None


def _trace_id(sent: bytes) -> tuple[int, int]:
    if len(sent) != 16:
        raise _MalformedError(f"trace id of {len(sent)} bytes, not 16")
    if not any(sent):
        raise _MalformedError("trace id of zeros")
    return int.from_bytes(sent[:8]), int.from_bytes(sent[8:])


def _span_id(sent: bytes) -> int:
    if len(sent) != 8:
        raise _MalformedError(f"span id of {len(sent)} bytes, not 8")
    if not any(sent):
        raise _MalformedError("span id of zeros")
    return int.from_bytes(sent)


def _parent_id(sent: bytes) -> int:
    """0 for a root; some senders write a root's parent as eight zeros."""
    if len(sent) not in (0, 8):
        raise _MalformedError(f"parent span id of {len(sent)} bytes, not 8 or none")
    return int.from_bytes(sent)


def _time(sent: int) -> int:
    if sent > _MAX_TIME:
        raise _MalformedError("a time after the year 2262")
    return sent
