"""Conversion of OTLP/JSON requests to OTLP/protobuf.

The protobuf library itself would read the hex ids as base64. The result is decoded like any protobuf request,
so both encodings are stored by the same rules.

There are two dialects. On the wire, the specification holds: hex ids, numeric enums, lowerCamelCase names,
unknown fields ignored. Files may also contain the output of protobuf's JSON printers and of older versions:
base64 ids, enum names, `batches`, `instrumentationLibrarySpans`.
Source: the OTLP specification 1.x, "JSON Protobuf Encoding"; opentelemetry-proto 1.x for the numbers.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from laban_collector.decode.batch_builder import checked_time
from laban_collector.decode.json_attributes import key_values
from laban_collector.decode.json_dialects import WIRE, Dialect
from laban_collector.decode.json_documents import (
    UINT32,
    UINT64,
    JsonObject,
    NotJsonError,
    WrongTypeError,
    as_object,
    integer,
    objects,
    parse_request,
    text,
)
from laban_collector.decode.protobuf_writer import (
    fixed32,
    fixed32_tag,
    fixed64,
    fixed64_tag,
    length_delimited,
    string_field,
    tag,
    varint,
    varint_field,
    varint_tag,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.errors import UndecodableRequest

_MAX_ELEMENTS: Final = 2_000_000
"""Objects and lists in one body. Each takes 3 bytes or more in the body, and about 100 when parsed."""

_RESOURCE_SPANS = tag(1)
_RESOURCE, _SCOPE_SPANS, _RESOURCE_ATTRIBUTE = tag(1), tag(2), tag(1)
_SCOPE, _SPAN, _SCOPE_NAME, _SCOPE_VERSION, _SCOPE_ATTRIBUTE = tag(1), tag(2), tag(1), tag(2), tag(3)
_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND = *map(tag, range(1, 6)), varint_tag(6)
_START, _END, _ATTRIBUTE, _DROPPED_ATTRIBUTES = fixed64_tag(7), fixed64_tag(8), tag(9), varint_tag(10)
_EVENT, _DROPPED_EVENTS, _LINK, _DROPPED_LINKS = tag(11), varint_tag(12), tag(13), varint_tag(14)
_STATUS, _FLAGS, _STATUS_MESSAGE, _STATUS_CODE = tag(15), fixed32_tag(16), tag(2), varint_tag(3)
_EVENT_TIME, _EVENT_NAME, _EVENT_ATTRIBUTE, _EVENT_DROPPED = fixed64_tag(1), tag(2), tag(3), varint_tag(4)
_LINK_ATTRIBUTE, _LINK_DROPPED, _LINK_FLAGS = tag(4), varint_tag(5), fixed32_tag(6)

_TRACE_ID_16, _SPAN_ID_8 = _TRACE_ID + varint(16), _SPAN_ID + varint(8)

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_MAX_COUNT: Final = UINT32[-1]


class ProtobufRequest(NamedTuple):
    """A request converted to protobuf.

    Attributes:
        body: a serialized ExportTraceServiceRequest.
        spans: the number of spans in it.
    """

    body: bytes
    spans: int


def to_protobuf(document: object, problems: Problems, dialect: Dialect) -> ProtobufRequest:
    """Convert a parsed document; malformed elements are left out and counted.

    Raises:
        WrongTypeError: a field has the wrong type.
    """
    found: list[bytes] = []
    spans = 0
    for resource_spans in _first(as_object(document, "the document"), dialect.resource_spans):
        resource = as_object(resource_spans.get("resource"), "resource")
        attributes = key_values(_RESOURCE_ATTRIBUTE, resource)
        of_resource = [length_delimited(_RESOURCE, b"".join(attributes))]
        for scope_spans in _first(resource_spans, dialect.scope_spans):
            of_scope = _spans(objects(scope_spans, "spans"), problems, dialect)
            spans += len(of_scope)
            of_scope.append(_scope(scope_spans, dialect))
            of_resource.append(length_delimited(_SCOPE_SPANS, b"".join(of_scope)))
        found.append(length_delimited(_RESOURCE_SPANS, b"".join(of_resource)))
    return ProtobufRequest(b"".join(found), spans)


def convert_body(payload: bytes, problems: Problems) -> bytes:
    """Convert the body of an OTLP/HTTP request with JSON, in the dialect of the wire.

    Raises:
        UndecodableRequest: the body is not an ExportTraceServiceRequest.
    """
    if payload.count(b"{") + payload.count(b"[") > _MAX_ELEMENTS:
        message = f"The body has more than {_MAX_ELEMENTS} JSON elements. Send smaller batches."
        raise UndecodableRequest(message)
    try:
        return to_protobuf(_parsed(payload), problems, WIRE).body
    except (NotJsonError, WrongTypeError) as error:
        message = f"The body is not an OTLP/JSON ExportTraceServiceRequest: {error}"
        raise UndecodableRequest(message) from error


def _parsed(payload: bytes) -> JsonObject:
    document = parse_request(payload)
    if not isinstance(document, dict):
        raise WrongTypeError("the document is not an object")
    return document


def _first(parent: JsonObject, names: tuple[str, ...]) -> list[JsonObject]:
    """Return the list of objects in the first of these fields that exists."""
    return next((objects(parent, name) for name in names if name in parent), [])


def _scope(scope_spans: JsonObject, dialect: Dialect) -> bytes:
    sent = next((scope_spans[name] for name in dialect.scope if name in scope_spans), None)
    scope = as_object(sent, "scope")
    fields = [
        string_field(_SCOPE_NAME, text(scope, "name")),
        string_field(_SCOPE_VERSION, text(scope, "version")),
    ]
    return length_delimited(_SCOPE, b"".join(fields + key_values(_SCOPE_ATTRIBUTE, scope)))


def _spans(sent: Sequence[JsonObject], problems: Problems, dialect: Dialect) -> list[bytes]:
    spans: list[bytes] = []
    for span in sent:
        try:
            spans.append(length_delimited(_SPAN, _span(span, problems, dialect)))
        except MalformedError as reason:
            problems.reject(reason)
        except WrongTypeError as reason:
            if not dialect.forgiving:
                raise
            problems.reject(reason)
    return spans


def _span(span: JsonObject, problems: Problems, dialect: Dialect) -> bytes:
    """Convert one span; raises MalformedError or WrongTypeError."""
    sent_events, sent_links = objects(span, "events"), objects(span, "links")
    events = problems.well_formed(_event, sent_events, "event") if sent_events else []
    links = problems.well_formed(lambda link: _link(link, dialect), sent_links, "link") if sent_links else []
    lost_events, lost_links = len(sent_events) - len(events), len(sent_links) - len(links)
    status = as_object(span.get("status"), "status")
    parent = text(span, "parentSpanId")
    return b"".join(
        [
            _TRACE_ID_16 + _trace_id(text(span, "traceId"), dialect),
            _SPAN_ID_8 + _span_id(text(span, "spanId"), dialect),
            length_delimited(_PARENT_ID, dialect.identifier(parent, _SPAN_DIGITS, "parent span id"))
            if parent
            else b"",
            _START + fixed64(checked_time(integer(span, "startTimeUnixNano", UINT64))),
            _END + fixed64(checked_time(integer(span, "endTimeUnixNano", UINT64))),
            varint_field(_KIND, dialect.kind(span)),
            _status(status, dialect) if status else b"",
            string_field(_NAME, text(span, "name")),
            *key_values(_ATTRIBUTE, span),
            *events,
            *links,
            _FLAGS + fixed32(integer(span, "flags", UINT32)),
            string_field(_TRACE_STATE, text(span, "traceState")),
            varint_field(_DROPPED_ATTRIBUTES, integer(span, "droppedAttributesCount", UINT32)),
            varint_field(
                _DROPPED_EVENTS, _add_dropped(integer(span, "droppedEventsCount", UINT32), lost_events)
            ),
            varint_field(
                _DROPPED_LINKS, _add_dropped(integer(span, "droppedLinksCount", UINT32), lost_links)
            ),
        ]
    )


def _status(status: JsonObject, dialect: Dialect) -> bytes:
    code = varint_field(_STATUS_CODE, dialect.status_code(status))
    return length_delimited(_STATUS, code + string_field(_STATUS_MESSAGE, text(status, "message")))


def _add_dropped(dropped: int, lost: int) -> int:
    """Return how many the sender dropped plus how many were dropped here."""
    return min(dropped + lost, _MAX_COUNT)


def _event(event: JsonObject) -> bytes:
    fields = [
        _EVENT_TIME + fixed64(checked_time(integer(event, "timeUnixNano", UINT64))),
        string_field(_EVENT_NAME, text(event, "name")),
        varint_field(_EVENT_DROPPED, integer(event, "droppedAttributesCount", UINT32)),
        *key_values(_EVENT_ATTRIBUTE, event),
    ]
    return length_delimited(_EVENT, b"".join(fields))


def _link(link: JsonObject, dialect: Dialect) -> bytes:
    """Convert a link. One without ids, or with zeros, is valid: it is kept for its attributes."""
    trace_id, span_id = text(link, "traceId"), text(link, "spanId")
    fields = [
        length_delimited(_TRACE_ID, _trace_id(trace_id, dialect) if trace_id.strip("0") else b""),
        length_delimited(_SPAN_ID, _span_id(span_id, dialect) if span_id.strip("0") else b""),
        _LINK_FLAGS + fixed32(integer(link, "flags", UINT32)),
        varint_field(_LINK_DROPPED, integer(link, "droppedAttributesCount", UINT32)),
        string_field(_TRACE_STATE, text(link, "traceState")),
        *key_values(_LINK_ATTRIBUTE, link),
    ]
    return length_delimited(_LINK, b"".join(fields))


def _trace_id(sent: str, dialect: Dialect) -> bytes:
    found = dialect.identifier(sent, _TRACE_DIGITS, "trace id")
    if not any(found):
        raise MalformedError("trace id of zeros")
    return found


def _span_id(sent: str, dialect: Dialect) -> bytes:
    found = dialect.identifier(sent, _SPAN_DIGITS, "span id")
    if not any(found):
        raise MalformedError("span id of zeros")
    return found
